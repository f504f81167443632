"""A worker that stands still past its lease while another takes over: it tells again, but nothing under another id."""

from functools import partial
from typing import Final

import pytest

from exchange.work.relay import LOST
from tests.exchange.faults.checker import kept_in, told_of
from tests.exchange.faults.conftest import NewLine
from tests.exchange.faults.killing import let_leases_run_out
from tests.exchange.faults.servers import Running, Street, eventually
from tests.exchange.faults.sink import Sink
from tests.reliability import Reached, sizes

REFERRALS: Final = 6


@pytest.mark.invariant(
    "a-worker-that-slept-undoes-nothing",
    "A worker that wakes after its lease was taken over records nothing, and what it sends again bears the same id.",
)
@pytest.mark.parametrize("rounds", sizes(1, 20))
def test_a_worker_that_slept_past_its_lease_undoes_nothing(
    two_webs: Street, line: NewLine, hook: Sink, rounds: int, reached: Reached
) -> None:
    hospital, (sleeper, other) = line("hospital"), two_webs.workers
    referrals, held = set(), 0
    two_webs.start(sleeper)
    for number in range(rounds):
        hook.hold()
        for one in range(REFERRALS):
            bundle = two_webs.parties.referral(f"slept-{rounds}-{number}-{one}", "shelter")
            referrals.add(hospital.ask("POST", "", bundle).task.removeprefix("Task/"))
        eventually(lambda: {one.referral_id for one in hook.deliveries} & referrals, "nothing was delivered")
        sleeper.pause()
        held += let_leases_run_out(two_webs)
        hook.let_go()
        two_webs.start(other)
        eventually(lambda: not _waiting(two_webs), "the other worker did not take over")
        assert other.end() == 0

        sleeper.go_on()

        eventually(partial(_has_lost, sleeper, held), "the sleeper did not wake")
    assert sleeper.end() == 0

    kept = kept_in(two_webs.database)
    told = told_of(kept, [one for one in hook.deliveries if one.referral_id in referrals])
    assert kept.waiting == []
    assert (referrals & set(told.untold), told.not_stored, told.twice) == (set(), [], [])
    assert held >= rounds
    assert sleeper.said().count(LOST) == held
    reached(
        rounds=rounds, referrals=len(referrals), taken_over=held, told_again=told.repeats, told_under_another_id=0,
        recorded_by_the_sleeper=0,
    )  # fmt: skip


def _has_lost(sleeper: Running, held: int) -> bool:
    return sleeper.said().count(LOST) >= held


def _waiting(street: Street) -> list[str]:
    return kept_in(street.database).waiting
