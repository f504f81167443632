"""The shelf of stored documents: every query holds the visibility predicate (exchange/db/document.py)."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from exchange.db import document, search
from exchange.db.search import Criterion, Page
from exchange.web.fhir.shown import Shown, shown


def read(session: Session, viewer: str, type_name: str, document_id: str) -> Shown | None:
    """Return the current version of a document the viewer may see."""
    found = document.read(session, type_name, document_id, viewer_id=viewer)
    return None if found is None else shown(found)


def versions(session: Session, viewer: str, type_name: str, document_id: str) -> list[Shown]:
    """Return the versions the viewer may see, newest first."""
    found = document.history(session, type_name, document_id, viewer_id=viewer)
    return [one for one in map(shown, found) if one is not None]


def find(session: Session, viewer: str, type_name: str, criteria: tuple[Criterion, ...], page: Page) -> list[Shown]:
    """Return the matches of a page and one more, when there is more, in the page's order."""
    found = search.search(session, type_name, criteria, page, viewer_id=viewer)
    return [one for one in map(shown, found) if one is not None]


def count(session: Session, viewer: str, type_name: str, criteria: tuple[Criterion, ...], watermark: int) -> int:
    """Return how many documents match."""
    return search.count(session, type_name, criteria, viewer_id=viewer, watermark=watermark)


def included(session: Session, viewer: str, wanted: Collection[tuple[str, str]]) -> list[Shown]:
    """Return the current versions of those of the (type, id) that the viewer may see."""
    found = search.included(session, wanted, viewer_id=viewer)
    return [one for one in map(shown, found) if one is not None]
