"""A believable county for the demo: 150 agencies and 400 services, made from a seed. Nobody in it is real.

Phones are 555-01xx, e-mail addresses end in .example, places lie around real ZIP codes of Sangamon County, Illinois.
The same seed gives the same county, to the last digit.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid5

from directory.county_offers import (
    COUNTY,
    FIRST_WORDS,
    HOURS,
    KINDS,
    OFFERS,
    OTHER_ZIP_CODES,
    STREETS,
    TOWN_ZIP_CODES,
    Kind,
    Offer,
)
from directory.geography import zip_place
from directory.languages import NAMES
from directory.record_json import to_json
from directory.records import (
    LOCATION,
    ORGANIZATION,
    SERVICE,
    Accessibility,
    Address,
    Attribute,
    CostOption,
    Language,
    Location,
    Organization,
    Phone,
    Record,
    RequiredDocument,
    Schedule,
    Service,
    ServiceArea,
    ServiceAtLocation,
    TaxonomyTerm,
    kind_of,
)

AGENCIES, SERVICES = 150, 400
NAMESPACE = UUID("0b7a6f52-7d0e-5c1d-9d43-3f1f2f7c9a10")
CHECKED_LAST = date(2026, 11, 1)  # fixed, so that the county of a seed never changes
AREA_CODES = ("217", "447")  # both overlay the county; 100 fictitious numbers each
WITHOUT_EMAIL = 0.15
LANGUAGES = (("es", 0.35), ("fr", 0.06), ("ar", 0.05), ("zh", 0.04), ("vi", 0.03), ("tl", 0.03), ("ase", 0.05))
TAXONOMY = "Referral Exchange needs"


@dataclass
class _Maker:
    """Draws everything from one stream of chance, in a fixed order."""

    seed: int
    chance: Random

    def id(self, *parts: object) -> str:
        """Return a UUID that depends on the seed and the parts alone."""
        return str(uuid5(NAMESPACE, "|".join(map(str, (self.seed, *parts)))))

    def location(self, number: int, agency_id: str, name: str) -> Location:
        """Return a place within about two kilometres of the centre of a ZIP code, most often in town."""
        chance = self.chance
        zip_code = chance.choice(TOWN_ZIP_CODES if chance.random() < 0.75 else OTHER_ZIP_CODES)
        place = zip_place(zip_code)
        assert place is not None, "every ZIP code of the county is in the table"
        location_id = self.id("location", number)
        street = f"{chance.randrange(100, 3900)} {chance.choice('NSEW')} {chance.choice(STREETS.split())} St"
        address = Address(
            id=self.id("address", number),
            address_1=street,
            city=place.city,
            state_province=place.state,
            postal_code=zip_code,
            country="US",
            address_type="physical",
        )
        ramp = Accessibility(id=self.id("accessibility", number), description="Wheelchair ramp and accessible restroom")
        return Location(
            id=location_id,
            organization_id=agency_id,
            name=name,
            location_type="physical",
            latitude=round(place.point.latitude + chance.uniform(-0.018, 0.018), 5),
            longitude=round(place.point.longitude + chance.uniform(-0.023, 0.023), 5),
            addresses=(address,),
            accessibility=(ramp,) if chance.random() < 0.6 else (),
        )

    def agency(self, number: int, kind: Kind, name: str) -> Organization:
        """Return an agency; some have no e-mail address and must be phoned."""
        slug = name.lower().replace(" ", "-")
        area, line = AREA_CODES[number // 100], 100 + number % 100
        phone = Phone(id=self.id("phone", number), number=f"({area}) 555-0{line}", type="voice")
        return Organization(
            id=self.id("organization", number),
            name=name,
            description=kind.description,
            email=None if self.chance.random() < WITHOUT_EMAIL else f"intake@{slug}.example",
            website=f"https://{slug}.example",
            year_incorporated=self.chance.randrange(1950, 2022),
            phones=(phone,),
        )

    def languages(self, service: int) -> tuple[Language, ...]:
        """Return English and, by chance, some others."""
        spoken = ["en", *(code for code, share in LANGUAGES if self.chance.random() < share)]
        return tuple(Language(id=self.id("language", service, code), name=NAMES[code], code=code) for code in spoken)

    def service(self, number: int, agency: Organization, at: list[Location], offer: Offer) -> Service:
        """Return a service of an agency at one of its places, or now and then at all of them."""
        chance = self.chance
        places = at if chance.random() < 0.15 else [chance.choice(at)]
        links = tuple(
            ServiceAtLocation(id=self.id("service at location", number, n), location_id=place.id)
            for n, place in enumerate(places)
        )
        by_appointment = not HOURS[offer.hours]
        term = TaxonomyTerm(id=self.id("need", offer.need), code=offer.need, taxonomy=TAXONOMY)
        return Service(
            id=self.id("service", number),
            organization_id=agency.id,
            name=offer.name,
            description=offer.description,
            email=agency.email,
            status="active",
            application_process="Call for an appointment." if by_appointment else "Call, write or walk in.",
            interpretation_services="Interpreters by phone." if chance.random() < 0.3 else None,
            eligibility_description=offer.eligibility,
            minimum_age=None if offer.minimum_age is None else float(offer.minimum_age),
            maximum_age=None if offer.maximum_age is None else float(offer.maximum_age),
            assured_date=(CHECKED_LAST - timedelta(days=int(chance.expovariate(1 / 120)))).isoformat(),
            schedules=self.schedules(number, offer),
            service_areas=(ServiceArea(id=self.id("area", number), name=COUNTY),),
            service_at_locations=links,
            languages=self.languages(number),
            cost_options=self.costs(number, offer),
            required_documents=tuple(
                RequiredDocument(id=self.id("document", number, n), document=document)
                for n, document in enumerate(offer.documents)
            ),
            attributes=(Attribute(id=self.id("attribute", number), link_type="service type", taxonomy_term=term),),
        )

    def schedules(self, number: int, offer: Offer) -> tuple[Schedule, ...]:
        """Return the hours; none for what is by appointment, and for a few that never said."""
        shifts = HOURS[offer.hours]
        if not shifts:
            return (Schedule(id=self.id("schedule", number, 0), description="By appointment."),)
        if self.chance.random() < 0.05:
            return ()
        return tuple(
            Schedule(id=self.id("schedule", number, n), freq="WEEKLY", byday=days, opens_at=opens, closes_at=closes)
            for n, (days, opens, closes) in enumerate(shifts)
        )

    def costs(self, number: int, offer: Offer) -> tuple[CostOption, ...]:
        """Return the price, where there is one."""
        if not offer.cost:
            return ()
        return (CostOption(id=self.id("cost", number), option="standard", currency="USD", amount=float(offer.cost)),)


def county(seed: int = 1) -> list[Record]:
    """Return the county of a seed: organisations, then locations, then services."""
    maker = _Maker(seed, Random(seed))
    agencies, places, kinds = _agencies(maker)
    services = _services(maker, agencies, places, kinds)
    return [*agencies, *(place for agency in agencies for place in places[agency.id]), *services]


def _agencies(maker: _Maker) -> tuple[list[Organization], dict[str, list[Location]], dict[str, Kind]]:
    """Return the agencies, kind after kind so that each kind occurs, their places, and what kind each is."""
    words = maker.chance.sample(FIRST_WORDS.split(), len(FIRST_WORDS.split()))
    agencies: list[Organization] = []
    places: dict[str, list[Location]] = {}
    kinds: dict[str, Kind] = {}
    for number in range(AGENCIES):
        kind = KINDS[number % len(KINDS)]
        # Moving on by one more in each round gives every agency a name of its own.
        name = f"{words[(number + number // len(KINDS)) % len(words)]} {kind.name}"
        agency = maker.agency(number, kind, name)
        rooms = 2 if maker.chance.random() < 0.2 else 1
        names = [name, f"{name}, second site"][:rooms]
        places[agency.id] = [maker.location(number * 2 + n, agency.id, said) for n, said in enumerate(names)]
        agencies.append(agency)
        kinds[agency.id] = kind
    return agencies, places, kinds


def _services(
    maker: _Maker, agencies: list[Organization], places: dict[str, list[Location]], kinds: dict[str, Kind]
) -> list[Service]:
    """Return the services: a first one for every agency, then further ones until there are SERVICES."""
    left = {agency.id: _offers(maker, kinds[agency.id]) for agency in agencies}
    services: list[Service] = []
    while len(services) < SERVICES:
        open_agencies = [agency for agency in agencies if left[agency.id]]
        chosen = agencies if not services else maker.chance.sample(open_agencies, min(60, len(open_agencies)))
        for agency in chosen[: SERVICES - len(services)]:
            services.append(maker.service(len(services), agency, places[agency.id], left[agency.id].pop(0)))
    return services


def _offers(maker: _Maker, kind: Kind) -> list[Offer]:
    """Return what an agency of a kind may offer, its main need first, the others in any order."""
    main = [offer for offer in OFFERS if offer.need == kind.needs[0]]
    others = [offer for offer in OFFERS if offer.need in kind.needs[1:]]
    return main + maker.chance.sample(others, len(others))


def write_hsds(records: Iterable[Record], folder: Path) -> Path:
    """Write records as one HSDS 3.1 JSON document of named lists and return its path; the folder is made."""
    document: dict[str, list[object]] = {f"{kind}s": [] for kind in (ORGANIZATION, LOCATION, SERVICE)}
    for record in records:
        document[f"{kind_of(record)}s"].append(to_json(record))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "directory.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
