"""Which shelves hold the resources of a type, and the questions the door asks of them."""

from collections.abc import Collection
from datetime import timedelta
from types import ModuleType
from typing import Final

from sqlalchemy.orm import Session

from exchange.db.base import microseconds
from exchange.db.search import Criterion, Page, newest
from exchange.db.session import now
from exchange.web.fhir.shelves import documents
from exchange.web.fhir.shelves.audit_events import AUDIT_EVENTS
from exchange.web.fhir.shelves.listed import LOCATIONS, ORGANIZATIONS, SERVICES
from exchange.web.fhir.shelves.scanned import Scanned
from exchange.web.fhir.shown import Shown

Shelf = ModuleType | Scanned
_STORED: Final[tuple[Shelf, ...]] = (documents,)
#  a sender's own Organization documents stand before what everybody sees
_OTHERS: Final[dict[str, tuple[Shelf, ...]]] = {
    "Organization": (documents, ORGANIZATIONS),
    "HealthcareService": (SERVICES,),
    "Location": (LOCATIONS,),
    "AuditEvent": (AUDIT_EVENTS,),
}
#  projections are dated when they begin to be written, and are there at most this long afterwards: the audit waits for
#  a transaction or for its writer, an import stages for minutes (docs/divergences.md)
_SETTLES: Final = {"AuditEvent": timedelta(minutes=2)}
_DIRECTORY_SETTLES: Final = timedelta(hours=1)


def shelves_of(type_name: str) -> tuple[Shelf, ...]:
    """Return where the resources of a type stand."""
    return _OTHERS.get(type_name, _STORED)


def is_stored(type_name: str) -> bool:
    """Return whether every resource of a type is a stored document: then it can be read backwards too."""
    return shelves_of(type_name) == _STORED


def read(session: Session, viewer: str, type_name: str, document_id: str) -> Shown | None:
    """Return the current state of a resource the viewer may see."""
    for shelf in shelves_of(type_name):
        found: Shown | None = shelf.read(session, viewer, type_name, document_id)
        if found is not None:
            return found
    return None


def versions(session: Session, viewer: str, type_name: str, document_id: str) -> list[Shown]:
    """Return the versions of a stored document the viewer may see, newest first; of a projection only the current."""
    found = documents.versions(session, viewer, type_name, document_id)
    if found:
        return found
    current = read(session, viewer, type_name, document_id)
    return [current] if current else []


def find(session: Session, viewer: str, type_name: str, criteria: tuple[Criterion, ...], page: Page) -> list[Shown]:
    """Return the matches of a page and one more, when there is more, in the page's order."""
    found = [one for shelf in shelves_of(type_name) for one in shelf.find(session, viewer, type_name, criteria, page)]
    found.sort(key=lambda one: (one.last_updated, one.id), reverse=page.descending)
    return found[: page.limit + 1]


def count(session: Session, viewer: str, type_name: str, criteria: tuple[Criterion, ...], upto: int) -> int:
    """Return how many resources match."""
    return sum(shelf.count(session, viewer, type_name, criteria, upto) for shelf in shelves_of(type_name))


def included(session: Session, viewer: str, wanted: Collection[tuple[str, str]]) -> list[Shown]:
    """Return those of the (type, id) that the viewer may see: stored ones in one question, projections one by one."""
    found = documents.included(session, viewer, wanted)
    missing = set(wanted) - {(one.type, one.id) for one in found}
    others = (read(session, viewer, *one) for one in sorted(missing) if not is_stored(one[0]))
    return found + [one for one in others if one is not None]


def settled(session: Session, viewer: str, type_name: str) -> int:
    """Return the stamp up to which a search of this type now shows everything: what a poller asks `ge` next time.

    It follows from what this viewer sees, and from the clock, alone: it must not tell when others write.
    """
    own = newest(session, type_name, viewer_id=viewer)
    if is_stored(type_name):
        return own
    return max(own, microseconds(now(session) - _SETTLES.get(type_name, _DIRECTORY_SETTLES)))
