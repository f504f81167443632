"""`/referrals/<id>`: one referral, in words, with the forms for what the viewer may do now."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.open_referral import ReferralPage, open_referral
from exchange.actions.referrals.tell_news import tell_news
from exchange.domain.actor import Actor
from exchange.domain.errors import IllegalTransition, NotFound, Unprocessable
from exchange.domain.permissions import Permission
from exchange.domain.referral import ENDED, OPEN
from exchange.web.audit_trail import note_read
from exchange.web.guard import Who, access, current_actor
from exchange.web.portal.steps import STEPS, AnswerForm, NewsForm, Step, answer_form, news_form
from exchange.web.transaction import reading, transaction
from fhir_mapping.case_data.referral import ReferralStatus, Side, Stage

blueprint = Blueprint("referral", __name__)

SENT_ON_FROM = frozenset(
    {ReferralStatus.REQUESTED, *ENDED} - {ReferralStatus.COMPLETED, ReferralStatus.ENTERED_IN_ERROR}
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A step with its form; open when it holds what somebody just typed."""

    step: Step
    form: AnswerForm
    is_open: bool = False


@blueprint.get("/referrals/<uuid:referral_id>")
@access(Who.PERSON, Permission.READ_REFERRAL)
def page(referral_id: UUID) -> ResponseReturnValue:
    """Show a referral. The reading is audited."""
    return shown(str(referral_id))


@blueprint.post("/referrals/<uuid:referral_id>/answer/<verb>")
@access(Who.PERSON, Permission.READ_REFERRAL)
def answer(referral_id: UUID, verb: str) -> ResponseReturnValue:
    """Make a move: the table of moves decides whether this side may."""
    step = step_of(verb)
    form = answer_form(step)
    if not form.validate():
        return shown(str(referral_id), tried=Offer(step, form, is_open=True)), 422
    try:
        with transaction() as session:
            answer_referral(session, current_actor(), str(referral_id), verb, **form.said())
    except Unprocessable as error:
        if isinstance(error, IllegalTransition) or not form.blame(error):
            raise
        return shown(str(referral_id), tried=Offer(step, form, is_open=True)), 422
    flash(str(step.done))
    return redirect(url_for(".page", referral_id=referral_id), 303)


@blueprint.post("/referrals/<uuid:referral_id>/news")
@access(Who.PERSON, Permission.READ_REFERRAL)
def news(referral_id: UUID) -> ResponseReturnValue:
    """Add a note, or how far the agency has come."""
    actor = current_actor()
    with reading() as session:
        side = open_referral(session, actor, str(referral_id)).side
    form = news_form(of_agency=side is Side.RECEIVER)
    if not form.validate():
        return shown(str(referral_id), tried_news=form), 422
    stage = Stage(form["stage"].data) if "stage" in form and form["stage"].data else None
    try:
        with transaction() as session:
            tell_news(session, actor, str(referral_id), stage=stage, note=form.note.data)
    except Unprocessable as error:
        if not form.blame(error):
            raise
        return shown(str(referral_id), tried_news=form), 422
    flash(gettext("The other side was told."))
    return redirect(url_for(".page", referral_id=referral_id), 303)


def shown(referral_id: str, *, tried: Offer | None = None, tried_news: NewsForm | None = None) -> str:
    """Return the page of a referral; a form that was refused keeps what was typed."""
    actor = current_actor()
    with reading() as session:
        found = open_referral(session, actor, referral_id)
    note_opening(found)
    form = tried_news or news_form(of_agency=found.side is Side.RECEIVER, fresh=True)
    is_party = found.side in (Side.SENDER, Side.RECEIVER) and found.referral.status in OPEN
    return render_template(
        "portal/referral.html",
        page=found,
        offers=offers(found, tried),
        answer_at=lambda verb: url_for(".answer", referral_id=referral_id, verb=verb),
        news=form if is_party and found.referral.status is not ReferralStatus.DRAFT else None,
        may_send_on=may_send_on(actor, found),
    )


def offers(found: ReferralPage, tried: Offer | None = None, *, by_phone: bool = False) -> list[Offer]:
    """Return the steps open to the viewer, in the order of the table.

    An agency is offered to decline or to end a referral, each with its reason, and not to cancel besides.
    """
    moves = set(found.moves) - ({"cancel"} if found.side is Side.RECEIVER else set())
    steps = [step for verb, step in STEPS.items() if verb in moves]
    fresh = {step.verb: Offer(step, answer_form(step, by_phone=by_phone, fresh=True)) for step in steps}
    return [tried if tried is not None and tried.step is step else fresh[step.verb] for step in steps]


def step_of(verb: str) -> Step:
    """Return the step of a verb in an address. Raises NotFound."""
    if verb not in STEPS:
        raise NotFound("There is no such step: open the referral and choose one that is offered.")
    return STEPS[verb]


def may_send_on(actor: Actor, found: ReferralPage) -> bool:
    """Return whether the sender may send the same request elsewhere: nobody has it, and it was not sent on yet."""
    status, next_step = found.referral.status, found.referral.next_step
    was_sent_on = any(one.previous_id == found.referral.id for one in found.attempts)
    return (
        found.side is Side.SENDER
        and actor.organization_id == found.referral.sender_id
        and not was_sent_on
        and (
            status in SENT_ON_FROM
            or (status in OPEN and next_step is Side.SENDER and status is not ReferralStatus.DRAFT)
        )
    )


def note_opening(found: ReferralPage) -> None:
    """Note in the audit that the caller opened a referral, and whose it is when the person was shown."""
    note_read(
        "read",
        type_name="Task",
        document_id=found.referral.id,
        author_id=found.referral.sender_id,
        patient_id=found.referral.patient_id if found.person is not None else None,
        referral_id=found.referral.id,
    )
