"""Refusals as pages: what happened, and what to do next. One table, most particular first along a class's ancestry."""

from dataclasses import dataclass
from typing import Any, Final

from flask import Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import InternalServerError
from werkzeug.exceptions import NotFound as NoSuchAddress

from exchange.domain import errors
from exchange.domain.errors import ExchangeError
from exchange.web.portal.viewer import safe_next


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """The status, a heading, and the advice under the sentence of the refusal."""

    status: int
    heading: Any
    advice: Any


AGAIN: Final = _("Go back, read the page again, and try once more.")
PAGES: Final[dict[type[ExchangeError], ErrorPage]] = {
    errors.Unauthenticated: ErrorPage(401, _("Please sign in"), _("Sign in, and you come back to this page.")),
    errors.Forbidden: ErrorPage(
        403,
        _("You may not do this"),
        _("Ask an administrator of your organisation, or the other side of the referral."),
    ),
    errors.NotFound: ErrorPage(
        404,
        _("There is nothing here for you"),
        _("Check the address, or go back to your list: it shows all you may see."),
    ),
    errors.Malformed: ErrorPage(400, _("We could not read that"), AGAIN),
    errors.IllegalTransition: ErrorPage(
        409,
        _("Somebody else was faster"),
        _("This referral has moved on since you opened it. Look at how it stands now, then decide."),
    ),
    errors.Unprocessable: ErrorPage(422, _("This is not possible"), AGAIN),
    errors.Conflict: ErrorPage(
        409, _("Somebody else changed it"), _("Nothing of yours was stored. Look at how it stands now, then decide.")
    ),
    errors.StaleVersion: ErrorPage(
        412, _("Somebody else changed it"), _("Nothing of yours was stored. Look at how it stands now, then decide.")
    ),
    errors.PreconditionRequired: ErrorPage(428, _("Please read it first"), AGAIN),
    errors.TooMany: ErrorPage(
        429, _("Please wait a moment"), _("Nothing is locked and nothing is lost: it works again after the wait.")
    ),
    errors.Busy: ErrorPage(
        503,
        _("The exchange is busy"),
        _("Try again in a minute; your page is still as you left it."),
    ),
    errors.StorageFull: ErrorPage(
        507, _("There is no room left to store this"), _("Nothing was stored. Please tell whoever runs this exchange.")
    ),
}
UNKNOWN: Final = ErrorPage(500, _("Something went wrong on our side"), AGAIN)
RETRY_SECONDS: Final = {503: 5, 507: 60}


def error_page(error: ExchangeError) -> ResponseReturnValue:
    """Return the page of a refusal. Who is not signed in goes to the sign-in page, and comes back to a page it read."""
    if isinstance(error, errors.Unauthenticated):
        here = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("portal.sign_in.form", next=safe_next(here)), 303)
    page = next((PAGES[kind] for kind in type(error).__mro__ if kind in PAGES), UNKNOWN)
    response = _page(page, error.sentence)
    seconds = error.retry_after_seconds if isinstance(error, errors.TooMany) else RETRY_SECONDS.get(page.status)
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def csrf_page(_error: CSRFError) -> ResponseReturnValue:
    """Return the page for a form that did not come from a page we made, or from one that is too old."""
    page = ErrorPage(
        400, _("This form is too old"), _("Go back, reload the page and send it again. Nothing was stored.")
    )
    return _page(page, _("The page was open for too long, or it was not opened in this browser."))


def missing_page(error: NoSuchAddress) -> ResponseReturnValue:
    """Return a page for an address that is nowhere; programs get their short answer."""
    if request.accept_mimetypes.best_match(["application/json", "text/html"], "application/json") != "text/html":
        return error
    return _page(PAGES[errors.NotFound], _("There is no page at this address."))


def fault_page(_error: InternalServerError) -> ResponseReturnValue:
    """Return a bland page for what we did not foresee: an exception's own words may hold what somebody sent."""
    return _page(UNKNOWN, _("Please tell whoever runs this exchange the number %(id)s.", id=g.get("request_id", "-")))


def _page(page: ErrorPage, sentence: Any) -> Response:
    referral_id = (request.view_args or {}).get("referral_id")
    return make_response(
        render_template("portal/error.html", page=page, sentence=sentence, referral_id=referral_id), page.status
    )
