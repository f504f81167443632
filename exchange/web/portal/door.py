"""The portal: pages for people, at `/`. Server-rendered, without JavaScript where need be, nothing from elsewhere.

Every page below stands behind the same three things: the CSRF check, the table of errors, and a session that stays
alive while it is used. Links that are opened by a mail scanner change nothing: only a POST with its token acts.
"""

from contextlib import suppress
from pathlib import Path

from flask import Blueprint, Flask, Response, g, request
from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFError, CSRFProtect

from exchange.actions.people.stay_signed_in import NOTED_EVERY, stay_signed_in
from exchange.domain.errors import Busy, ExchangeError, Forbidden, StorageFull
from exchange.web.guard import session_secret
from exchange.web.portal import (
    answer_link,
    filters,
    invitation,
    lists,
    people,
    phone,
    referral,
    send,
    send_on,
    sign_in,
    viewer,
)
from exchange.web.portal.error_pages import csrf_page, error_page, fault_page, missing_page
from exchange.web.transaction import database, transaction

TRANSLATIONS = Path(__file__).parent / "translations"
PAGES = (sign_in, invitation, lists, referral, send, send_on, phone, answer_link, people)
FORM_SECONDS = 12 * 3600


def open_door(app: Flask) -> None:
    """Open the portal."""
    #  Bootstrap's files are served from its wheel; the app itself has no folder of static files to take the path from
    app.static_url_path = "/static"
    app.config.update(
        BOOTSTRAP_SERVE_LOCAL=True,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=FORM_SECONDS,
        #  our pages send no Referer (Referrer-Policy: no-referrer), so it cannot be asked for; see decision 0051
        WTF_CSRF_SSL_STRICT=False,
    )
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    Babel(
        app,
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=viewer.chosen_locale,
        timezone_selector=viewer.zone_name,
    )
    portal = Blueprint(
        "portal", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
    )
    for page in PAGES:
        portal.register_blueprint(page.blueprint)

    @portal.before_request
    def refuse_forged() -> None:
        if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method == "POST":
            raise Forbidden("This form was sent from another site: open the page here and try again.")
        csrf.protect()

    portal.after_request(_stay_signed_in)
    portal.register_error_handler(ExchangeError, error_page)
    portal.register_error_handler(CSRFError, csrf_page)
    portal.register_error_handler(500, fault_page)
    portal.app_context_processor(viewer.page_context)
    filters.add_filters(app)
    app.register_blueprint(portal)
    app.register_error_handler(404, missing_page)


def _stay_signed_in(response: Response) -> Response:
    seen_at = g.get("session_seen_at")
    if seen_at is not None and database().clock() - seen_at >= NOTED_EVERY:
        #  where it cannot be noted the page is shown all the same: the session only ends a little earlier
        with suppress(Busy, StorageFull), transaction() as session:
            stay_signed_in(session, session_secret())
    return response
