"""The shelves of what the directory lists and who has joined: projections, readable by every signed-in organisation."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from directory import lookup
from directory.indexing import service_needs
from directory.lookup import Lines, Listing
from directory.records import Location, Organization, Service
from directory.taxonomy import BY_CODE, DOMAINS
from exchange.db import organization as organizations
from exchange.db.base import microseconds, moment
from exchange.db.organization import OrganizationRow
from exchange.db.search import Criterion
from exchange.web.fhir.shelves.scanned import Key, Projection, Scanned, asked, asked_ids, asked_since
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from fhir_mapping.datatypes import Token
from fhir_mapping.json_text import Json
from fhir_mapping.resources.healthcare_service import healthcare_service
from fhir_mapping.resources.location import location
from fhir_mapping.resources.organization import organization

PAGE = 100


def _lines(
    read_page: Callable[..., Lines[Any]], session: Session, after: Key | None, **narrowed: Any
) -> Iterator[Listing[Any]]:
    """Yield every listing behind a key, a page of the directory at a time."""
    place = (moment(after[0]), after[1]) if after else None
    while True:
        lines = read_page(session, after=place, limit=PAGE, **narrowed)
        yield from lines.listings
        if lines.next_after is None:
            return
        place = lines.next_after


def _narrowed(criteria: tuple[Criterion, ...]) -> dict[str, Any]:
    ids, since = asked(criteria, "_id"), asked_since(criteria, "_lastUpdated")
    return {
        "ids": None if ids is None else [one.value for one in ids],
        "updated_since": None if since is None else moment(max(since, 0)),
    }


def _only(values: list[str] | None) -> str | None:
    return values[0] if values and len(values) == 1 else None


# ---- Organization: a member, a listed agency, or both under one id


def _one_organization(session: Session, _viewer: str, organization_id: str) -> Projection | None:
    row, listing = organizations.member(session, organization_id), lookup.organization(session, organization_id)
    if row is None and listing is None:
        return None
    return _organization(row, listing, organizations.identifiers(session, [organization_id]).get(organization_id, []))


def _organizations(
    session: Session, _viewer: str, criteria: tuple[Criterion, ...], after: Key | None
) -> Iterator[Projection]:
    rows = {row.id: row for row in organizations.members(session)}
    known_by = organizations.identifiers(session, rows)
    joined = sorted(
        (_organization(row, lookup.organization(session, row.id), known_by.get(row.id, [])) for row in rows.values()),
        key=lambda one: one.key,
    )
    listed = (
        _organization(None, listing, [])
        for listing in _lines(lookup.organizations_page, session, after, **_narrowed(criteria))
        if listing.record.id not in rows
    )
    return heapq.merge((one for one in joined if after is None or one.key > after), listed, key=lambda one: one.key)


def _organization(
    row: OrganizationRow | None, listing: Listing[Organization] | None, identifiers: list[tuple[str, str]]
) -> Projection:
    record = listing.record if listing else None
    times = [row.joined_at] if row else []
    times += [listing.last_updated] if listing else []
    resource = organization(
        row.id if row else (record.id or "") if record else "",
        name=row.name if row else record.name if record else "",
        last_updated=max(times),
        listed=record,
        kind=row.kind.value if row else None,
        email=row.email if row else None,
        phone=row.phone if row else None,
        identifiers=[Token(system, value) for system, value in identifiers],
        active=row is not None or (listing is not None and not listing.is_gone),
    )
    return Projection(microseconds(max(times)), resource)


# ---- HealthcareService


def _one_service(session: Session, _viewer: str, service_id: str) -> Projection | None:
    listing = lookup.service(session, service_id)
    return None if listing is None else _service(listing, _Names(session), with_needs=True)


def _services(
    session: Session, _viewer: str, criteria: tuple[Criterion, ...], after: Key | None
) -> Iterator[Projection]:
    names, with_needs = _Names(session), any(one.parameter.code == "service-category" for one in criteria)
    for listing in _lines(
        lookup.services_page,
        session,
        after,
        organization_id=_only(asked_ids(criteria, "organization", "Organization")),
        location_id=_only(asked_ids(criteria, "location", "Location")),
        category=_need(criteria),
        **_narrowed(criteria),
    ):
        yield _service(listing, names, with_needs=with_needs)


def _need(criteria: tuple[Criterion, ...]) -> str | None:
    codes = [one.value for one in asked(criteria, "service-category") or ()]
    return codes[0] if len(codes) == 1 and (codes[0] in BY_CODE or codes[0] in DOMAINS) else None


def _service(listing: Listing[Service], names: "_Names", *, with_needs: bool) -> Projection:
    record = replace(listing.record, status="defunct") if listing.is_gone else listing.record

    def made(*, needs: Iterable[str] = (), provider: str | None = None) -> Json:
        return healthcare_service(record, last_updated=listing.last_updated, provider_name=provider, needs=needs)

    return Projection(
        microseconds(listing.last_updated),
        made(needs=_needs(record) if with_needs else ()),
        lambda: made(needs=_needs(record), provider=names.of(record.organization_id)),
    )


def _needs(record: Service) -> list[str]:
    domains = dict.fromkeys(need.domain for need in service_needs(record))
    return [domain for domain in domains if domain in SDOH_CATEGORIES]


# ---- Location


def _one_location(session: Session, _viewer: str, location_id: str) -> Projection | None:
    listing = lookup.location(session, location_id)
    return None if listing is None else _location(listing, _Names(session))


def _locations(
    session: Session, _viewer: str, criteria: tuple[Criterion, ...], after: Key | None
) -> Iterator[Projection]:
    names = _Names(session)
    for listing in _lines(
        lookup.locations_page,
        session,
        after,
        organization_id=_only(asked_ids(criteria, "organization", "Organization")),
        **_narrowed(criteria),
    ):
        yield _location(listing, names)


def _location(listing: Listing[Location], names: "_Names") -> Projection:
    status = {"status": "inactive"} if listing.is_gone else {}

    def made(organization_name: str | None = None) -> Json:
        return location(listing.record, last_updated=listing.last_updated, organization_name=organization_name) | status

    return Projection(
        microseconds(listing.last_updated), made(), lambda: made(names.of(listing.record.organization_id))
    )


class _Names:
    """The names of agencies, each looked up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, str | None] = {}

    def of(self, organization_id: str | None) -> str | None:
        """Return the name of an agency, None where there is none."""
        if organization_id is None:
            return None
        if organization_id not in self._known:
            listing = lookup.organization(self._session, organization_id)
            self._known[organization_id] = listing.record.name if listing else None
        return self._known[organization_id]


ORGANIZATIONS = Scanned(_one_organization, _organizations)
SERVICES = Scanned(_one_service, _services)
LOCATIONS = Scanned(_one_location, _locations)
