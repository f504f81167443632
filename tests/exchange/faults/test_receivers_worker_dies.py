"""The worker dies at any point of telling, or a message kills it: all is told again under the same id (F04, F07)."""

import subprocess
import sys
from datetime import timedelta
from itertools import product
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest

from exchange.db import outbox
from exchange.db.outbox import PARKED, SENT
from exchange.db.webhook import add_webhook
from exchange.work.relay import LEASE_SECONDS, Relay
from exchange.work.retries import SCHEDULES
from tests.exchange.faults.dying_worker import DIED
from tests.exchange.faults.virtual_time import (
    BASE_URL,
    LEASE,
    RESTART,
    SentAndDied,
    Sink,
    WorkerDied,
    out_of_order,
    outbox_rows,
    run_until,
)
from tests.reliability import ROOT, Reached, sizes

SECRET = "whsec_" + "A" * 32
PLACES = ("leased", "sent", "recording")
LONG = timedelta(days=30)


@pytest.mark.invariant(
    "relay-killed-loses-nothing",
    "A relay that ends after its lease, after sending or before recording loses nothing: all is told, repeats bear the "
    "same id, and nothing is told that was not committed.",
)
@pytest.mark.parametrize("rounds", sizes(6, 300))
def test_a_relay_that_ends_at_any_point_tells_everything(
    rounds: int, house: Any, monkeypatch: pytest.MonkeyPatch, reached: Reached
) -> None:
    mail, deaths = Sink(), 0
    relay = Relay(house.database, {"email": mail}, BASE_URL, jitter=lambda: 0.0)

    for number in range(rounds):
        house.send()
        mail.fails, has_died = dies_once(PLACES[number % 3])
        with monkeypatch.context() as patch:
            if PLACES[number % 3] == "recording":
                patch.setattr(outbox, "record_sent", ends_the_worker)
                with pytest.raises(WorkerDied):
                    relay.run()
                deaths += 1
        deaths += run_until(house.database, house.clock, relay, house.clock() + 2 * LEASE)
        assert has_died() or PLACES[number % 3] == "recording"

    rows, taken = outbox_rows(house.database), [parcel.message_id for _at, parcel in mail.taken]
    assert deaths == rounds
    assert {row.state for row in rows} == {SENT}
    assert set(taken) == {row.id for row in rows}
    assert len(rows) == rounds
    #  twice where the worker ended after the sending, once where it ended before
    assert len(taken) == rounds + sum(PLACES[number % 3] != "leased" for number in range(rounds))
    reached(deaths=deaths, messages=len(rows), lost=0, told_again_with_the_same_id=len(taken) - len(rows))


@pytest.mark.invariant(
    "worker-process-killed-loses-nothing",
    "A worker process that really ends (os._exit) while it tells loses nothing and tells again under the same id.",
)
@pytest.mark.parametrize("rounds", sizes(1, 30))
def test_a_worker_process_that_ends_tells_everything_in_the_end(
    rounds: int, house: Any, tmp_path: Path, reached: Reached
) -> None:
    spool, mail = tmp_path / "spool", Sink()
    relay = Relay(house.database, {"email": mail}, BASE_URL, jitter=lambda: 0.0)
    for number in range(rounds):
        for _each in range(3):
            house.send()

        assert run_worker(house, spool, PLACES[(number + 1) % 3]) == DIED
        run_until(house.database, house.clock, relay, house.clock() + 4 * LEASE)

    ids = {row.id for row in outbox_rows(house.database)}
    before = spool.read_text().split() if spool.exists() else []
    after = [parcel.message_id for _at, parcel in mail.taken]
    assert {row.state for row in outbox_rows(house.database)} == {SENT}
    assert set(before) <= ids == set(after)
    assert len(after) == 3 * rounds
    reached(deaths=rounds, messages=len(ids), lost=0, told_again_with_the_same_id=len(set(before)))


@pytest.mark.invariant(
    "poison-is-parked",
    "Where 1 % of all messages break their channel or kill the worker, the others are told in order, late by a lease "
    "and the restarts at most, and every poisonous one is parked with its reason.",
)
@pytest.mark.parametrize("messages", sizes(200, 3_000))
def test_poison_is_parked_and_holds_up_nobody(messages: int, house: Any, reached: Reached) -> None:
    lanes = lanes_of(house, messages)
    written, deadly, breaking = put(house, lanes, messages), set[str](), set[str]()
    for number in range(50, messages, 100):
        (deadly if number % 200 == 50 else breaking).add(written[number])
    hook = Sink()
    hook.fails = lambda parcel, _now: (
        WorkerDied() if parcel.message_id in deadly
        else ZeroDivisionError() if parcel.message_id in breaking else None
    )  # fmt: skip
    relay = Relay(house.database, {"email": Sink(), "webhook": hook}, BASE_URL, jitter=lambda: 0.0)
    began = house.clock()

    deaths = run_until(house.database, house.clock, relay, began + LONG)

    rows = [row for row in outbox_rows(house.database) if row.id in set(written)]
    poison = deadly | breaking
    assert {row.id for row in rows if row.state == PARKED} == poison
    assert {row.last_error for row in rows if row.id in breaking} == {"The channel failed (ZeroDivisionError)."}
    assert {row.last_error for row in rows if row.id in deadly} == {
        "Its tries ended without an outcome: the worker may have died of it."
    }
    assert deaths == len(deadly) * len(SCHEDULES["webhook"])
    taken = [parcel.message_id for _at, parcel in hook.taken]
    assert set(taken) == set(written) - poison
    assert out_of_order(rows, hook.first(), taken) == []
    poisoned_lanes = {row.lane for row in rows if row.id in poison}
    others = [row.id for row in rows if row.lane not in poisoned_lanes]
    delays = sorted((hook.first()[one] - began).total_seconds() for one in others)
    assert delays[-1] <= LEASE_SECONDS + 2 * len(deadly) * RESTART.total_seconds()
    p95 = quantiles(delays, n=20)[-1]
    reached(
        messages=messages, poisonous=len(poison), parked=len(poison), deaths=deaths, out_of_order=0,
        others_delayed_p95_seconds=int(p95), others_delayed_at_most_seconds=int(delays[-1]),
    )  # fmt: skip


def dies_once(place: str) -> tuple[Any, Any]:
    """Return what ends the worker at the first try, before or after the effect, and whether it has."""
    died: list[str] = []

    def fails(parcel: Any, _now: Any) -> BaseException | None:
        if died or place == "recording":
            return None
        died.append(parcel.message_id)
        return WorkerDied() if place == "leased" else SentAndDied()

    return fails, lambda: bool(died)


def ends_the_worker(*_arguments: Any) -> bool:
    raise WorkerDied


def run_worker(house: Any, spool: Path, place: str) -> int:
    """Run a worker that dies, and return its status."""
    url = house.database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.exchange.faults.dying_worker", url, house.clock().isoformat(), str(spool)]
    return subprocess.run([*command, place], cwd=ROOT, timeout=120).returncode


def lanes_of(house: Any, messages: int) -> list[tuple[str, str]]:
    """Return a lane for every ten messages: a webhook and a referral."""
    with house.database.write() as session:
        hospital = house.ids["hospital"]
        hooks = [add_webhook(session, hospital, f"https://ehr.example/{number}", SECRET) for number in range(5)]
    referrals = [house.send().referral.id for _each in range(messages // 50)]
    return list(product(hooks, referrals))


def put(house: Any, lanes: list[tuple[str, str]], messages: int) -> list[str]:
    """Write so many messages into the lanes by turns, and return their ids in order."""
    with house.database.write() as session:
        return [
            outbox.put(
                session, kind="referral.changed", channel="webhook", destination=webhook_id, now=house.clock(),
                organization_id=house.ids["hospital"], referral_id=referral_id,
            )
            for webhook_id, referral_id in (lanes[number % len(lanes)] for number in range(messages))
        ]  # fmt: skip
