"""What a service is found under, and where: the rows of the search side table, made from records alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from directory.geography import NOWHERE, Point, cell_of, is_point, zip_centroid
from directory.records import Address, Location, Service
from directory.taxonomy import Need, needs_of
from directory.words import words

ANY = "any"
MOST_WORDS = 80  # telling words of one service; a longer text is found by its first ones
FINDABLE = "active"  # a service in any other status is listed and read, but not offered by search


@dataclass(frozen=True)
class Place:
    """A location with coordinates, or None where nothing is known; `is_approximate` when they are the ZIP's centre."""

    location_id: str | None
    point: Point | None
    is_approximate: bool


def physical_address(location: Location) -> Address | None:
    """Return the address to go to: the physical one if it is marked, else the first."""
    marked = (address for address in location.addresses if address.address_type == "physical")
    return next(marked, location.addresses[0] if location.addresses else None)


def place_of(location: Location) -> Place:
    """Return where a location is: by its coordinates, else by the centre of its address's ZIP code."""
    latitude, longitude = location.latitude, location.longitude
    if latitude is not None and longitude is not None and is_point(latitude, longitude):
        return Place(location.id, Point(latitude, longitude), False)
    address = physical_address(location)
    centre = zip_centroid(address.postal_code) if address and location.location_type != "virtual" else None
    return Place(location.id, centre, centre is not None)


def service_needs(service: Service) -> tuple[Need, ...]:
    """Return the needs that a service answers."""
    terms = [term for attribute in service.attributes if (term := attribute.taxonomy_term)]
    said = [word for term in terms for word in (term.code, term.name) if word]
    said += [attribute.value for attribute in service.attributes if attribute.value]
    return needs_of(said, " ".join(filter(None, (service.name, service.alternate_name))), service.description or "")


def terms_of(service: Service, organization_name: str) -> Iterator[str]:
    """Return every term of a service: any, its needs, their domains, the words of its names, and of its text."""
    yield ANY
    needs = service_needs(service)
    yield from (f"need:{need.code}" for need in needs)
    yield from dict.fromkeys(f"domain:{need.domain}" for need in needs)
    named = words(" ".join(filter(None, (service.name, service.alternate_name, organization_name))))
    # The needs' own names are words of it too: who types "pantry" means the need, whatever the agency calls it.
    told = words(" ".join([service.description or "", *(need.name for need in needs)]))
    kept = dict.fromkeys((*named, *told))
    for word in list(kept)[:MOST_WORDS]:
        yield f"word:{word}" if word in named else f"text:{word}"


def index_rows(service: Service, organization_name: str, places: Iterable[Place]) -> Iterator[dict[str, Any]]:
    """Return the side table's rows for one service: one per term and place; NOWHERE where no place is known."""
    if service.status != FINDABLE:
        return
    located = [place for place in places if place.point] or [Place(None, None, False)]
    for term in terms_of(service, organization_name):
        for number, place in enumerate(located):
            yield {
                "term": term,
                "cell": cell_of(place.point) if place.point else NOWHERE,
                "service_id": service.id,
                "place": number,
                "location_id": place.location_id,
                "latitude": place.point.latitude if place.point else None,
                "longitude": place.point.longitude if place.point else None,
                "is_approximate": place.is_approximate,
            }
