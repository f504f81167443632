"""Every measure is answered as it expects, by the real applications: a benchmark of refusals would be fast."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from exchange.app import create_app
from exchange.config import Config
from exchange.db import document
from exchange.db.session import Database
from tests.benchmarks.__main__ import arguments_of
from tests.benchmarks.figures import Figure, as_json, percentile, share, spread
from tests.benchmarks.floor import create_floor
from tests.benchmarks.load import Request, Tally
from tests.benchmarks.measures import BY_NAME, FLOOR, HOUSE, MEASURES, Measure, chosen
from tests.benchmarks.picture import EMPTY, FULL, MARK, WIDTH, bar, lines
from tests.benchmarks.servers import new_database
from tests.benchmarks.stock import Stock, fill


@pytest.mark.parametrize("measure", [one for one in MEASURES if one.server == HOUSE], ids=lambda one: one.name)
def test_the_exchange_answers_a_measure_as_it_expects(measure: Measure, app: Flask, stock: Stock) -> None:
    for request in measure.requests(stock)[:2]:
        status, body = asked(app, request)

        assert status == measure.expects, body


@pytest.mark.parametrize("measure", [one for one in MEASURES if one.server == FLOOR], ids=lambda one: one.name)
def test_the_floor_answers_a_measure_as_it_expects(measure: Measure, floor: Flask, stock: Stock) -> None:
    status, body = asked(floor, measure.requests(stock)[0])

    assert (status, json.loads(body)["resourceType"]) == (200, "Basic")


def test_a_bare_commit_is_kept(floor: Flask, floor_database: Database, stock: Stock) -> None:
    for _ in range(2):
        asked(floor, BY_NAME["commit"].requests(stock)[0])

    with floor_database.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM benchmark_floor").scalar() == 2


@pytest.mark.parametrize(
    ("name", "found"),
    [("find", {"Patient": 1}), ("inbox", {"Task": 10}), ("poll", {"Task": 20, "ServiceRequest": 20, "Patient": 20})],
)
def test_a_search_finds_what_its_title_says(name: str, found: dict[str, int], app: Flask, full_stock: Stock) -> None:
    _status, body = asked(app, BY_NAME[name].requests(full_stock)[0])

    types = [entry["resource"]["resourceType"] for entry in json.loads(body)["entry"]]
    assert {one: types.count(one) for one in types} == found


def test_an_answer_accepts_the_task(app: Flask, stock: Stock) -> None:
    _status, body = asked(app, BY_NAME["answer"].requests(stock)[0])

    assert json.loads(body)["status"] == "accepted"


def test_naming_measures_brings_their_floors() -> None:
    assert [measure.name for measure in chosen(["read", "create"])] == ["bare", "commit", "read", "create"]
    assert chosen([]) == MEASURES


def test_a_share_is_taken_of_the_floor_of_the_same_rounds() -> None:
    floor, read = Figure(BY_NAME["bare"], "wait"), Figure(BY_NAME["read"], "wait")
    for bare, own in ((400, 100), (200, 100)):
        floor.add(Tally([1000] * bare, 1.0, bare))
        read.add(Tally([4000] * own, 1.0, own))

    assert share(read, floor) == pytest.approx(1 / 3)
    assert spread(read, floor) == (0.25, 0.5)
    document = as_json([floor, read], None, {"rounds": 2})
    said = {name: document["measures"][1][name] for name in ("name", "floor", "requests", "p50_ms", "target")}
    assert said == {"name": "read", "floor": "bare", "requests": 200, "p50_ms": 4.0, "target": 20}
    assert "33.3% (rounds 25.0% to 50.0%, target 20 %)" in "\n".join(lines([floor, read]))


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [([], 50, 0), ([7], 99, 7), ([3, 1, 2], 50, 2), (list(range(1, 101)), 99, 99), (list(range(1, 101)), 0, 1)],
)
def test_a_percentile_is_the_value_at_its_nearest_rank(values: list[int], percent: float, found: int) -> None:
    assert percentile(values, percent) == found


@pytest.mark.parametrize(
    ("part", "drawn"), [(0.0, EMPTY * WIDTH), (1.0, FULL * WIDTH), (2.0, FULL * WIDTH), (0.5, FULL * 15 + EMPTY * 15)]
)
def test_a_bar_is_as_long_as_its_share(part: float, drawn: str) -> None:
    assert bar(part) == drawn


def test_a_bar_marks_its_target() -> None:
    assert bar(0.5, 0.2)[6] == MARK


def test_a_copy_reads_as_what_was_sent_and_is_seen_by_both_sides(migrated: Database) -> None:
    stock = fill(migrated, 4, copies=25)

    with migrated.read() as session:
        tasks = document.batch(session, "Task", after="", limit=1_000)
        copies = [one for one in tasks if one.author_id == stock.hospital and one.id not in dict(stock.tasks)]
        bodies = [json.loads(one.body) for one in copies]
        seen = document.visible_ids(
            session, {tuple(body["focus"]["reference"].split("/")) for body in bodies}, viewer_id=stock.agency
        )

    assert len(copies) == 26
    assert [body["id"] for body in bodies] == [one.id for one in copies]
    assert len(seen) == 26


@pytest.mark.parametrize(
    "words", [["--seconds", "0"], ["--rounds", "0"], ["--referrals", "2"], ["--only", "flight"], ["--audit", "never"]]
)
def test_what_cannot_be_measured_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        arguments_of(words)


def asked(app: Flask, request: Request) -> tuple[int, str]:
    headers = [("Authorization", f"Bearer {request.token}"), *request.headers]
    answer = app.test_client().open(
        request.path, method=request.method, headers=headers, data=request.body or None,
        content_type="application/fhir+json" if request.body else None,
    )  # fmt: skip
    return answer.status_code, answer.get_data(as_text=True)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database that all tests of this module share: each fills in organisations of its own."""
    _config, database = new_database(tmp_path_factory.mktemp("bench"))
    yield database
    database.close()


@pytest.fixture
def app(migrated: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr("exchange.app.DOORS", ("fhir",))
    app = create_app(Config(), migrated)
    yield app
    app.extensions["exchange_audit"].stop()


@pytest.fixture
def stock(migrated: Database) -> Stock:
    return fill(migrated, 4)


@pytest.fixture
def full_stock(migrated: Database) -> Stock:
    return fill(migrated, 24)


@pytest.fixture
def floor_database(tmp_path: Path, migrated: Database) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/floor.db", keys=migrated.keys, clock=migrated.clock)
    yield database
    database.close()


@pytest.fixture
def floor(floor_database: Database) -> Iterator[Flask]:
    app = create_floor(floor_database)
    yield app
    app.extensions["benchmark_writer"].close()
