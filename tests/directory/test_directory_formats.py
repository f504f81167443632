"""Each form in which a directory comes is read into the same records, and what is wrong is told row by row."""

from collections import Counter
from pathlib import Path

import pytest

from directory.errors import UnknownFormat
from directory.formats import values
from directory.formats.linksf import clock
from directory.formats.registry import choose
from directory.record_json import from_json, to_json
from directory.records import Location, Organization, Problem, Record, Service, kind_of

DATA = Path(__file__).parents[1] / "data" / "directory"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "hsds"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/hsds is not on this machine")


def read(path: Path, expected: str) -> tuple[dict[str, Record], list[Problem]]:
    problems: list[Problem] = []
    chosen = choose(path)
    assert chosen.name == expected
    return {found.record.id: found.record for found in chosen.read(path, problems)}, problems


def told(problems: list[Problem], file: str, row: int | str | None, field: str | None) -> list[Problem]:
    return [p for p in problems if (p.file, p.row, p.field) == (file, row, field)]


def test_a_csv_package_becomes_records_with_their_children() -> None:
    records, _ = read(DATA / "hsds_csv", "hsds-csv")

    kitchen, pantry = records["3d1c1f30-0f6b-4a30-9d55-0d8e0d0a0001"], records["svc-1"]
    assert isinstance(kitchen, Organization)
    assert isinstance(pantry, Service)
    assert [(phone.number, phone.extension) for phone in kitchen.phones] == [("(217) 555-0101", "12")]
    assert pantry.description == "Groceries, every Tuesday"
    assert [(s.byday, s.opens_at, s.closes_at) for s in pantry.schedules] == [("TU,TH", "09:00", "17:00")]
    assert [language.code for language in pantry.languages] == ["es"]
    assert [a.taxonomy_term.code for a in pantry.attributes if a.taxonomy_term] == ["food-pantry"]
    assert [link.location_id for link in pantry.service_at_locations] == ["loc-1", "loc-77"]


@pytest.mark.parametrize(
    ("file", "row", "field", "found", "done"),
    [
        ("organizations.csv", 2, "mascot", "a badger", "Left out: HSDS knows no such field"),
        ("organizations.csv", 3, "email", "mailto:office@elm.example; desk@elm.example", "Repaired: the first"),
        ("organizations.csv", 5, "name", None, "Refused: this organization has no usable name"),
        ("services.csv", 3, "status", "ACTIVE", "Repaired: written as HSDS writes it."),
        ("services.csv", 3, "minimum_age", "eighteen", "Left out: it is not a number."),
        ("services.csv", 3, "assured_date", "2026-10-32", "Left out: it is not a date"),
        ("locations.csv", 3, "latitude", "139.0", "Left out: it lies outside -90 and 90"),
        ("addresses.csv", 4, None, "loc-9", "Left out: it names nothing among the files"),
        ("phones.csv", 2, "number", "(217) 555-0101 ext. 12", "Repaired: the extension was taken out"),
        ("phones.csv", 3, "number", "no phone", "Left out: there is no number to call"),
        ("schedules.csv", 2, "opens_at", "9:00am", "Repaired: written as HH:MM."),
        ("schedules.csv", 3, "opens_at", "25:00", "Left out: it is not a time of day"),
        ("attributes.csv", 3, "link_id", "svc-99", "Left out: it names nothing among the files"),
        ("pets.csv", None, None, None, "Left out: HSDS has no such file."),
    ],
)
def test_each_bad_cell_of_a_csv_package_is_told(
    file: str, row: int | None, field: str | None, found: str | None, done: str
) -> None:
    _, problems = read(DATA / "hsds_csv", "hsds-csv")

    matching = [p for p in told(problems, file, row, field) if p.done.startswith(done)]
    assert [p.found for p in matching] == [found]


def test_json_pages_and_trees_are_put_together_by_id() -> None:
    records, problems = read(DATA / "hsds_json", "hsds-json")

    harbor = records["7c9f6f1e-54b7-4c1d-8a77-1f1b8a6f00a1"]
    assert isinstance(harbor, Organization)
    assert harbor.email == "desk@harbor.example"
    assert [phone.number for phone in harbor.phones] == ["(217) 555-0110"]
    assert Counter(map(kind_of, records.values())) == {"organization": 1, "location": 1, "service": 2}
    assert told(problems, "broken.json", 1, None)[0].done.startswith("Left out: the file is not JSON")
    assert told(problems, "root.json", None, None)[0].done == "Left out: it holds no organisation, service or location."
    assert told(problems, "services.json", "/contents/0", "shoe_size")[0].found == "43"
    assert told(problems, "services.json", "/contents/1", "organization_id")[0].refused == "service"


def test_linksf_is_read_with_its_own_ways() -> None:
    records, problems = read(DATA / "linksf", "linksf")

    clinic, pantry = records["s1"], records["s2"]
    assert isinstance(clinic, Service)
    assert isinstance(pantry, Service)
    assert [link.location_id for link in clinic.service_at_locations] == ["loc1"]
    assert [(s.byday, s.opens_at, s.closes_at) for s in clinic.schedules] == [
        ("MO", "11:00", "19:30"),
        ("FR", "00:00", "24:00"),
    ]
    assert clinic.eligibility_description == "For women, adults, seniors."
    assert pantry.name == "Bay Pantry"
    owner = records["orgA"]
    assert isinstance(owner, Organization)
    assert owner.email == "front@clinic.example"
    assert [(phone.number, phone.extension) for phone in owner.phones] == [("(415) 555-0120", "22")]
    assert owner.description == "Care for all"
    fields = {(p.file, p.field) for p in problems}
    assert {("locations.json", "location_id"), ("locations.json", "weekday"), ("organizations.json", "email")} <= fields
    assert ("organizations.json", "number") in fields


@pytest.mark.parametrize(
    ("given", "time"),
    [("1930", "19:30"), ("0", "00:00"), ("1", "00:01"), ("2359", "24:00"), ("960", None), ("x", None)],
)
def test_whole_number_times_are_read(given: str, time: str | None) -> None:
    assert clock(given) == time


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        ("09:00", "09:00"),
        ("9:00 am", "09:00"),
        ("12:30am", "00:30"),
        ("9pm", "21:00"),
        ("10:00:00Z", "10:00Z"),
        ("10:00-05:00", "10:00-05:00"),
        ("24:00", "24:00"),
        ("9", None),
        ("noon", None),
        ("24:30", None),
    ],
)
def test_times_of_day_are_read(given: str, read_as: str | None) -> None:
    assert values.clock(given)[0] == read_as


def test_letters_read_in_the_wrong_encoding_are_put_right() -> None:
    assert values.text("Womenâ€™s shelter") == (
        "Women’s shelter",
        "Repaired: the letters had been read in the wrong encoding.",
    )
    assert values.text("Niños y más") == ("Niños y más", None)


def test_a_path_that_nobody_can_read_is_refused_with_the_formats_there_are(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")

    with pytest.raises(UnknownFormat, match="give a path that one of hsds-csv, linksf, hsds-json can read"):
        choose(tmp_path)
    with pytest.raises(UnknownFormat, match="There is nothing at"):
        choose(tmp_path / "absent")
    with pytest.raises(UnknownFormat, match="There is no format called xml"):
        choose(tmp_path, "xml")


def test_a_csv_file_that_is_not_utf8_or_uses_semicolons_is_read(tmp_path: Path) -> None:
    (tmp_path / "organizations.csv").write_bytes("id;name\r\no1;Caf\xe9\r\n;;\r\n".encode("cp1252"))

    records, problems = read(tmp_path, "hsds-csv")

    assert records["o1"].name == "Café"  # type: ignore[attr-defined]
    assert [p.done for p in problems] == ["Repaired: the file is not UTF-8 and was read as Windows-1252."]


def test_records_survive_the_way_to_json_and_back() -> None:
    for folder in ("hsds_csv", "hsds_json", "linksf"):
        problems: list[Problem] = []
        for found in choose(DATA / folder).read(DATA / folder, problems):
            assert from_json(type(found.record), to_json(found.record)) == found.record


@needs_shared
def test_the_real_linksf_listing_is_read_whole() -> None:
    records, _ = read(SHARED / "datasets" / "linksf-sf", "linksf")

    assert Counter(map(kind_of, records.values())) == {"organization": 217, "service": 242, "location": 217}
    organizations = [record for record in records.values() if isinstance(record, Organization)]
    assert sum(bool(organization.email) for organization in organizations) == 1


@needs_shared
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("hsds-3.0", "hsds-json"),
        ("hsds-3.0/csv", "hsds-csv"),
        ("hsds-3.1-dev", "hsds-json"),
        ("hsds-3.1-dev/csv", "hsds-csv"),
        ("hsds-3.1-dev/csv/datapackage.json", "hsds-csv"),
        ("hsds-3.1.1-json", "hsds-json"),
        ("hsds-3.1.1-json/organization_full.json", "hsds-json"),
        ("uk-3.0/csv", "hsds-csv"),
        ("mock-api-3.1", "hsds-json"),
    ],
)
def test_the_published_examples_of_hsds_are_read(path: str, form: str) -> None:
    records, problems = read(SHARED / "examples" / path, form)

    assert Counter(map(kind_of, records.values())) == {"organization": 1, "service": 1, "location": 1}
    place = next(record for record in records.values() if isinstance(record, Location))
    assert place.latitude is None, "the examples give a latitude of 100 degrees"
    assert any(p.field == "latitude" for p in problems)
