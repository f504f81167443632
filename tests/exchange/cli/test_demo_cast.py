"""Who plays in the demo follows from the directory: who can be told how, near home first."""

from collections.abc import Callable
from pathlib import Path

import pytest

from directory.geography import distance_km, zip_centroid
from exchange.cli.demo_cast import Cast, choose_cast, home_zip_code
from exchange.cli.demo_house import DemoHouse
from exchange.cli.demo_wire import Transcript

DATA = Path(__file__).resolve().parents[2] / "data" / "directory"
Choose = Callable[[Path | None], Cast]


def test_in_the_county_everybody_is_of_the_directory_and_told_as_their_part_asks(choose: Choose) -> None:
    cast = choose(None)

    assert cast.made_up == ()
    assert len({cast.pantry.id, cast.decliner.id, cast.phoned.id, cast.silent.id}) == 4
    assert cast.pantry.is_about_food
    assert cast.pantry.distance_km is not None
    assert cast.pantry.distance_km < 10
    assert cast.decliner.email
    assert cast.silent.email
    assert (cast.phoned.email, bool(cast.phoned.phone)) == (None, True)


def test_the_patient_lives_where_most_places_of_the_directory_are(choose: Choose) -> None:
    assert choose(DATA / "demo_town" / "town.json").home == "97214"


def test_one_agency_is_the_pantry_and_the_other_parts_are_made_up(choose: Choose) -> None:
    cast = choose(DATA / "demo_town" / "town.json")

    assert cast.pantry.name == "Old Mill Pantry"
    assert len(cast.made_up) == 3
    assert cast.phoned.email is None
    assert [one.email for one in (cast.decliner, cast.silent)] == ["aid@demo.invalid", "quiet@demo.invalid"]


def test_without_zip_codes_home_is_the_zip_code_nearest_to_the_middle(demo: DemoHouse) -> None:
    demo.import_directory(DATA / "linksf")
    with demo.house.database.read() as session:
        home = home_zip_code(session)

    middle, san_francisco = zip_centroid(home), zip_centroid("94103")
    assert middle is not None
    assert san_francisco is not None
    assert distance_km(middle, san_francisco) < 15


def test_an_empty_directory_has_no_cast(demo: DemoHouse) -> None:
    with demo.house.database.read() as session, pytest.raises(LookupError, match="lists no service"):
        choose_cast(session, demo.house.now())


@pytest.fixture
def choose(demo: DemoHouse) -> Choose:
    """Return what imports a directory (None: the county) and chooses the cast from it."""

    def chosen(path: Path | None) -> Cast:
        demo.import_directory(path)
        with demo.house.database.read() as session:
            return choose_cast(session, demo.house.now())

    return chosen


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DemoHouse:
    """A demo's house with an empty directory."""
    monkeypatch.chdir(tmp_path)
    made = DemoHouse(1, Transcript())
    made.build()
    return made
