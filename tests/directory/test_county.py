"""The made-up county: as many agencies as promised, the same every time, and nobody real in it."""

from collections import Counter
from pathlib import Path

from directory.county import county, write_hsds
from directory.formats.registry import choose
from directory.records import Location, Organization, Problem, Service, kind_of
from directory.taxonomy import NEEDS, needs_of


def test_a_county_has_150_agencies_and_400_services() -> None:
    records = county()

    counted = Counter(map(kind_of, records))
    assert counted["organization"] == 150
    assert counted["service"] == 400
    assert counted["location"] >= 150
    assert len({(kind_of(record), record.id) for record in records}) == len(records)


def test_the_same_seed_gives_the_same_county_and_another_seed_another() -> None:
    assert county(seed=3) == county(seed=3)
    assert county(seed=3) != county(seed=4)


def test_nobody_in_it_is_real() -> None:
    agencies = [record for record in county() if isinstance(record, Organization)]

    assert len({agency.name for agency in agencies}) == 150
    assert all(agency.email is None or agency.email.endswith(".example") for agency in agencies)
    assert all(" 555-01" in phone.number for agency in agencies for phone in agency.phones)
    assert len({agency.phones[0].number for agency in agencies}) == 150
    assert 10 <= sum(agency.email is None for agency in agencies) <= 40


def test_every_service_belongs_to_an_agency_and_a_place_and_every_need_is_met() -> None:
    records = county()
    agencies = {record.id for record in records if isinstance(record, Organization)}
    places = {record.id for record in records if isinstance(record, Location)}
    services = [record for record in records if isinstance(record, Service)]

    assert {service.organization_id for service in services} == agencies
    assert {link.location_id for service in services for link in service.service_at_locations} <= places
    assert all(service.service_at_locations for service in services)
    met = {need.code for service in services for need in needs_of([], service.name, service.description or "")}
    met |= {a.taxonomy_term.code for s in services for a in s.attributes if a.taxonomy_term and a.taxonomy_term.code}
    assert {need.code for need in NEEDS} - met <= {"food"}


def test_what_is_written_is_read_back_without_a_problem(tmp_path: Path) -> None:
    records = county()
    problems: list[Problem] = []

    path = write_hsds(records, tmp_path / "county")
    read = [found.record for found in choose(path.parent).read(path.parent, problems)]

    assert problems == []
    assert read == records
