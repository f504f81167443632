"""Single records by id, lists in key order, and how much there is. Reads only; a tombstone is still found by its id."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from directory.identity import uuid_text
from directory.record_json import from_json
from directory.records import KINDS, LOCATION, ORGANIZATION, SERVICE, Location, Organization, Service
from directory.tables import (
    LISTED,
    LocationRow,
    OrganizationRow,
    ServiceAtLocationRow,
    ServicePlaceRow,
    ServiceRow,
    SourceRow,
)
from directory.taxonomy import BY_CODE
from directory.words import fold

R = TypeVar("R", Organization, Location, Service)


@dataclass(frozen=True)
class Listing(Generic[R]):
    """A record with what the directory knows about its entry. `is_gone`: its source no longer lists it."""

    record: R
    source: str
    last_updated: datetime
    is_gone: bool


@dataclass(frozen=True)
class Lines(Generic[R]):
    """A page of a list in the order (last_updated, id); `next_after` continues it, None at its end."""

    listings: tuple[Listing[R], ...]
    next_after: tuple[datetime, str] | None


def organization(session: Session, id: str) -> Listing[Organization] | None:
    """Return an agency by id, or None."""
    return _one(session, Organization, ORGANIZATION, id)


def service(session: Session, id: str) -> Listing[Service] | None:
    """Return a service by id, or None."""
    return _one(session, Service, SERVICE, id)


def location(session: Session, id: str) -> Listing[Location] | None:
    """Return a place by id, or None."""
    return _one(session, Location, LOCATION, id)


def _one(session: Session, record_class: type[R], kind: str, id: str) -> Listing[R] | None:
    key = uuid_text(id)
    table: Any = LISTED[kind]
    row = session.get(table, key) if key else None
    return _listing(record_class, row) if row is not None else None


def _listing(record_class: type[R], row: OrganizationRow | LocationRow | ServiceRow) -> Listing[R]:
    record = from_json(record_class, row.document)
    return Listing(record, row.source, row.last_updated, row.gone_at is not None)


def services_of(session: Session, organization_id: str) -> list[Service]:
    """Return the services that an agency lists now, by name."""
    key = uuid_text(organization_id)
    listed = select(ServiceRow.document).where(ServiceRow.organization_id == key, ServiceRow.gone_at.is_(None))
    documents = session.scalars(listed.order_by(ServiceRow.name_folded, ServiceRow.id)) if key else ()
    return [from_json(Service, document) for document in documents]


def locations_of(session: Session, service_id: str) -> list[Location]:
    """Return the places where a service is offered."""
    key = uuid_text(service_id)
    link = ServiceAtLocationRow
    listed = select(LocationRow.document).join(link, link.location_id == LocationRow.id).where(link.service_id == key)
    documents = session.scalars(listed.order_by(LocationRow.id)) if key else ()
    return [from_json(Location, document) for document in documents]


def organizations_page(session: Session, **filters: Any) -> Lines[Organization]:
    """Return a page of agencies; the filters are those of `page`."""
    return page(session, Organization, ORGANIZATION, **filters)


def services_page(session: Session, **filters: Any) -> Lines[Service]:
    """Return a page of services; the filters are those of `page`."""
    return page(session, Service, SERVICE, **filters)


def locations_page(session: Session, **filters: Any) -> Lines[Location]:
    """Return a page of places; the filters are those of `page`."""
    return page(session, Location, LOCATION, **filters)


def page(
    session: Session,
    record_class: type[R],
    kind: str,
    *,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
    name: str | None = None,
    organization_id: str | None = None,
    location_id: str | None = None,
    category: str | None = None,
    updated_since: datetime | None = None,
    ids: Collection[str] | None = None,
) -> Lines[R]:
    """Return the listed records of a kind in the order (last_updated, id), from behind `after`.

    `name` is how the name begins, without regard to case and accents. `organization_id` suits locations and services,
    `location_id` and `category` (a need of ours or an SDOHCC category) suit services; other kinds do not take them.
    """
    table: Any = LISTED[kind]
    query = select(table).where(table.gone_at.is_(None), *_filters(table, name, updated_since, ids))
    if organization_id is not None:
        query = _by_organization(query, table, uuid_text(organization_id))
    if location_id is not None:
        query = _by_location(query, table, uuid_text(location_id))
    if category is not None:
        found = select(ServicePlaceRow.service_id).where(ServicePlaceRow.term == category_term(category))
        query = query.where(table.id.in_(found))
    if after is not None:
        behind = and_(table.last_updated == after[0], table.id > after[1])
        query = query.where(or_(table.last_updated > after[0], behind))
    rows = list(session.scalars(query.order_by(table.last_updated, table.id).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    listings = tuple(_listing(record_class, row) for row in rows[:limit])
    return Lines(listings, (last.last_updated, last.id) if last else None)


def _filters(table: Any, name: str | None, since: datetime | None, ids: Collection[str] | None) -> Iterator[Any]:
    if name is not None:
        yield table.name_folded.startswith(fold(name), autoescape=True)
    if since is not None:
        yield table.last_updated >= since
    if ids is not None:
        yield table.id.in_([key for id in ids if (key := uuid_text(id))])


def _by_organization(query: Select[Any], table: Any, key: str | None) -> Select[Any]:
    column = OrganizationRow.id if table is OrganizationRow else table.organization_id
    return query.where(column == key)


def _by_location(query: Select[Any], table: Any, key: str | None) -> Select[Any]:
    if table is LocationRow:
        return query.where(LocationRow.id == key)
    link = ServiceAtLocationRow
    return query.where(table.id.in_(select(link.service_id).where(link.location_id == key)))


def category_term(category: str) -> str:
    """Return the search term of a need of ours or of an SDOHCC category."""
    return f"need:{category}" if category in BY_CODE else f"domain:{category}"


def stats(session: Session) -> dict[str, Any]:
    """Return how much the directory lists: records by kind, who can be reached how, and when sources last came."""
    counts: dict[str, Any] = {}
    for kind in KINDS:
        table = LISTED[kind]
        counted = select(func.count()).select_from(table).where(table.gone_at.is_(None))
        counts[f"{kind}s"] = session.scalar(counted)
    emails = phones = 0
    listed = select(OrganizationRow.document).where(OrganizationRow.gone_at.is_(None)).execution_options(yield_per=500)
    for document in session.scalars(listed):
        emails += "email" in document
        phones += "phones" in document
    placeless = select(func.count()).select_from(LocationRow)
    placeless = placeless.where(LocationRow.gone_at.is_(None), LocationRow.latitude.is_(None))
    counts["organizations_with_email"], counts["organizations_with_phone"] = emails, phones
    counts["locations_without_coordinates"] = session.scalar(placeless)
    counts["sources"] = _sources(session)
    return counts


def _sources(session: Session) -> list[dict[str, Any]]:
    rows = session.scalars(select(SourceRow).order_by(SourceRow.name))
    return [
        {"name": row.name, "format": row.format, "last_imported_at": row.last_imported_at.isoformat()} for row in rows
    ]
