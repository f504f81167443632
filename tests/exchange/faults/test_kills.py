"""`kill -9` under load, and a worker that slept past its lease: nothing is lost, nothing is half, nothing twice."""

from typing import Final

import pytest
from sqlalchemy import text

from exchange.db import audit
from tests.exchange.faults.checker import kept_in, told_of
from tests.exchange.faults.conftest import NewStreet
from tests.exchange.faults.history import Outcome
from tests.exchange.faults.killing import Killing, finish_telling, let_leases_run_out
from tests.exchange.faults.load import Load
from tests.exchange.faults.servers import Street
from tests.exchange.faults.sink import Sink, letters
from tests.reliability import Reached, sizes

INTEGRITY: Final = text("PRAGMA integrity_check")
#  how many referrals pass for each kill
PER_KILL: Final = 200
FEW: Final = 20


@pytest.mark.invariant(
    "a-killed-process-loses-nothing",
    "After kill -9 under load nothing acknowledged is lost, nothing is half, nothing is told under two ids.",
)
@pytest.mark.parametrize("kills", sizes(2, 50))
def test_what_was_acknowledged_survives_killed_processes(
    new_street: NewStreet, hook: Sink, kills: int, reached: Reached
) -> None:
    """One web server and worker on SQLite, which is what runs there; two of each on PostgreSQL."""
    hook.deliveries.clear()
    with new_street(webs=2, workers=2) as street:
        each = 1 if street.database.is_sqlite else 2
        street.webs, street.workers = street.webs[:each], street.workers[:each]
        street.start(*street.webs, *street.workers)
        load = Load(street.ports, street.parties, kills * (PER_KILL if kills > 2 else FEW))
        killing = Killing(street, load, kills)

        with load.running():
            killing.run()
        for worker in street.workers:
            worker.end()
        held = let_leases_run_out(street)
        finish_telling(street)

        history, kept = load.history, kept_in(street.database)
        told = told_of(kept, [*hook.deliveries, *letters(street.mail)])
        assert history.statuses().keys() <= {0, 200, 503}
        assert (kept.lost(history), kept.denied(history), kept.doubled(), history.contradictions()) == ([], [], [], [])
        assert (kept.half, kept.waiting) == ([], [])
        assert (told.untold, told.not_stored, told.twice) == ([], [], [])
        assert _is_sound(street)
        reached(
            kills=sum(killing.killed.values()),
            of_web=killing.killed["web"],
            referrals=load.referrals,
            acknowledged=len(history.acknowledged()),
            unknown=history.count(Outcome.UNKNOWN),
            stored=len(kept.keys),
            lost=len(kept.lost(history)),
            half=len(kept.half),
            held_by_the_dead=held,
            told_again=told.repeats,
            told_under_another_id=len(told.twice),
        )


def _is_sound(street: Street) -> bool:
    """Return whether the audit verifies, every row of it sealed, and whether an SQLite file is sound."""
    with street.database.read() as session:
        found = audit.verify(session)
        is_whole = not street.database.is_sqlite or session.execute(INTEGRITY).scalar_one() == "ok"
    return (found.broken, found.unsealed, is_whole) == ((), 0, True)
