"""`/phone-list`: a facilitator calls an agency, reads the sheet out, and records who answered what."""

from dataclasses import replace
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.list_referrals import list_referrals
from exchange.actions.referrals.open_referral import open_referral
from exchange.domain.actor import Actor
from exchange.domain.errors import IllegalTransition, Unprocessable
from exchange.domain.permissions import Permission
from exchange.web.audit_trail import note_read
from exchange.web.guard import Who, access, current_actor
from exchange.web.portal.referral import Offer, note_opening, offers, step_of
from exchange.web.portal.steps import answer_form
from exchange.web.transaction import reading, transaction

blueprint = Blueprint("phone", __name__)

#  what an agency says on the phone; sending and cancelling are the sender's own steps
SAID_BY_PHONE = frozenset({"accept", "reject", "start", "hold", "resume", "complete", "fail"})


@blueprint.get("/phone-list")
@access(Who.PERSON, Permission.SEE_PHONE_LIST)
def phone_list() -> ResponseReturnValue:
    """List the referrals whose agency can only be reached by phone."""
    with reading() as session:
        lines = list_referrals(session, _caller(), "phone")
    note_read("search-type", type_name="Task", query="the portal's list: phone")
    return render_template("portal/phone_list.html", lines=lines)


@blueprint.get("/referrals/<uuid:referral_id>/call")
@access(Who.PERSON, Permission.RECORD_FOR_AGENCY)
def call(referral_id: UUID) -> ResponseReturnValue:
    """Show what to say on the phone, and the form for the answer."""
    return _call(str(referral_id))


@blueprint.post("/referrals/<uuid:referral_id>/call/<verb>")
@access(Who.PERSON, Permission.RECORD_FOR_AGENCY)
def record(referral_id: UUID, verb: str) -> ResponseReturnValue:
    """Record what the agency said, with the name of who said it."""
    step = step_of(verb)
    form = answer_form(step, by_phone=True)
    if not form.validate():
        return _call(str(referral_id), Offer(step, form, is_open=True)), 422
    try:
        with transaction() as session:
            answer_referral(session, _caller(form["answered_by"].data), str(referral_id), verb, **form.said())
    except Unprocessable as error:
        if isinstance(error, IllegalTransition) or not form.blame(error):
            raise
        return _call(str(referral_id), Offer(step, form, is_open=True)), 422
    flash(gettext("Recorded. The sender sees it now."))
    return redirect(url_for(".call", referral_id=referral_id), 303)


@blueprint.get("/referrals/<uuid:referral_id>/sheet")
@access(Who.PERSON, Permission.RECORD_FOR_AGENCY)
def sheet(referral_id: UUID) -> ResponseReturnValue:
    """Show a sheet for print: what to read out, and boxes for the answer."""
    with reading() as session:
        found = open_referral(session, _caller(), str(referral_id))
    note_opening(found)
    return render_template("portal/sheet.html", page=found)


def _caller(answered_by: str = "") -> Actor:
    """Return the facilitator as somebody who records for an agency, and who said it."""
    actor = current_actor()
    name = f"{answered_by}, by phone to {actor.name}" if answered_by else actor.name
    return replace(actor, source="phone", name=name)


def _call(referral_id: str, tried: Offer | None = None) -> str:
    with reading() as session:
        found = open_referral(session, _caller(), referral_id)
    note_opening(found)
    said = [one for one in offers(found, tried, by_phone=True) if one.step.verb in SAID_BY_PHONE]
    return render_template(
        "portal/call.html",
        page=found,
        offers=said,
        answer_at=lambda verb: url_for(".record", referral_id=referral_id, verb=verb),
    )
