"""Where the time of one kind of request goes: cProfile over the same application, in this process, without a server."""

import cProfile
import json
import pstats
import tempfile
import time
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from flask.testing import FlaskClient

from exchange.app import create_app
from tests.benchmarks.load import Request
from tests.benchmarks.measures import HOUSE, Measure
from tests.benchmarks.servers import ROOT, new_database
from tests.benchmarks.stock import fill

WARM = 30
SHOWN = 45


class Row(NamedTuple):
    """One function of a profile: microseconds and calls of one request."""

    own: float
    whole: float
    calls: float
    place: str


def profile(measure: Measure, count: int) -> list[str]:
    """Return lines: processor time per request without the profiler, then what took it, by own and by whole time.

    `count` requests are run twice, first without the profiler. It makes calls dearer: read its order, not its times.
    Only time on the processor counts, and of all requests the quickest twentieth, so that a machine with other work
    gives the same picture. Waiting for the disk is left out, and so, in the profile, is the thread of the audit.
    """
    assert measure.server == HOUSE
    with tempfile.TemporaryDirectory(prefix="exchange-profile-") as folder:
        config, database = new_database(Path(folder))
        app = create_app(config, database)
        requests = measure.requests(fill(database, max(100, 2 * (2 * count + WARM)) if measure.once else 100))
        rounds = iter(requests * (1 if measure.once else -(-(2 * count + WARM) // len(requests))))
        client = app.test_client()
        for _ in range(WARM):
            _ask(client, next(rounds), measure.expects)
        each = sorted(_processor_time(client, next(rounds), measure) for _ in range(count))[count // 20] * 1e6
        profiler = cProfile.Profile(time.thread_time)
        profiler.enable()
        for _ in range(count):
            _ask(client, next(rounds), measure.expects)
        profiler.disable()
        app.extensions["exchange_audit"].stop()
        database.close()
    return [f"{measure.title}: {each:.0f} µs of processor time a request, at best", *_table(profiler, count)]


def _processor_time(client: FlaskClient, request: Request, measure: Measure) -> float:
    """Return the seconds of processor time, of all threads, that one request took."""
    began = time.process_time()
    _ask(client, request, measure.expects)
    return time.process_time() - began


def _ask(client: FlaskClient, request: Request, expects: int) -> None:
    headers = [("Authorization", f"Bearer {request.token}"), *request.headers]
    kind = "application/fhir+json" if request.body else None
    answer = client.open(
        request.path, method=request.method, headers=headers, data=request.body or None, content_type=kind
    )
    if answer.status_code != expects:
        raise AssertionError(f"{request.method} was answered {answer.status_code}: {json.dumps(answer.text[:300])}")


def _table(profiler: cProfile.Profile, count: int) -> list[str]:
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    rows = [
        Row(own / count * 1e6, whole / count * 1e6, calls / count, _place(*where))
        for where, (_primitive, calls, own, whole, _callers) in stats.items()
    ]
    statements = sum(row.calls for row in rows if "<method 'execute" in row.place and "sqlite3" in row.place)
    lines = [f"{statements:.0f} SQL statements a request, BEGIN included"]
    for title in ("own", "whole"):
        lines += ["", f"By {title} time, µs a request under the profiler", f"{'own':>8} {'whole':>8} {'calls':>7}"]
        longest = sorted(rows, key=attrgetter(title), reverse=True)[:SHOWN]
        lines += [f"{row.own:8.0f} {row.whole:8.0f} {row.calls:7.1f}  {row.place}" for row in longest]
    return lines


def _place(file: str, line: int, function: str) -> str:
    path = file.removeprefix(f"{ROOT}/").partition("site-packages/")[2] or file.removeprefix(f"{ROOT}/")
    return f"{path}:{line} {function}" if line else function
