"""PostgreSQL is stopped, and its processes are killed, under load: 503 until it is back, and nothing acknowledged lost.

Our own processes are not restarted: what they hold of dead connections must heal by itself.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from exchange.app import system_clock
from exchange.db.session import Database
from exchange.db.upgrade import upgrade
from tests.databases import only_on_postgres
from tests.exchange.conftest import KEYS
from tests.exchange.faults.checker import kept_in, told_of
from tests.exchange.faults.history import Outcome
from tests.exchange.faults.killing import finish_telling, let_leases_run_out
from tests.exchange.faults.load import Load
from tests.exchange.faults.own_postgres import OwnPostgres, own_postgres
from tests.exchange.faults.servers import Street, eventually, street
from tests.exchange.faults.sink import Sink, letters
from tests.exchange.faults.visitor import Visitor
from tests.reliability import Reached, sizes

Fault = Callable[[OwnPostgres], None]
SENDERS: Final = 6
#  how many are acknowledged before the next fault
BETWEEN: Final = 15


def _restart(how: str) -> Fault:
    def fault(postgres: OwnPostgres) -> None:
        postgres.stop(how)
        postgres.start()

    return fault


def _kill_first(postgres: OwnPostgres) -> None:
    postgres.kill()
    postgres.start()


FAULTS: Final[tuple[tuple[str, Fault], ...]] = (
    ("a backend killed", OwnPostgres.kill_backend),
    ("restarted immediate", _restart("immediate")),
    ("killed", _kill_first),
    ("restarted fast", _restart("fast")),
)


@only_on_postgres
@pytest.mark.invariant(
    "a-restart-of-postgresql-loses-nothing",
    "PostgreSQL restarted or killed under load: 503 until it is back, nothing acknowledged lost, all heals by itself.",
)
@pytest.mark.parametrize("faults", sizes(2, 20))
def test_what_was_acknowledged_survives_a_postgresql_that_dies(
    served_by_own: tuple[OwnPostgres, Street], hook: Sink, faults: int, reached: Reached
) -> None:
    postgres, street = served_by_own
    load = Load(street.ports, street.parties, 1_000_000)
    history, slowest = load.history, 0.0

    visitor = Visitor(street.ports[0], street.parties.tokens["hospital"])
    with visitor.knocking(), load.running(SENDERS):
        for number in range(faults):
            _go_on(load)
            FAULTS[number % len(FAULTS)][1](postgres)
            back = time.monotonic()
            _go_on(load, 1)
            slowest = max(slowest, time.monotonic() - back)
        _go_on(load)
        load.stop()
    assert street.workers[0].end() == 0
    held = let_leases_run_out(street)
    finish_telling(street)

    kept = kept_in(street.database)
    told = told_of(kept, [*hook.deliveries, *letters(street.mail)])
    assert history.statuses().keys() <= {200, 503}, history.unanswered()
    assert (visitor.faults(), visitor.rude) == ({}, set())
    assert (kept.lost(history), kept.denied(history), kept.doubled(), history.contradictions()) == ([], [], [], [])
    assert (kept.half, kept.waiting) == ([], [])
    assert (told.untold, told.not_stored, told.twice) == ([], [], [])
    reached(
        faults=faults,
        acknowledged=len(history.acknowledged()),
        refused=history.count(Outcome.FAIL),
        refused_at_other_doors=visitor.refused(),
        unknown=history.count(Outcome.UNKNOWN),
        lost=len(kept.lost(history)),
        half=len(kept.half),
        other_failures_than_503=len(visitor.faults()),
        held_leases=held,
        told_again=told.repeats,
        slowest_seconds_until_served_again=f"{slowest:.1f}",
    )


def _go_on(load: Load, more: int = BETWEEN) -> None:
    """Wait until so many more referrals were acknowledged."""
    before = load.history.count(Outcome.OK)
    eventually(lambda: load.history.count(Outcome.OK) >= before + more, f"no more answers: {load.history.statuses()}")


@pytest.fixture
def served_by_own(tmp_path: Path, hook: Sink) -> Iterator[tuple[OwnPostgres, Street]]:
    """A web server and a worker over a PostgreSQL server of their own."""
    with own_postgres() as postgres:
        database = Database(postgres.url, keys=KEYS, clock=system_clock)
        upgrade(database)
        database.close()
        with street(postgres.url, tmp_path, webs=1, allowed=hook.address) as made:
            made.start(*made.webs, *made.workers)
            hook.deliveries.clear()
            yield postgres, made
