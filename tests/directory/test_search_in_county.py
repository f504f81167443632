"""Search in the demo's county: near first, honest about what is not known, the same on every page."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from directory.county import county, write_hsds
from directory.importing import import_source
from directory.lookup import service as read_service
from directory.search import Page, Query, search
from tests.directory.conftest import NOW, tables, transactions

TOWN = "62703"
TUESDAY_NOON = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)  # 12:00 in Springfield, Illinois


@pytest.fixture(scope="module")
def in_county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session on the demo's county; these tests only read."""
    folder = tmp_path_factory.mktemp("county")
    write_hsds(county(), folder)
    with tables() as engine:
        import_source(transactions(engine), folder, now=NOW)
        with Session(engine) as session:
            yield session


def find(session: Session, **wanted: object) -> Page:
    return search(session, Query(**({"now": NOW} | wanted)))  # type: ignore[arg-type]


def test_the_nearest_service_for_a_need_comes_first_with_its_reasons(in_county: Session) -> None:
    page = find(in_county, need="food-pantry", zip_code=TOWN)

    distances = [hit.distance_km for hit in page.hits]
    assert len(page.hits) >= 5
    assert distances == sorted(distances)  # type: ignore[type-var]
    assert all(distance is not None and distance <= 25 for distance in distances)
    assert page.hits[0].reasons[0] == "It is listed under food pantry."
    assert page.hits[0].reasons[1] == f"It is {distances[0]:.1f} km away."
    assert page.total == len(find(in_county, need="food-pantry", zip_code=TOWN, limit=200).hits)
    assert all(phone.startswith("(") and "555-01" in phone for hit in page.hits for phone in hit.phones)


def test_a_category_finds_what_its_needs_find_and_more(in_county: Session) -> None:
    pantries = {hit.id for hit in find(in_county, need="food-pantry", zip_code=TOWN, limit=200).hits}
    food = {hit.id for hit in find(in_county, need="food-insecurity", zip_code=TOWN, limit=200).hits}

    assert pantries < food


@pytest.mark.parametrize(
    "wanted", [{"need": "food-pantry", "zip_code": TOWN}, {"text": "food"}, {}, {"language": "es"}]
)
def test_pages_together_are_the_whole_and_hold_nothing_twice(in_county: Session, wanted: dict[str, object]) -> None:
    whole = [hit.id for hit in find(in_county, **wanted, limit=200).hits]

    paged: list[str] = []
    after = None
    while len(paged) < len(whole):
        page = find(in_county, **wanted, limit=7, after=after)
        paged += [hit.id for hit in page.hits]
        after = page.next_after
        if after is None:
            break

    assert paged[: len(whole)] == whole


def test_what_speaks_the_language_is_kept_and_says_so(in_county: Session) -> None:
    page = find(in_county, need="food-pantry", zip_code=TOWN, language="Spanish", limit=200)

    everyone = find(in_county, need="food-pantry", zip_code=TOWN, limit=200)
    assert 0 < len(page.hits) < len(everyone.hits)
    assert all("es" in hit.languages and "It speaks Spanish." in hit.reasons for hit in page.hits)
    assert page.total == len(page.hits)


def test_open_at_leaves_out_only_what_is_known_to_be_closed(in_county: Session) -> None:
    page = find(in_county, need="food-pantry", zip_code=TOWN, open_at=TUESDAY_NOON, limit=200)
    night = find(in_county, need="food-pantry", zip_code=TOWN, open_at=TUESDAY_NOON + timedelta(hours=12), limit=200)

    assert {hit.open_now for hit in page.hits} <= {True, None}
    assert any(hit.open_now for hit in page.hits)
    assert {hit.open_now for hit in night.hits} <= {None}
    assert all("Its hours are not known." in hit.reasons for hit in night.hits)


def test_age_leaves_out_what_is_for_others(in_county: Session) -> None:
    young = find(in_county, need="senior-services", zip_code=TOWN, age=30, limit=200)
    old = find(in_county, need="senior-services", zip_code=TOWN, age=70, limit=200)

    assert young.hits == ()
    assert young.notes[0].startswith("Services were found, but none of them fits every filter")
    assert len(old.hits) > 0


def test_the_hits_of_one_agency_can_be_asked_for(in_county: Session) -> None:
    wanted = find(in_county, need="food-pantry", zip_code=TOWN).hits[0].organization_id

    page = find(in_county, organization_id=wanted, accepts_referrals=True)

    assert {hit.organization_id for hit in page.hits} == {wanted}


def test_a_hit_can_be_read_by_its_id(in_county: Session) -> None:
    hit = find(in_county, need="legal-aid", zip_code=TOWN).hits[0]

    listing = read_service(in_county, hit.id)

    assert listing is not None
    assert listing.record.name == hit.service


def test_the_documents_have_the_shape_that_command_and_api_promise(in_county: Session) -> None:
    hit = find(in_county, need="food-pantry", zip_code=TOWN).hits[0]

    assert list(hit.as_json()) == ["id", "service", "organization", "distance_km", "reasons"]
    assert set(hit.as_api_json()) == {*hit.as_json(), "organization_id"}


def test_nothing_within_the_circle_is_said_with_a_remedy(in_county: Session) -> None:
    page = find(in_county, need="food-pantry", zip_code="10001", radius_km=10)

    assert (page.hits, page.total, page.next_after) == ((), 0, None)
    assert page.notes == ("Nothing was found within 10 km: search in a wider circle, or with other words.",)
