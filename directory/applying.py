"""Applies the changes of an import: rows, tombstones, and the search side table of every service they touch."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from directory.changes import Changes
from directory.geography import Point
from directory.identity import CHUNK
from directory.indexing import Place, index_rows, physical_address, place_of
from directory.record_json import from_json
from directory.records import KINDS, LOCATION, ORGANIZATION, RECORDS, SERVICE, Location, Record, Service
from directory.tables import (
    LISTED,
    LocationRow,
    OrganizationRow,
    ServiceAtLocationRow,
    ServicePlaceRow,
    ServiceRow,
    StagedRow,
)
from directory.words import fold

T = TypeVar("T")
ROWS_AT_ONCE = 2000


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Return the items in pieces, small enough for any database's list of parameters."""
    return (items[start : start + size] for start in range(0, len(items), size))


def apply(session: Session, run_id: str, source: str, changes: Changes, now: datetime) -> None:
    """Make the listed records of a source what was staged. Writes nothing for what is unchanged; never commits."""
    for kind in KINDS:
        for ids in chunks(changes.fresh(kind)):
            _write(session, run_id, source, kind, ids, now)
        table = LISTED[kind]
        for ids in chunks(changes.gone[kind]):
            session.execute(update(table).where(table.id.in_(ids)).values(gone_at=now, last_updated=now))
    touched = _services_beside(session, changes)  # by the links as they were: the old ones are replaced next
    _link_locations(session, changes)
    _reindex(session, sorted({*touched, *changes.fresh(SERVICE), *changes.gone[SERVICE]}))


def _services_beside(session: Session, changes: Changes) -> set[str]:
    """Return the services whose index rows hold something of a location or organisation that has changed."""
    found: set[str] = set()
    agencies = {*changes.fresh(ORGANIZATION), *changes.gone[ORGANIZATION]}
    for ids in chunks([*changes.fresh(LOCATION), *changes.gone[LOCATION]]):
        link = ServiceAtLocationRow
        found |= set(session.scalars(select(link.service_id).where(link.location_id.in_(ids))))
        owners = session.scalars(select(LocationRow.organization_id).where(LocationRow.id.in_(ids)))
        agencies |= {owner for owner in owners if owner}
    for ids in chunks(sorted(agencies)):
        found |= set(session.scalars(select(ServiceRow.id).where(ServiceRow.organization_id.in_(ids))))
    return found


def _write(session: Session, run_id: str, source: str, kind: str, ids: Sequence[str], now: datetime) -> None:
    table = LISTED[kind]
    staged = select(StagedRow).where(StagedRow.run_id == run_id, StagedRow.kind == kind, StagedRow.id.in_(ids))
    held = set(session.scalars(select(table.id).where(table.id.in_(ids))))
    new, old = [], []
    for row in session.scalars(staged):
        record = from_json(RECORDS[kind], row.document)
        name = record.name or ""
        values = {
            "content_hash": row.content_hash,
            "document": row.document,
            "name": name,
            "name_folded": fold(name),
            "last_updated": now,
            "gone_at": None,
            **_columns(record),
        }
        if row.id in held:
            old.append({"b_id": row.id, **values})
        else:
            new.append({"id": row.id, "source": source, "source_id": row.source_id, "first_seen_at": now, **values})
    core: Any = table.__table__
    assert isinstance(core, Table)
    if new:
        session.execute(insert(core), new)
    if old:
        columns: dict[str, Any] = {name: bindparam(name) for name in old[0] if name != "b_id"}
        session.execute(update(core).where(core.c.id == bindparam("b_id")).values(columns), old)


def _columns(record: Record) -> dict[str, Any]:
    """Return the columns beside the document that only this kind of record has."""
    if isinstance(record, Service):
        return {"organization_id": record.organization_id, "status": record.status}
    if not isinstance(record, Location):
        return {}
    place, address = place_of(record), physical_address(record)
    return {
        "organization_id": record.organization_id,
        "city": address.city if address else None,
        "state_province": address.state_province if address else None,
        "postal_code": (address.postal_code or "")[:20] or None if address else None,
        "latitude": place.point.latitude if place.point else None,
        "longitude": place.point.longitude if place.point else None,
        "is_approximate": place.is_approximate,
    }


def _link_locations(session: Session, changes: Changes) -> None:
    fresh = changes.fresh(SERVICE)
    for ids in chunks([*fresh, *changes.gone[SERVICE]]):
        session.execute(delete(ServiceAtLocationRow).where(ServiceAtLocationRow.service_id.in_(ids)))
    for ids in chunks(fresh):
        services = _services(session, ids)
        pairs = {(service.id, link.location_id): None for service in services for link in service.service_at_locations}
        if pairs:
            rows = [{"service_id": service, "location_id": location} for service, location in pairs]
            session.execute(insert(ServiceAtLocationRow), rows)


def _services(session: Session, ids: Sequence[str]) -> list[Service]:
    listed = select(ServiceRow.document).where(ServiceRow.id.in_(ids), ServiceRow.gone_at.is_(None))
    return [from_json(Service, document) for document in session.scalars(listed)]


def _reindex(session: Session, service_ids: Sequence[str]) -> None:
    """Make the side table's rows of some services anew."""
    for ids in chunks(service_ids):
        session.execute(delete(ServicePlaceRow).where(ServicePlaceRow.service_id.in_(ids)))
        services = _services(session, ids)
        organizations = {service.organization_id for service in services}
        listed = select(OrganizationRow.id, OrganizationRow.name).where(OrganizationRow.id.in_(organizations))
        names = {id: name for id, name in session.execute(listed)}
        places = _places(session, services)
        rows = [
            row
            for service in services
            for row in index_rows(service, names.get(service.organization_id, ""), places.get(service.id, ()))
        ]
        for some in chunks(rows, ROWS_AT_ONCE):
            session.execute(insert(ServicePlaceRow), some)


def _places(session: Session, services: Iterable[Service]) -> dict[str, list[Place]]:
    """Return the places of each service; one that names none with coordinates is sought where its agency is."""
    services = list(services)
    columns = (LocationRow.id, LocationRow.latitude, LocationRow.longitude, LocationRow.is_approximate)
    located = (LocationRow.latitude.is_not(None), LocationRow.gone_at.is_(None))
    wanted = {link.location_id for service in services for link in service.service_at_locations}
    by_id: dict[str, Place] = {}
    for ids in chunks(sorted(wanted)):
        for id, lat, lon, approximate in session.execute(select(*columns).where(LocationRow.id.in_(ids), *located)):
            by_id[id] = Place(id, Point(lat or 0.0, lon or 0.0), approximate)
    places = {
        service.id: [by_id[link.location_id] for link in service.service_at_locations if link.location_id in by_id]
        for service in services
    }
    lost = {service.organization_id for service in services if not places[service.id]}
    at_agency: dict[str, list[Place]] = {}
    owned = select(LocationRow.organization_id, *columns).where(LocationRow.organization_id.in_(lost), *located)
    for organization_id, id, lat, lon, _ in session.execute(owned):
        at_agency.setdefault(str(organization_id), []).append(Place(id, Point(lat or 0.0, lon or 0.0), True))
    return {s.id: places[s.id] or at_agency.get(s.organization_id, []) for s in services}
