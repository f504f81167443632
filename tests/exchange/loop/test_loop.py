"""The loop under whatever anybody does, in any order: what must hold, holds after every step."""

from collections import Counter
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import get_state_machine_test

from tests.exchange.loop.machine import Loop
from tests.reliability import Reached, sizes

SEEDS = (1, 2, 3)


@pytest.mark.invariant(
    "loop-in-any-order",
    "Whatever is done to a referral in whatever order, with crashes and repeats, each step leaves the house whole.",
)
@pytest.mark.parametrize("runs", sizes(10, 90))
def test_the_loop_holds_whatever_is_done_in_whatever_order(
    empty_house: Any, app: Flask, runs: int, reached: Reached
) -> None:
    tally: Counter[str] = Counter()
    seeds, steps = ((None,), 20) if runs == 10 else (SEEDS, 50)

    for number in seeds:
        test = get_state_machine_test(
            lambda: Loop(empty_house, app, tally),  # type: ignore[arg-type,return-value]
            settings=settings(
                max_examples=runs // len(seeds), stateful_step_count=steps, deadline=None, database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
        (test if number is None else seed(number)(test))()

    assert tally["runs"] >= runs
    assert min(tally[name] for name in ("acts", "refused", "crashes", "referrals")) > 0
    reached(runs=tally["runs"], steps_each=steps, seeds=len(seeds), acts=tally["acts"], refused=tally["refused"],
            crashes=tally["crashes"], referrals=tally["referrals"], clocks_struck=tally["struck"],
            repeats_by_key=tally["repeats by key"])  # fmt: skip
