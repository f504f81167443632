"""A worker that stands still past its lease while another takes over: it tells again, but nothing under another id."""

from functools import partial
from typing import Final

import pytest

from exchange.work.relay import LOST
from tests.exchange.faults.checker import kept_in, told_of
from tests.exchange.faults.conftest import NewStreet
from tests.exchange.faults.killing import let_leases_run_out
from tests.exchange.faults.parties import send_here
from tests.exchange.faults.servers import Running, eventually
from tests.exchange.faults.sink import Sink
from tests.reliability import Reached, sizes

REFERRALS: Final = 6


@pytest.mark.invariant(
    "a-worker-that-slept-undoes-nothing",
    "A worker that wakes after its lease was taken over records nothing, and what it sends again bears the same id.",
)
@pytest.mark.parametrize("rounds", sizes(1, 20))
def test_a_worker_that_slept_past_its_lease_undoes_nothing(
    new_street: NewStreet, hook: Sink, rounds: int, reached: Reached
) -> None:
    held = 0
    hook.deliveries.clear()
    with new_street(webs=1, workers=2) as street:
        sleeper, other = street.workers
        street.start(sleeper)
        for number in range(rounds):
            hook.hold()
            arrived = len(hook.deliveries)
            bundles = [street.parties.referral(f"slept-{number}-{one}", "shelter") for one in range(REFERRALS)]
            send_here(street.database, street.parties, *bundles)
            eventually(partial(_has_more, hook, arrived), "nothing was delivered")
            sleeper.pause()
            held += let_leases_run_out(street)
            hook.let_go()
            street.start(other)
            eventually(lambda: not kept_in(street.database).waiting, "the other worker did not take over")
            assert other.end() == 0

            sleeper.go_on()

            eventually(partial(_has_lost, sleeper, held), "the sleeper did not wake")
        assert sleeper.end() == 0
        kept = kept_in(street.database)

    told = told_of(kept, hook.deliveries)
    assert (kept.waiting, told.untold, told.not_stored, told.twice) == ([], [], [], [])
    assert held >= rounds
    assert sleeper.said().count(LOST) == held
    reached(
        rounds=rounds,
        referrals=len(kept.keys),
        taken_over=held,
        told_again=told.repeats,
        told_under_another_id=len(told.twice),
        recorded_by_the_sleeper=held - sleeper.said().count(LOST),
    )


def _has_lost(sleeper: Running, held: int) -> bool:
    return sleeper.said().count(LOST) >= held


def _has_more(hook: Sink, arrived: int) -> bool:
    return len(hook.deliveries) > arrived
