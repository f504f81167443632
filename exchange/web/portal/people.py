"""`/people`: the people of an organisation, and inviting more. For administrators."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import EmailField, SelectField, StringField

from exchange.actions.people.invite_user import invite_user
from exchange.actions.people.list_people import list_people
from exchange.domain.actor import Role
from exchange.domain.errors import Conflict, Unprocessable
from exchange.domain.permissions import Permission
from exchange.web.guard import Who, access, current_actor
from exchange.web.portal.forms import PageForm, at_most, choices, chosen, needed, stripped
from exchange.web.portal.wording import ROLE
from exchange.web.transaction import reading, transaction

blueprint = Blueprint("people", __name__)


class InviteForm(PageForm):
    """Whom to invite, and as what."""

    name = StringField(_("Name"), [at_most(200)], filters=[stripped])
    email = EmailField(
        _("E-mail address"),
        [needed(_("Give the address: the invitation goes there.")), at_most(320)],
        filters=[stripped],
    )
    role = SelectField(
        _("Role"), [chosen(_("Choose a role."))], choices=choices((role.value, words) for role, words in ROLE.items())
    )


@blueprint.get("/people")
@access(Who.PERSON, Permission.MANAGE_PEOPLE)
def page() -> ResponseReturnValue:
    """List the people of the viewer's organisation."""
    return _page(InviteForm(formdata=None))


@blueprint.post("/people")
@access(Who.PERSON, Permission.MANAGE_PEOPLE)
def invite() -> ResponseReturnValue:
    """Invite a person; the link goes to their own address and is shown to nobody here."""
    form, actor = InviteForm(), current_actor()
    own = actor.organization_id or ""
    if not form.validate():
        return _page(form), 422
    try:
        with transaction() as session:
            role = Role(form.role.data)
            invite_user(session, actor, own, form.email.data, role, form.name.data or "", by_mail=True)
    except (Unprocessable, Conflict) as error:
        form.email.errors = [error.sentence]
        return _page(form), 422
    flash(gettext("The invitation is on its way. The link in it works for seven days."))
    return redirect(url_for(".page"), 303)


def _page(form: InviteForm) -> str:
    with reading() as session:
        people = list_people(session, current_actor().organization_id or "")
    return render_template("portal/people.html", form=form, people=people)
