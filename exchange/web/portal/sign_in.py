"""`/sign-in` and `/sign-out`."""

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import EmailField, HiddenField, PasswordField

from exchange.actions.people.check_password import check_password
from exchange.actions.people.note_failed_sign_in import note_failed_sign_in
from exchange.actions.people.sign_in import sign_in
from exchange.actions.people.sign_out import sign_out
from exchange.web.guard import SESSION_COOKIE, Who, access, session_secret
from exchange.web.portal.forms import PageForm, at_most, needed, stripped
from exchange.web.portal.viewer import safe_next
from exchange.web.transaction import config, reading, transaction

blueprint = Blueprint("sign_in", __name__)


class SignInForm(PageForm):
    """Address and password."""

    email = EmailField(_("E-mail address"), [needed(_("Give your e-mail address.")), at_most(320)], filters=[stripped])
    password = PasswordField(_("Password"), [needed(_("Give your password.")), at_most(1000)])
    next = HiddenField()


@blueprint.get("/sign-in")
@access(Who.PUBLIC)
def form() -> ResponseReturnValue:
    """Show the sign-in form."""
    page = SignInForm(formdata=None, next=safe_next(request.args.get("next")))
    return render_template("portal/sign_in.html", form=page)


@blueprint.post("/sign-in")
@access(Who.PUBLIC)
def enter() -> ResponseReturnValue:
    """Sign in: the password is judged before the transaction, a wrong one is counted in a transaction of its own."""
    page = SignInForm()
    if not page.validate():
        return render_template("portal/sign_in.html", form=page), 422
    address, email = request.remote_addr or "", page.email.data
    with reading() as snapshot:
        user_id = check_password(snapshot, email, page.password.data, address)
    if user_id is None:
        with transaction() as writing:
            note_failed_sign_in(writing, email, address, request_id=g.request_id)
        page.password.errors = [gettext("The address or the password is wrong. Check both and try again.")]
        return render_template("portal/sign_in.html", form=page), 401
    with transaction() as writing:
        token = sign_in(writing, user_id, address, instead_of=session_secret(), request_id=g.request_id)
    session.clear()  # forms of before belong to nobody now
    return with_session(redirect(safe_next(page.next.data) or url_for("portal.lists.inbox"), 303), token)


@blueprint.post("/sign-out")
@access(Who.PUBLIC)
def leave() -> ResponseReturnValue:
    """End the session on our side and in the browser."""
    with transaction() as writing:
        sign_out(writing, session_secret())
    session.clear()
    flash(gettext("You are signed out."))
    response = redirect(url_for(".form"), 303)
    response.delete_cookie(
        config().cookie_name(SESSION_COOKIE), secure=config().is_https, httponly=True, samesite="Lax"
    )
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def with_session(response: "Response | ResponseReturnValue", token: str) -> Response:
    """Return an answer that carries the session's secret: not for scripts, not across sites, gone with the browser."""
    answer = make_response(response)
    name, is_https = config().cookie_name(SESSION_COOKIE), config().is_https
    answer.set_cookie(name, token, httponly=True, samesite="Lax", secure=is_https)
    return answer
