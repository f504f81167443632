"""`exchange directory`: one JSON document with --json, sentences without, and errors as one sentence."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session, sessionmaker

from directory.tables import Base
from exchange.cli.directory import directory
from exchange.cli.house import House
from tests.databases import new_engine

DATA = Path(__file__).parents[2] / "data" / "directory"


class SmallHouse(House):
    """A house that has the directory's tables and nothing else."""

    def __init__(self, opened: Any) -> None:
        self.as_json = False
        self.database = SimpleNamespace(write=opened.begin, read=lambda: Session(opened.kw["bind"]))  # type: ignore[misc]

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 18, 0, tzinfo=UTC)


@pytest.fixture
def run() -> Iterator[Any]:
    """Run a command of the group in a house of its own."""
    with new_engine(Base.metadata) as engine:

        def command(*arguments: str) -> Result:
            return CliRunner().invoke(directory, arguments, obj=SmallHouse(sessionmaker(engine)))

        yield command


def test_import_prints_one_document_and_ends_well_although_rows_were_refused(run: Any) -> None:
    result = run("import", str(DATA / "hsds_csv"), "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert document["services"] == {"added": 3, "changed": 0, "unchanged": 0, "gone": 0, "refused": 2}
    assert list(document["problems"][0]) == ["file", "row", "field", "found", "done"]


def test_import_tells_a_person_what_was_done_and_how_far_it_is(run: Any) -> None:
    result = run("import", str(DATA / "linksf"))

    assert "read 7 of 7" in result.stderr
    assert "  services:      2 added, 0 changed, 0 unchanged, 0 gone, 1 refused" in result.stdout
    assert "Repaired: the location around each service was taken" in result.stdout


def test_search_prints_exactly_the_promised_fields(run: Any) -> None:
    run("import", str(DATA / "hsds_csv"), "--json")

    document = json.loads(run("search", "--need", "food-pantry", "--zip", "62701", "--json").stdout)

    assert list(document) == ["hits", "total"]
    assert document["total"] == 1
    assert list(document["hits"][0]) == ["id", "service", "organization", "distance_km", "reasons"]


def test_search_near_a_place_and_open_now_reads_well(run: Any) -> None:
    run("import", str(DATA / "hsds_csv"), "--json")

    result = run("search", "--near", "39.80,-89.65", "--open-now", "--text", "groceries")

    assert "Food pantry, Oak Street Kitchen (0.1 km)" in result.stdout
    assert "1 Oak St, Springfield, IL 62701; (217) 555-0101 ext. 12; hello@oakstreet.example" in result.stdout
    assert "It is open at that time." in result.stdout


def test_stats_count_what_is_listed(run: Any) -> None:
    run("import", str(DATA / "hsds_csv"), "--source", "kitchens", "--json")

    document = json.loads(run("stats", "--json").stdout)
    plain = run("stats").stdout

    assert (document["organizations"], document["services"], document["locations"]) == (2, 3, 2)
    assert [source["name"] for source in document["sources"]] == ["kitchens"]
    assert "services: 3" in plain
    assert "source kitchens (hsds-csv), last imported 2026-11-24" in plain


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("import", "/absent"), 1, "There is nothing at /absent"),
        (("import", str(DATA), "--format", "xml"), 2, "'xml' is not one of"),
        (("import",), 2, "Missing argument 'PATH'"),
        (("search", "--zip", "00000"), 2, "There is no such ZIP code"),
        (("search", "--near", "here"), 2, "--near is a latitude and a longitude"),
        (("search", "--need", "yachts", "--json"), 2, "There is no such need"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_on_the_error_stream(
    run: Any, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    result = run(*arguments)

    assert result.exit_code == status
    assert sentence in result.stderr
    assert result.stdout == ""
