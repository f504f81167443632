"""Importing: counted, repeatable, one source beside another, and wary of what has vanished."""

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from directory import lookup
from directory.errors import NothingRead, TooManyGone
from directory.importing import ImportReport, import_source
from directory.records import Organization, Service
from directory.tables import ImportRunRow, OrganizationRow, ServicePlaceRow, ServiceRow, StagedRow
from tests.directory.conftest import DATA, NOW, Import

SHARED = Path(__file__).parents[3] / "shared" / "data" / "hsds"
KITCHEN = "3d1c1f30-0f6b-4a30-9d55-0d8e0d0a0001"
LATER = NOW + timedelta(days=1)
COUNTS = ("added", "changed", "unchanged", "gone", "refused")


def numbers(report: ImportReport, kind: str) -> list[int]:
    return [getattr(report.counts[kind], name) for name in COUNTS]


def test_a_first_import_counts_what_it_kept_and_refused(load: Import) -> None:
    report = load("hsds_csv")

    assert numbers(report, "organization") == [2, 0, 0, 0, 1]
    assert numbers(report, "location") == [2, 0, 0, 0, 0]
    assert numbers(report, "service") == [3, 0, 0, 0, 2]
    refused = [(p.file, p.row, p.field, p.found) for p in report.problems if p.refused == "service"]
    assert refused == [
        ("services.csv", 4, "organization_id", "org-9"),
        ("services.csv", 5, "organization_id", "org-3"),
    ]


@pytest.mark.parametrize("folder", ["hsds_csv", "hsds_json", "linksf"])
def test_every_record_read_is_either_kept_or_refused_with_a_reason(load: Import, folder: str, session: Session) -> None:
    report = load(folder)

    listed = lookup.stats(session)
    for kind, counts in report.counts.items():
        assert counts.added == listed[f"{kind}s"]
        assert counts.refused == sum(p.refused == kind for p in report.problems)
    assert all(p.done.endswith(".") for p in report.problems)


def test_the_same_files_a_second_time_change_nothing(load: Import, session: Session) -> None:
    load("hsds_csv")
    before = list(session.execute(select(ServiceRow.id, ServiceRow.last_updated, ServiceRow.content_hash)))

    again = load("hsds_csv", now=LATER)

    assert numbers(again, "service") == [0, 0, 3, 0, 2]
    assert numbers(again, "organization") == [0, 0, 2, 0, 1]
    session.expire_all()
    assert list(session.execute(select(ServiceRow.id, ServiceRow.last_updated, ServiceRow.content_hash))) == before
    assert session.scalar(select(func.count()).select_from(StagedRow)) == 0


def test_the_report_has_the_shape_that_the_command_promises(load: Import) -> None:
    document = json.loads(json.dumps(load("hsds_csv").as_json()))

    assert list(document) == ["organizations", "locations", "services", "problems"]
    assert document["services"] == {"added": 3, "changed": 0, "unchanged": 0, "gone": 0, "refused": 2}
    assert all(list(problem) == ["file", "row", "field", "found", "done"] for problem in document["problems"])


def test_a_changed_row_is_changed_alone(load: Import, session: Session, copy: Path) -> None:
    load(copy, source="kitchens")
    services = copy / "services.csv"
    services.write_text(services.read_text().replace("every Tuesday", "every Monday"))

    report = load(copy, source="kitchens", now=LATER)

    assert numbers(report, "service") == [0, 1, 2, 0, 2]
    fresh = lookup.services_page(session, updated_since=LATER).listings
    assert [listing.record.description for listing in fresh] == ["Groceries, every Monday"]


def test_an_agency_that_is_renamed_is_found_by_its_new_name(load: Import, session: Session, copy: Path) -> None:
    load(copy, source="kitchens")
    organizations = copy / "organizations.csv"
    organizations.write_text(organizations.read_text().replace("Oak Street", "Birch Road"))

    load(copy, source="kitchens", now=LATER)

    found = select(ServicePlaceRow.service_id).where(ServicePlaceRow.term == "word:birch")
    assert len(set(session.scalars(found))) == 1


def test_too_many_missing_services_stop_the_import(load: Import, session: Session, copy: Path) -> None:
    load(copy, source="kitchens")
    services = copy / "services.csv"
    services.write_text("\n".join(services.read_text().splitlines()[:2]))

    with pytest.raises(TooManyGone, match="2 of the 3 services of kitchens are missing"):
        load(copy, source="kitchens", now=LATER)

    assert lookup.stats(session)["services"] == 3
    assert session.scalar(select(func.count()).select_from(StagedRow)) == 0
    assert sorted(session.scalars(select(ImportRunRow.status))) == ["applied", "refused"]


def test_what_is_gone_stays_readable_by_its_id_and_comes_back(load: Import, session: Session, copy: Path) -> None:
    load(copy, source="kitchens")
    services = copy / "services.csv"
    whole = services.read_text()
    services.write_text("\n".join(line for line in whole.splitlines() if not line.startswith("svc-1")))
    pantry = next(iter(lookup.services_of(session, KITCHEN))).id

    report = load(copy, source="kitchens", now=LATER, allow_removals=True)

    assert numbers(report, "service") == [0, 0, 2, 1, 2]
    session.expire_all()
    listing = lookup.service(session, pantry)
    assert listing is not None
    assert listing.is_gone
    assert listing.record.name == "Food pantry"
    assert session.scalar(select(func.count()).where(ServicePlaceRow.service_id == pantry)) == 0
    services.write_text(whole)
    assert numbers(load(copy, source="kitchens", now=LATER), "service") == [1, 0, 2, 0, 2]
    session.expire_all()
    back = lookup.service(session, pantry)
    assert back is not None
    assert not back.is_gone


def test_sources_stand_side_by_side_and_the_second_claim_to_a_uuid_gets_another_id(
    load: Import, session: Session
) -> None:
    load("hsds_csv", source="first")
    load("hsds_csv", source="second")

    rows = list(session.execute(select(OrganizationRow.source, OrganizationRow.source_id, OrganizationRow.id)))
    kitchens = {source: id for source, source_id, id in rows if source_id == KITCHEN}
    assert kitchens["first"] == KITCHEN
    assert kitchens["second"] != KITCHEN
    assert len({id for _, _, id in rows}) == 4
    services = lookup.services_of(session, kitchens["second"])
    assert {service.organization_id for service in services} == {kitchens["second"]}


def test_ids_are_made_from_source_and_id_alone(load: Import, session: Session) -> None:
    load("linksf", source="city")

    ids = {key: id for key, id in session.execute(select(OrganizationRow.source_id, OrganizationRow.id))}
    assert ids["orgA"] == "c92e2663-48c2-5fdf-b67b-d79d56d99dcc"


def test_a_place_that_is_not_among_the_files_is_left_out_of_its_service(load: Import, session: Session) -> None:
    report = load("hsds_csv")

    pantry = lookup.services_of(session, KITCHEN)[0]
    assert len(pantry.service_at_locations) == 1
    assert [(p.file, p.row) for p in report.problems if "location that this service names" in p.done] == [
        ("services.csv", 2)
    ]


def test_missing_coordinates_are_filled_from_the_zip_code_and_told(load: Import, session: Session) -> None:
    report = load("hsds_csv")

    filled = [(p.file, p.row) for p in report.problems if p.done.startswith("Filled in: the centre")]
    assert filled == [("locations.csv", 3)]
    office = lookup.locations_page(session, name="law").listings[0].record
    assert (office.latitude, office.longitude) == (None, -89.6), "the record says what its source said"


def test_a_path_without_records_changes_nothing(load: Import, session: Session, tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("[]")

    with pytest.raises(NothingRead, match="No organisation, service or location could be read"):
        load(tmp_path)

    assert lookup.stats(session)["sources"] == []


def test_an_interrupted_import_leaves_nothing_behind_for_the_next(
    load: Import, session: Session, transaction: Callable[[], AbstractContextManager[Session]]
) -> None:
    class Interrupted(Exception):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        import_source(transaction, DATA / "hsds_csv", now=NOW, progress=stop)
    assert lookup.stats(session)["services"] == 0
    session.rollback()

    load("hsds_csv")

    assert session.scalar(select(func.count()).select_from(StagedRow)) == 0
    assert lookup.stats(session)["services"] == 3


def test_progress_ends_at_the_number_of_records(load: Import) -> None:
    seen: list[tuple[str, int, int]] = []

    load("linksf", progress=lambda stage, done, total: seen.append((stage, done, total)))

    assert seen[-1] == ("read", 7, 7)


def test_lookup_gives_records_or_none(load: Import, session: Session) -> None:
    load("hsds_csv")

    kitchen = lookup.organization(session, KITCHEN.upper())
    assert kitchen is not None
    assert isinstance(kitchen.record, Organization)
    assert kitchen.last_updated == NOW
    assert lookup.organization(session, "not a uuid") is None
    assert lookup.service(session, KITCHEN) is None
    assert lookup.locations_of(session, lookup.services_of(session, KITCHEN)[0].id)[0].name == "Kitchen"


def test_pages_hold_every_record_once_in_the_order_of_their_key(load: Import, session: Session) -> None:
    load("hsds_csv", source="first")
    load("linksf", source="second", now=LATER)

    seen: list[tuple[object, str]] = []
    after = None
    while True:
        page = lookup.services_page(session, limit=2, after=after)
        seen += [(listing.last_updated, listing.record.id) for listing in page.listings]
        after = page.next_after
        if after is None:
            break

    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"name": "FOOD"}, ["Food pantry"]),
        ({"name": "%"}, []),
        ({"category": "food-pantry"}, ["Food pantry"]),
        ({"category": "food-insecurity"}, ["Food pantry"]),
        ({"organization_id": KITCHEN}, ["Food pantry", "Supper club"]),
        ({"organization_id": "nonsense"}, []),
        ({"ids": ["nonsense"]}, []),
        ({"updated_since": LATER}, []),
    ],
)
def test_lists_are_filtered(load: Import, session: Session, filters: dict[str, object], names: list[str]) -> None:
    load("hsds_csv")

    found = [listing.record for listing in lookup.services_page(session, **filters).listings]

    assert all(isinstance(record, Service) for record in found)
    assert sorted(record.name for record in found) == names


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/hsds is not on this machine")
def test_the_real_linksf_listing_is_imported_whole_and_once(load: Import, session: Session) -> None:
    folder = SHARED / "datasets" / "linksf-sf"

    first, second = load(folder), load(folder, now=LATER)

    assert [numbers(first, kind) for kind in ("organization", "location", "service")] == [
        [217, 0, 0, 0, 0],
        [217, 0, 0, 0, 0],
        [242, 0, 0, 0, 0],
    ]
    assert numbers(second, "service") == [0, 0, 242, 0, 0]
    assert lookup.stats(session)["organizations_with_email"] == 1


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the small CSV package that a test may change."""
    return Path(shutil.copytree(DATA / "hsds_csv", tmp_path / "package"))
