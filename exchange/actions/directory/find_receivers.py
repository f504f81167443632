"""To whom can this be sent? Services of the directory first, then members that the directory does not list."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from directory import lookup
from directory.errors import BadQuery
from directory.search import Query, search
from directory.words import fold
from exchange.actions.directory.find_organization import find_organization
from exchange.db.organization import members
from exchange.db.session import now
from exchange.domain.actor import Actor, OrganizationKind
from exchange.domain.errors import Unprocessable
from exchange.domain.permissions import Permission, permit

MOST = 12


@dataclass(frozen=True, slots=True)
class Receiver:
    """An agency that can be chosen. `service_id` is None for a member without an entry; `email` says it can be told."""

    organization_id: str
    service_id: str | None
    name: str
    service: str | None
    distance_km: float | None
    reasons: tuple[str, ...]
    phone: str | None
    address: str | None
    open_now: bool | None
    languages: tuple[str, ...]
    is_told_by_mail: bool

    @property
    def remarks(self) -> tuple[str, ...]:
        """The reasons without the need, which was asked for, and without what stands in fields of its own."""
        told = ("It answers", "It is open", "It is closed")
        return tuple(one for one in self.reasons if not one.startswith(told) and not one.endswith("km away."))


@dataclass(frozen=True, slots=True)
class Found:
    """Receivers, best first, and sentences about the search."""

    receivers: tuple[Receiver, ...]
    notes: tuple[str, ...]


def find_receivers(
    session: Session,
    actor: Actor,
    *,
    need: str | None,
    zip_code: str | None,
    language: str | None = None,
    text: str | None = None,
    radius_km: float = 25.0,
) -> Found:
    """Return agencies for a need near a ZIP code. Raises Unprocessable with the directory's own advice."""
    permit(actor, Permission.SEARCH_DIRECTORY)
    query = Query(
        now=now(session), text=text or None, need=need, zip_code=zip_code or None, radius_km=radius_km,
        language=language or None, accepts_referrals=True, limit=MOST,
    )  # fmt: skip
    try:
        page = search(session, query)
    except BadQuery as error:
        raise Unprocessable(str(error), expression="zip_code") from None
    listed = []
    for hit in page.hits:
        facts = find_organization(session, hit.organization_id)
        listed.append(
            Receiver(
                hit.organization_id, hit.id, hit.organization, hit.service, hit.distance_km, hit.reasons,
                (facts.phone if facts else None) or next(iter(hit.phones), None), hit.address, hit.open_now,
                hit.languages, bool(facts and facts.can_be_told),
            )
        )  # fmt: skip
    return Found((*listed, *_unlisted(session, actor, text)), page.notes)


def _unlisted(session: Session, actor: Actor, text: str | None) -> list[Receiver]:
    """Return member agencies without an entry in the directory, by name."""
    wanted = fold(text or "")
    found = []
    for row in members(session, kind=OrganizationKind.AGENCY):
        if row.id == actor.organization_id or wanted not in fold(row.name) or lookup.organization(session, row.id):
            continue
        facts = find_organization(session, row.id)
        told = bool(facts and facts.can_be_told)
        found.append(Receiver(row.id, None, row.name, None, None, (), row.phone, None, None, (), told))
    return found[:MOST]
