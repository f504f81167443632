"""The shelf of the audit: what the reader's organisation did, and what was done to the documents it wrote."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from exchange.db.audit import query_of, readable
from exchange.db.base import moment
from exchange.db.search import Criterion
from exchange.db.session import fhir_base
from exchange.web.fhir.shelves.scanned import (
    Key,
    Projection,
    Scanned,
    asked,
    asked_before,
    asked_ids,
    asked_since,
)
from fhir_mapping.resources.audit_event import audit_event

PAGE = 200


def _one(session: Session, viewer: str, row_id: str) -> Projection | None:
    rows = readable(session, viewer, after=None, limit=1, id=row_id)
    return _event(session, viewer, rows[0]) if rows else None


def _events(session: Session, viewer: str, criteria: tuple[Criterion, ...], after: Key | None) -> Iterator[Projection]:
    narrowed = _narrowed(criteria)
    while True:
        rows = readable(session, viewer, after=after, limit=PAGE, **narrowed)
        for row in rows:
            yield _event(session, viewer, row)
        if len(rows) < PAGE:
            return
        after = (rows[-1].at, rows[-1].id)


def _narrowed(criteria: tuple[Criterion, ...]) -> dict[str, Any]:
    sinces = [since for code in ("date", "_lastUpdated") if (since := asked_since(criteria, code)) is not None]
    befores = [before for code in ("date", "_lastUpdated") if (before := asked_before(criteria, code)) is not None]
    return {
        "since": max(sinces, default=None),
        "before": min(befores, default=None),
        "id": _values(criteria, "_id"),
        "action": _values(criteria, "action"),
        "outcome": _values(criteria, "outcome"),
        "patient_id": asked_ids(criteria, "patient", "Patient"),
    }


def _values(criteria: tuple[Criterion, ...], code: str) -> list[str] | None:
    found = asked(criteria, code)
    if found is None or any(one.value is None for one in found):
        return None
    return [one.value or "" for one in found]


def _event(session: Session, viewer: str, row: Any) -> Projection:
    #  what somebody searched for is told to its own organisation only
    query = query_of(session, row) if row.organization_id == viewer else None
    said = dict(row._mapping) | {"at": moment(row.at), "query": query}
    return Projection(row.at, audit_event(said, server=fhir_base(session)))


AUDIT_EVENTS = Scanned(_one, _events)
