"""The second half of a search: a candidate is opened, held against the filters, and told with its reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory.candidates import Candidate
from directory.freshness import freshness
from directory.geography import zone_of
from directory.indexing import physical_address, service_needs
from directory.languages import language_code, language_name
from directory.opening_hours import is_open
from directory.record_json import from_json
from directory.records import Location, Organization, Schedule, Service
from directory.tables import LocationRow, OrganizationRow, ServiceRow
from directory.taxonomy import BY_CODE
from directory.words import fold, words


@dataclass(frozen=True)
class Hit:
    """A service found. `distance_km` is None without a place; `open_now` is None where the hours are not known."""

    id: str
    service: str
    organization: str
    organization_id: str
    location_id: str | None
    distance_km: float | None
    reasons: tuple[str, ...]
    phones: tuple[str, ...]
    email: str | None
    address: str | None
    open_now: bool | None
    languages: tuple[str, ...]
    last_verified: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the hit as `exchange directory search --json` prints it."""
        return {
            "id": self.id,
            "service": self.service,
            "organization": self.organization,
            "distance_km": None if self.distance_km is None else round(self.distance_km, 1),
            "reasons": list(self.reasons),
        }

    def as_api_json(self) -> dict[str, Any]:
        """Return the hit as GET /api/directory/search gives it."""
        return self.as_json() | {"organization_id": self.organization_id}


@dataclass(frozen=True)
class Opened:
    """A service with its agency, the location of the hit, and that location's time zone."""

    service: Service
    organization: Organization
    location: Location | None
    zone: str


class Filters(Protocol):
    """The part of a query that is asked of a single service."""

    @property
    def now(self) -> datetime: ...
    @property
    def need(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def open_at(self) -> datetime | None: ...
    @property
    def age(self) -> float | None: ...
    @property
    def accepts_referrals(self) -> bool: ...
    @property
    def organization_id(self) -> str | None: ...


def open_services(session: Session, candidates: Sequence[Candidate]) -> dict[str, Opened]:
    """Return the candidates' records by service id, in three statements."""
    ids = [candidate.service_id for candidate in candidates]
    listed = select(ServiceRow.document).where(ServiceRow.id.in_(ids), ServiceRow.gone_at.is_(None))
    services = [from_json(Service, document) for document in session.scalars(listed)]
    agencies = {service.organization_id for service in services}
    listed = select(OrganizationRow.document).where(OrganizationRow.id.in_(agencies))
    organizations = {o.id: o for o in (from_json(Organization, document) for document in session.scalars(listed))}
    at = {candidate.service_id: candidate.location_id for candidate in candidates}
    places = select(LocationRow.document, LocationRow.postal_code, LocationRow.longitude)
    found = session.execute(places.where(LocationRow.id.in_({id for id in at.values() if id})))
    locations = {d["id"]: (from_json(Location, d), zone_of(postal, longitude)) for d, postal, longitude in found}
    opened = {}
    for service in services:
        location, zone = locations.get(at[service.id] or "", (None, zone_of(None, None)))
        if service.organization_id in organizations:
            opened[service.id] = Opened(service, organizations[service.organization_id], location, zone)
    return opened


def judge(opened: Opened, candidate: Candidate, query: Filters) -> Hit | None:
    """Return the hit, or None where a filter leaves the service out. What is not known never leaves it out silently."""
    service, organization = opened.service, opened.organization
    schedules = schedules_of(service, opened.location)
    language = language_reason(opened, query.language)
    fits = (
        (query.organization_id is None or query.organization_id == organization.id)
        and (query.language is None or language is not None)
        and (query.open_at is None or is_open(schedules, query.open_at, opened.zone) is not False)
        and (query.age is None or _suits_age(service, query.age))
        and (not query.accepts_referrals or may_take_referrals(opened))
    )
    if not fits:
        return None
    open_now = is_open(schedules, query.open_at or query.now, opened.zone)
    return Hit(
        id=service.id,
        service=service.name,
        organization=organization.name,
        organization_id=organization.id,
        location_id=candidate.location_id,
        distance_km=candidate.distance_km,
        reasons=tuple(_reasons(opened, candidate, query, language, open_now)),
        phones=phones_of(opened),
        email=service.email or organization.email,
        address=address_line(opened.location),
        open_now=open_now,
        languages=languages_of(opened),
        last_verified=service.assured_date or (service.last_modified or "")[:10] or None,
    )


def _reasons(
    opened: Opened, candidate: Candidate, query: Filters, language: str | None, open_now: bool | None
) -> Iterator[str]:
    if query.need in BY_CODE:
        names = {need.code: need.name for need in service_needs(opened.service)}
        if query.need in names:
            yield f"It is listed under {names[query.need].lower()}."
    elif query.need:
        yield f"It answers {query.need.replace('-', ' ')}."
    if candidate.distance_km is not None:
        about = "about " if candidate.is_approximate else ""
        yield f"It is {about}{candidate.distance_km:.1f} km away."
    if candidate.named:
        yield f"Its name says {_quoted(candidate.named)}."
    if candidate.told:
        yield f"Its description says {_quoted(candidate.told)}."
    if language:
        yield language
    said = {True: "It is open at that time.", False: "It is closed at that time.", None: "Its hours are not known."}
    if query.open_at is not None or open_now:
        yield said[open_now] if query.open_at is not None else "It is open now."
    if query.age is not None and opened.service.minimum_age is None and opened.service.maximum_age is None:
        yield "It does not say for which ages it is: ask first."
    yield freshness(opened.service.assured_date or opened.service.last_modified, query.now.date())


def _quoted(found: Sequence[str]) -> str:
    return " and ".join(f"“{word}”" for word in found)


def schedules_of(service: Service, location: Location | None) -> tuple[Schedule, ...]:
    """Return the hours that count: those of the service at that location, else of the service, else of the location."""
    here = (link.schedules for link in service.service_at_locations if location and link.location_id == location.id)
    return next(here, ()) or service.schedules or (location.schedules if location else ())


def phones_of(opened: Opened) -> tuple[str, ...]:
    """Return the numbers to call, the service's own first, each once, with extensions; fax machines are left out."""
    at = [
        link
        for link in opened.service.service_at_locations
        if opened.location and link.location_id == opened.location.id
    ]
    asked = (opened.service.contacts, opened.organization.contacts)
    listed = chain(
        opened.service.phones,
        *(link.phones for link in at),
        opened.location.phones if opened.location else (),
        opened.organization.phones,
        *(contact.phones for contacts in asked for contact in contacts),
    )
    spoken = (phone for phone in listed if (phone.type or "voice").lower() not in ("fax", "pager"))
    return tuple(dict.fromkeys(p.number + (f" ext. {p.extension}" if p.extension else "") for p in spoken))


def languages_of(opened: Opened) -> tuple[str, ...]:
    """Return the codes of the languages that the service, its location or its phones name."""
    named = chain(
        opened.service.languages,
        opened.location.languages if opened.location else (),
        *(phone.languages for phone in (*opened.service.phones, *opened.organization.phones)),
    )
    return tuple(dict.fromkeys(language_code(said) for item in named if (said := item.code or item.name)))


def language_reason(opened: Opened, wanted: str | None) -> str | None:
    """Return the sentence that says why a service suits a language, None if nothing says that it does."""
    if wanted is None:
        return None
    code = language_code(wanted)
    name, listed = language_name(code), languages_of(opened)
    if code in listed:
        return f"It speaks {name}."
    service = opened.service
    if service.interpretation_services and fold(name) in fold(service.interpretation_services):
        return f"It has interpreters for {name}."
    prose = " ".join(filter(None, (service.description, service.application_process)))
    if set(words(name)) <= set(words(prose)):
        return f"Its text mentions {name}: ask first."
    return "It names no language; English is likely." if code == "en" and not listed else None


def _suits_age(service: Service, age: float) -> bool:
    youngest, oldest = service.minimum_age, service.maximum_age
    return (youngest is None or age >= youngest) and (oldest is None or age <= oldest)


def may_take_referrals(opened: Opened) -> bool:
    """Return whether a service can be reached, by mail or phone, and does not say that it is full."""
    is_full = any(capacity.available == 0 for capacity in opened.service.capacities)
    return not is_full and bool(opened.service.email or opened.organization.email or phones_of(opened))


def address_line(location: Location | None) -> str | None:
    """Return the street address on one line, None where there is none."""
    address = physical_address(location) if location else None
    if address is None:
        return None
    town = " ".join(filter(None, (address.state_province, address.postal_code)))
    return ", ".join(filter(None, (address.address_1, address.address_2, address.city, town))) or None
