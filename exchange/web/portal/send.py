"""`/send`: a hospital sends a referral. One page, two steps: say who and what, then choose an agency and send.

Everything typed stays in the form and travels by POST only: no address ever holds health data. A form carries a key,
so that sending it twice sends one referral.
"""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from exchange.actions.directory.find_receivers import Found, find_receivers
from exchange.actions.people.find_known_people import KnownPerson, find_known_people
from exchange.actions.referrals.compose_referral import compose_referral
from exchange.actions.referrals.open_referral import open_referral
from exchange.db.ids import new_secret
from exchange.db.repeat import FirstAnswer, first_answer, keep_answer
from exchange.db.session import now
from exchange.domain.actor import Actor
from exchange.domain.errors import NotFound, Unprocessable
from exchange.domain.permissions import Permission
from exchange.web.audit_trail import note_read
from exchange.web.guard import Who, access, current_actor
from exchange.web.portal.send_form import SendForm
from exchange.web.portal.viewer import viewer_organization
from exchange.web.transaction import reading, transaction

blueprint = Blueprint("send", __name__)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the second step offers: agencies, and people of this name and birth date whom we know already."""

    found: Found | None = None
    known: tuple[KnownPerson, ...] = ()


@blueprint.get("/send")
@access(Who.PERSON, Permission.SEND_REFERRAL)
def page() -> ResponseReturnValue:
    """Show the empty form; with `again`, for the person of an earlier referral of ours."""
    form = SendForm(formdata=None, key=new_secret())
    again = request.args.get("again", "")
    if again:
        with reading() as session:
            earlier = open_referral(session, current_actor(), again)
        if earlier.person is None or earlier.referral.sender_id != current_actor().organization_id:
            raise NotFound("This person is not known to your organisation: open one of your own referrals.")
        note_read("read", type_name="Patient", patient_id=earlier.referral.patient_id, referral_id=earlier.referral.id)
        form.fill(earlier.referral.patient_id, earlier.person)
    return render_template("portal/send.html", form=form, choices=Choices())


@blueprint.post("/send")
@access(Who.PERSON, Permission.SEND_REFERRAL)
def send() -> ResponseReturnValue:
    """Find agencies, or send: the button that was pressed says which."""
    form, actor = SendForm(), current_actor()
    is_sending = request.form.get("step") == "send"
    is_valid = form.validates(for_sending=is_sending)
    with reading() as session:
        choices = _choices(session, actor, form)
    is_valid = (not is_sending or form.says_who()) and is_valid
    if not (is_sending and is_valid):
        return render_template("portal/send.html", form=form, choices=choices), 200 if is_valid else 422
    try:
        with transaction() as session:
            address = _sent_once(session, actor, form)
    except Unprocessable as error:
        if not form.blame(error):
            raise
        return render_template("portal/send.html", form=form, choices=choices), 422
    flash(gettext("The referral is sent. Here you see what happens with it."))
    return redirect(address, 303)


def _sent_once(session: Session, actor: Actor, form: SendForm) -> str:
    """Send, and return the address of the referral's page; the same form a second time gets the first address."""
    at, own, key = now(session), actor.organization_id or "", f"portal {form.key.data}"
    first = first_answer(session, own, key, at)
    if first is not None and first.location:
        return first.location
    sent = compose_referral(session, actor, form.request())
    address = url_for("portal.referral.page", referral_id=sent.referral.id)
    keep_answer(session, own, key, FirstAnswer("portal", 303, address, None, b""), at)
    return address


def _choices(session: Session, actor: Actor, form: SendForm) -> Choices:
    known = () if form.patient_id.data else tuple(_known(session, actor, form))
    form.offer_people(known)
    if form.need.errors or form.zip_code.errors:
        return Choices(None, known)
    try:
        found = find_receivers(
            session, actor, need=form.need.data, zip_code=form.zip_code.data, text=form.words.data,
            language=form.language.data if form.speaks.data else None, radius_km=float(form.radius.data or 25),
        )  # fmt: skip
    except Unprocessable as error:
        if not form.blame(error):
            raise
        return Choices(None, known)
    facts = viewer_organization()
    form.offer_agencies(found.receivers, has_network=bool(facts and facts.network_id))
    return Choices(found, known)


def _known(session: Session, actor: Actor, form: SendForm) -> list[KnownPerson]:
    born = form.birth_date.data.isoformat() if form.birth_date.data else ""
    return find_known_people(session, actor, form.family.data or "", born)
