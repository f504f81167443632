"""`/invitation/<token>`: an invited person chooses a password and is signed in. Opening the page uses nothing up."""

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from wtforms import PasswordField, StringField

from exchange.actions.directory.find_organization import find_organization
from exchange.actions.people.accept_invitation import accept_invitation, invited_user
from exchange.actions.people.sign_in import sign_in
from exchange.domain.errors import Unprocessable
from exchange.web.guard import Who, access, session_secret
from exchange.web.portal.forms import PageForm, at_most, needed, stripped
from exchange.web.portal.sign_in import with_session
from exchange.web.transaction import reading, transaction

blueprint = Blueprint("invitation", __name__)


class PasswordForm(PageForm):
    """A name for colleagues, and a password."""

    name = StringField(
        _("Your name"), [needed(_("Give your name: colleagues see it.")), at_most(200)], filters=[stripped]
    )
    password = PasswordField(_("Choose a password"), [needed(_("Choose a password."))])


@blueprint.get("/invitation/<token>")
@access(Who.PUBLIC)
def page(token: str) -> ResponseReturnValue:
    """Show who is invited, and the form."""
    return _page(token, None)


@blueprint.post("/invitation/<token>")
@access(Who.PUBLIC)
def choose(token: str) -> ResponseReturnValue:
    """Take the password and sign the person in."""
    form = PasswordForm()
    if not form.validate():
        return _page(token, form), 422
    address = request.remote_addr or ""
    try:
        with transaction() as writing:
            user_id = accept_invitation(writing, token, form.password.data, form.name.data)
            secret = sign_in(writing, user_id, address, instead_of=session_secret(), request_id=g.request_id)
    except Unprocessable as error:
        if not form.blame(error):
            raise
        return _page(token, form), 422
    session.clear()
    return with_session(redirect(url_for("portal.lists.inbox"), 303), secret)


def _page(token: str, form: PasswordForm | None) -> str:
    with reading() as snapshot:
        user = invited_user(snapshot, token)
        organization = find_organization(snapshot, user.organization_id)
    form = form or PasswordForm(formdata=None, name=user.name)
    return render_template(
        "portal/invitation.html", form=form, email=user.email, organization=organization, token=token
    )
