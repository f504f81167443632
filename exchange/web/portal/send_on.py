"""`/referrals/<id>/send-on`: the same request, to another agency."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional, Regexp

from exchange.actions.directory.find_receivers import Found, find_receivers
from exchange.actions.referrals.open_referral import ReferralPage, open_referral
from exchange.actions.referrals.send_on import send_on
from exchange.domain.errors import Unprocessable
from exchange.domain.permissions import Permission
from exchange.web.guard import Who, access, current_actor
from exchange.web.portal.forms import LONGEST_TEXT, RADII, PageForm, at_most, choices, needed, stripped
from exchange.web.portal.referral import may_send_on, note_opening
from exchange.web.transaction import reading, transaction

blueprint = Blueprint("send_on", __name__)


class SendOnForm(PageForm):
    """Where to look, whom to choose, what to tell them."""

    zip_code = StringField(
        _("ZIP code"), [Optional(), Regexp(r"\d{5}\Z", message=_("Five digits, please."))], filters=[stripped]
    )
    words = StringField(_("Agency or service (optional)"), [Optional(), at_most(100)], filters=[stripped])
    radius = SelectField(_("How far away"), choices=choices(RADII), default="25")
    receiver = RadioField(_("Send to"), [needed(_("Choose an agency."))], choices=[], validate_choice=False)
    note = TextAreaField(_("Note to the agency (optional)"), [Optional(), at_most(LONGEST_TEXT)], filters=[stripped])


@blueprint.get("/referrals/<uuid:referral_id>/send-on")
@access(Who.PERSON, Permission.SEND_REFERRAL)
def page(referral_id: UUID) -> ResponseReturnValue:
    """Show agencies for the same need, near the person."""
    return _page(str(referral_id), None)


@blueprint.post("/referrals/<uuid:referral_id>/send-on")
@access(Who.PERSON, Permission.SEND_REFERRAL)
def send(referral_id: UUID) -> ResponseReturnValue:
    """Search again, or send on: the button that was pressed says which."""
    form, actor = SendOnForm(), current_actor()
    if request.form.get("step") != "send":
        searched = all([form.zip_code.validate(form), form.words.validate(form)])
        return _page(str(referral_id), form), 200 if searched else 422
    if not form.validate():
        return _page(str(referral_id), form), 422
    try:
        with transaction() as session:
            _open(session, str(referral_id))  # asked again inside: who was faster has sent it on already
            sent = send_on(session, actor, str(referral_id), form.receiver.data, note=form.note.data)
    except Unprocessable as error:
        if not form.blame(error):
            raise
        return _page(str(referral_id), form), 422
    flash(gettext("Sent on. Here you see what happens with it."))
    return redirect(url_for("portal.referral.page", referral_id=sent.referral.id), 303)


def _open(session: Any, referral_id: str) -> ReferralPage:
    found = open_referral(session, current_actor(), referral_id)
    if not may_send_on(current_actor(), found):
        raise Unprocessable("This referral cannot be sent on now: open it to see where it stands.")
    return found


def _page(referral_id: str, form: SendOnForm | None) -> str:
    with reading() as session:
        page = _open(session, referral_id)
        if form is None:
            form = SendOnForm(formdata=None, zip_code=page.person.zip_code[:5] if page.person else "")
        agencies = _agencies(session, page, form)
    note_opening(page)
    form.receiver.choices = choices((one.organization_id, one.name) for one in agencies.receivers)
    return render_template("portal/send_on.html", page=page, form=form, found=agencies)


def _agencies(session: Any, page: ReferralPage, form: SendOnForm) -> Found:
    """Return other agencies than those that were asked before."""
    asked = {one.receiver_id for one in page.attempts} | {page.referral.receiver_id}
    try:
        found = find_receivers(
            session, current_actor(), need=page.referral.need, zip_code=form.zip_code.data,
            text=form.words.data, radius_km=float(form.radius.data or 25),
        )  # fmt: skip
    except Unprocessable as error:
        form.zip_code.errors = [*form.zip_code.errors, error.sentence]
        return Found((), ())
    others = {one.organization_id: one for one in found.receivers if one.organization_id not in asked}
    return Found(tuple(others.values()), found.notes)
