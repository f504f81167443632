"""`/answer/<token>`: an agency without an account answers from the mail. GET shows no health data and changes nothing.

What is asked (need, ZIP3, language) is shown in answer to a POST; the person only to whoever has typed in the code that
was sent to the agency's listed address, and only once the agency has accepted.
"""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import StringField

from exchange.actions.links.ask_for_code import ask_for_code
from exchange.actions.links.prove_address import is_proved, prove_address
from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.open_referral import ReferralPage, open_referral
from exchange.domain.errors import IllegalTransition, Unprocessable
from exchange.domain.permissions import Permission
from exchange.domain.referral import ENDED
from exchange.web.guard import Who, access, current_actor
from exchange.web.portal.forms import PageForm, at_most, needed, stripped
from exchange.web.portal.referral import Offer, note_opening, offers, step_of
from exchange.web.portal.steps import answer_form
from exchange.web.transaction import reading, transaction
from fhir_mapping.case_data.referral import ReferralStatus

blueprint = Blueprint("answer_link", __name__)

FIRST_ANSWERS = ("accept", "reject")


class CodeForm(PageForm):
    """The code from the mail."""

    code = StringField(
        _("Code from the e-mail"), [needed(_("Type the six digits from the e-mail.")), at_most(20)], filters=[stripped]
    )


@blueprint.get("/answer/<token>")
@access(Who.LINK, Permission.READ_REFERRAL)
def page(token: str) -> ResponseReturnValue:
    """Show who asks and by when; nothing of the person, nothing of the need."""
    return _page(token)


@blueprint.post("/answer/<token>/show")
@access(Who.LINK, Permission.READ_REFERRAL)
def show(token: str) -> ResponseReturnValue:
    """Show what is asked, as a preview; once accepted and proved, the person too."""
    with reading() as session:
        found = open_referral(
            session, current_actor(), current_actor().referral_id or "", proved=is_proved(session, token)
        )
        proved = is_proved(session, token)
    note_opening(found)
    if found.referral.status is ReferralStatus.REQUESTED or not proved:
        return _page(token, shows_need=True)
    return _details(token, found)


@blueprint.post("/answer/<token>/answer/<verb>")
@access(Who.LINK, Permission.ANSWER_REFERRAL)
def answer(token: str, verb: str) -> ResponseReturnValue:
    """Ask to confirm, then record the answer: the first POST shows what is asked, the second one acts."""
    step, actor = step_of(verb), current_actor()
    with reading() as session:
        proved = is_proved(session, token)
        found = open_referral(session, actor, actor.referral_id or "", proved=proved)
    if verb not in FIRST_ANSWERS and not proved:
        raise Unprocessable("Type in the code from the e-mail first: then you can go on with this referral.")
    if verb not in found.moves:
        raise IllegalTransition(found.referral.status, verb)
    if request.form.get("confirmed") != "yes":
        note_opening(found)
        return _confirm(token, found, Offer(step, answer_form(step, fresh=True)))
    form = answer_form(step)
    if not form.validate():
        offer = Offer(step, form, is_open=True)
        return (
            _details(token, found, offer) if proved and verb not in FIRST_ANSWERS else _confirm(token, found, offer)
        ), 422
    with transaction() as session:
        after = answer_referral(session, actor, actor.referral_id or "", verb, **form.said())
    if after.status in ENDED:
        return _closing(found, step.done, after.status)
    flash(str(step.done))
    return redirect(url_for(".page", token=token), 303)


@blueprint.post("/answer/<token>/code")
@access(Who.LINK, Permission.READ_REFERRAL)
def code(token: str) -> ResponseReturnValue:
    """Send a code to the listed address, or take the one that was typed in. A wrong one is counted, so it commits."""
    if "code" not in request.form:
        with transaction() as session:
            email = ask_for_code(session, token)
        flash(gettext("A code is on its way to %(address)s. It works for 15 minutes.", address=_masked(email)))
        return redirect(url_for(".page", token=token, code="sent"), 303)
    form = CodeForm()
    if not form.validate():
        return _page(token, form=form), 422
    with transaction() as session:
        is_right = prove_address(session, token, form.code.data)
    if not is_right:
        form.code.errors = [gettext("This code is wrong or too old. Check it, or ask for a new one.")]
        return _page(token, form=form), 422
    with reading() as session:
        found = open_referral(session, current_actor(), current_actor().referral_id or "", proved=True)
    note_opening(found)
    return _details(token, found)


def _page(token: str, *, shows_need: bool = False, form: CodeForm | None = None) -> str:
    with reading() as session:
        found = open_referral(session, current_actor(), current_actor().referral_id or "")
        proved = is_proved(session, token)
    return render_template(
        "portal/answer.html",
        page=found,
        token=token,
        shows_need=shows_need,
        proved=proved,
        form=form or (CodeForm(formdata=None) if request.args.get("code") == "sent" else None),
        address=_masked(found.receiver.email) if found.receiver and found.receiver.email else None,
        first_answers=[offer.step for offer in offers(found) if offer.step.verb in FIRST_ANSWERS],
    )


def _confirm(token: str, found: ReferralPage, offer: Offer) -> str:
    return render_template("portal/answer_confirm.html", page=found, offer=offer, token=token)


def _details(token: str, found: ReferralPage, tried: Offer | None = None) -> str:
    return render_template(
        "portal/answer_details.html",
        page=found,
        token=token,
        offers=offers(found, tried),
        answer_at=lambda verb: url_for(".answer", token=token, verb=verb),
    )


def _closing(found: ReferralPage, done: object, status: ReferralStatus) -> str:
    """Return the last page of a link: an answer that ends a referral ends its link too."""
    return render_template("portal/answer_done.html", page=found, done=done, status=status)


def _masked(email: str) -> str:
    """Return an address of which only the owner knows the rest: m•••@agency.org."""
    name, _at, host = email.partition("@")
    return f"{name[:1]}•••@{host}"
