"""Who looks at the page: their organisation, its time zone, their language, and where they may go from here."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import g, request
from flask_babel import get_locale, lazy_gettext

from exchange.actions.directory.find_organization import OrganizationFacts, find_organization
from exchange.domain.actor import Actor, ActorKind, OrganizationKind
from exchange.domain.permissions import Permission, may
from exchange.web.transaction import config, database, reading

LANGUAGES = ("en", "es")
AGENCY, HOSPITAL, NETWORK = OrganizationKind.AGENCY, OrganizationKind.HOSPITAL, OrganizationKind.NETWORK


class Place(NamedTuple):
    """A page of the menu: its endpoint, its words, for which kinds of organisation, and who may go there."""

    endpoint: str
    words: Any
    kinds: frozenset[OrganizationKind]
    permission: Permission


_ = lazy_gettext
MENU = (
    Place("portal.lists.inbox", _("Inbox"), frozenset({AGENCY}), Permission.READ_REFERRAL),
    Place("portal.lists.queue", _("Routing queue"), frozenset({NETWORK}), Permission.READ_REFERRAL),
    Place("portal.lists.sent", _("Our referrals"), frozenset({HOSPITAL, AGENCY}), Permission.SEND_REFERRAL),
    Place("portal.lists.received", _("Received"), frozenset({NETWORK, HOSPITAL}), Permission.READ_REFERRAL),
    Place("portal.send.page", _("Send"), frozenset({HOSPITAL, AGENCY}), Permission.SEND_REFERRAL),
    Place("portal.phone.phone_list", _("To be phoned"), frozenset({HOSPITAL, NETWORK}), Permission.SEE_PHONE_LIST),
    Place("portal.people.page", _("People"), frozenset(OrganizationKind), Permission.MANAGE_PEOPLE),
)


def viewer_organization() -> OrganizationFacts | None:
    """Return the organisation of whoever looks at the page, read once per request; None on a public page."""
    actor: Actor | None = g.get("actor")
    if actor is None or actor.organization_id is None:
        return None
    if "viewer_organization" not in g:
        with reading() as session:
            g.viewer_organization = find_organization(session, actor.organization_id)
    facts: OrganizationFacts | None = g.viewer_organization
    return facts


def zone_name() -> str:
    """Return the time zone in which this page tells the time: the organisation's, else the exchange's."""
    facts = viewer_organization()
    return facts.time_zone if facts else config().time_zone


def chosen_locale() -> str:
    """Return the language the browser likes best among ours."""
    return request.accept_languages.best_match(LANGUAGES, "en") or "en"


def safe_next(target: str | None) -> str | None:
    """Return an address to go to after signing in, only when it is a page of ours: one slash, no host, no control."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return None
    parts = urlsplit(target)
    is_ours = not parts.scheme and not parts.netloc and target.isprintable() and not parts.path.startswith("/sign-")
    return target if is_ours else None


def page_context() -> dict[str, Any]:
    """Return what every page of the portal may show: the viewer, the menu, the language, the time."""
    actor: Actor | None = g.get("actor")
    person = actor if actor is not None and actor.kind is ActorKind.USER else None
    kind = person.organization_kind if person else None
    menu = [place for place in MENU if person and kind in place.kinds and may(person, place.permission)]
    return {
        "viewer": person,
        "viewer_organization": viewer_organization() if person else None,
        "menu": menu,
        "language": str(get_locale() or "en"),
        "now": database().clock(),
        "may_call": bool(person and may(person, Permission.RECORD_FOR_AGENCY)),
    }
