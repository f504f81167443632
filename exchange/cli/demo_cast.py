"""Who plays in the demo: a patient's ZIP code and four agencies, chosen from whatever directory was imported.

The directory decides who can be told how: an agency with an e-mail gets a link, one without must be phoned. Where a
directory has nobody for a part, the demo adds an agency of its own and says so.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlalchemy.orm import Session

from directory import lookup
from directory.geography import Point, ZipPlace, distance_km, is_point, zip_place
from directory.indexing import physical_address, service_needs
from directory.records import Location
from directory.search import Query, search
from exchange.actions.directory.find_organization import find_organization
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from fhir_mapping.resources.service_request import UNSPECIFIED

FOOD = "food-insecurity"
FOOD_NEEDS = ("food-pantry", FOOD, None)
RADIUS_KM = 25.0
HITS = 100
LISTED_AT_MOST = 1000
#  where a directory says nothing of places, the patient lives in the demo's own county
ANY_ZIP_CODE = "62703"
MADE_UP_DOMAIN = "demo.invalid"


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency of the story. `id` is None for one that the demo adds because the directory has nobody for its part.

    `search_need` is what its service was searched for, `category` the SDOHCC code of what is asked of it.
    """

    id: str | None
    name: str
    service: str
    category: str
    email: str | None
    phone: str | None
    search_need: str | None = None
    distance_km: float | None = None

    @property
    def is_about_food(self) -> bool:
        """Whether food is what it is asked for."""
        return self.category == FOOD


@dataclass(frozen=True, slots=True)
class Cast:
    """The patient's ZIP code and its place, and who answers how.

    `pantry` joins. `decliner` and `silent` are told by mail; `phoned` can only be called.
    """

    home: str
    place: ZipPlace | None
    pantry: Agency
    decliner: Agency
    phoned: Agency
    silent: Agency

    @property
    def made_up(self) -> tuple[Agency, ...]:
        """Those whom no directory lists: the demo adds them."""
        return tuple(one for one in (self.pantry, self.decliner, self.phoned, self.silent) if one.id is None)


def choose_cast(session: Session, now: datetime) -> Cast:
    """Return the cast of the imported directory. Raises LookupError with a sentence when it lists no service."""
    home = home_zip_code(session)
    near = list(_distinct(_found(session, home, now)))
    if not near:
        raise LookupError("This directory lists no service that can be found: give the demo another --directory.")
    pantry = next((one for one in near if one.email or one.phone), near[0])
    others = [one for one in _distinct([*near, *_listed(session)]) if one.id != pantry.id]
    mailed = [one for one in others if one.email]
    unmailed = next((one for one in others if not one.email and one.phone), None)
    decliner = mailed[0] if mailed else _made_up("Corner Street Aid", "aid", email=True)
    return Cast(
        home=home,
        place=zip_place(home),
        pantry=pantry,
        decliner=decliner,
        phoned=unmailed or _made_up("Telephone Pantry", "pantry", email=False),
        silent=mailed[1] if len(mailed) > 1 else _made_up("Quiet Hill Pantry", "quiet", email=True),
    )


def home_zip_code(session: Session) -> str:
    """Return the ZIP code that most places of the directory have, else the one nearest to their middle."""
    places = [one.record for one in lookup.locations_page(session, limit=LISTED_AT_MOST).listings]
    codes = Counter(code for place in places if (code := _zip_code(place)))
    if codes:
        return min(codes, key=lambda code: (-codes[code], code))
    points = [(place.latitude, place.longitude) for place in places]
    known = [(lat, lon) for lat, lon in points if lat is not None and lon is not None and is_point(lat, lon)]
    if not known:
        return ANY_ZIP_CODE
    return _nearest_zip_code(Point(median(lat for lat, _ in known), median(lon for _, lon in known)))


def _zip_code(place: Location) -> str | None:
    address = physical_address(place)
    code = (address.postal_code or "").strip()[:5] if address else ""
    return code if zip_place(code) else None


def _nearest_zip_code(here: Point) -> str:
    import zipcodes  # its table takes half a second to unpack: only for a directory without ZIP codes

    rows = (row for row in zipcodes.list_all() if row["zip_code_type"] == "STANDARD" and row["lat"])
    points = {str(row["zip_code"]): Point(float(row["lat"]), float(row["long"])) for row in rows}
    there = {code: point for code, point in points.items() if is_point(*point)}
    return min(there, key=lambda code: (distance_km(here, there[code]), code))


def _found(session: Session, home: str, now: datetime) -> Iterator[Agency]:
    """Yield agencies near home, those that give food first, then everybody near, then whoever is listed for food."""
    searches = [(need, home) for need in FOOD_NEEDS] + [(need, None) for need in FOOD_NEEDS]
    for need, zip_code in searches:
        query = Query(now=now, need=need, zip_code=zip_code, radius_km=RADIUS_KM, limit=HITS)
        for hit in search(session, query).hits:
            found = _agency(session, hit.organization_id, hit.id, need, hit.distance_km)
            if found is not None:
                yield found


def _listed(session: Session) -> Iterator[Agency]:
    """Yield every agency of the directory that lists a service, near or far."""
    for listing in lookup.organizations_page(session, limit=LISTED_AT_MOST).listings:
        services = lookup.services_of(session, listing.record.id)
        if services:
            found = _agency(session, listing.record.id, services[0].id, None, None)
            if found is not None:
                yield found


def _agency(
    session: Session, organization_id: str, service_id: str, need: str | None, away: float | None
) -> Agency | None:
    facts, listing = find_organization(session, organization_id), lookup.service(session, service_id)
    if facts is None or listing is None:
        return None
    domains = [one.domain for one in service_needs(listing.record) if one.domain in SDOH_CATEGORIES]
    category = FOOD if FOOD in domains else next(iter(domains), UNSPECIFIED)
    return Agency(facts.id, facts.name, listing.record.name, category, facts.email, facts.phone, need, away)


def _distinct(agencies: Iterable[Agency]) -> Iterator[Agency]:
    """Yield each agency once, as it was found first."""
    seen: set[str | None] = set()
    for one in agencies:
        if one.id not in seen:
            seen.add(one.id)
            yield one


def _made_up(name: str, mailbox: str, *, email: bool) -> Agency:
    address = f"{mailbox}@{MADE_UP_DOMAIN}" if email else None
    return Agency(None, name, "Help with food", FOOD, address, "(555) 555-0142")
