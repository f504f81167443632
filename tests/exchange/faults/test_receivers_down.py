"""Receivers that are down for days of virtual time, or fail at random: nothing is lost, nothing overtakes (F05)."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import accumulate, product
from typing import Any

import pytest
from click.testing import CliRunner

from exchange.cli.house import House as Operator
from exchange.cli.outbox import outbox as outbox_command
from exchange.config import Config
from exchange.db import outbox, referral
from exchange.db.outbox import PARKED, SENT
from exchange.db.webhook import add_webhook
from exchange.domain.actor import SYSTEM
from exchange.work.channels.parcel import TryAgain
from exchange.work.relay import Relay
from exchange.work.retries import SCHEDULES
from fhir_mapping.case_data.referral import Side, Stage
from tests.exchange.actions.parties import answer
from tests.exchange.faults.virtual_time import (
    BASE_URL,
    Sink,
    out_of_order,
    outbox_rows,
    run_until,
    unreliable,
)
from tests.reliability import Reached, sizes

SECRET = "whsec_" + "A" * 32
DOWN = {"up": 0, "an_hour": 1, "a_day": 24, "three_days": 72, "four_days": 96}
LONG = timedelta(days=30)


@pytest.mark.invariant(
    "receiver-down-for-days",
    "A receiver down for 72 hours gets all of it, in order, at its next scheduled try; what outlasts the schedule is "
    "parked, listed, and goes out in order by a replay.",
)
@pytest.mark.parametrize("referrals", sizes(1, 30))
def test_receivers_that_are_down_for_days_get_everything_in_order(
    referrals: int, house: Any, hospitals: dict[str, str], reached: Reached
) -> None:
    began, mail, hook = house.clock(), Sink(), Sink()
    hook.fails = is_down(house, hospitals, began)
    relay = Relay(house.database, {"email": mail, "webhook": hook}, BASE_URL, jitter=lambda: 0.0)
    for label in DOWN:
        house.ids["hospital"] = hospitals[label]
        for _each in range(referrals):
            sent = house.send()
            for verb in ("accept", "start", "complete"):
                answer(house, house.person("pantry"), sent, verb, outcome="Done." if verb == "complete" else None)

    run_until(house.database, house.clock, relay, began + timedelta(hours=96))
    listed = json.loads(operate(house, "list", "--state", PARKED, "--limit", "10000", "--json"))["messages"]
    replayed = json.loads(operate(house, "replay", "--all", "--json"))["replayed"] if listed else 0
    run_until(house.database, house.clock, relay, began + LONG)

    rows, first = outbox_rows(house.database), hook.first()
    by_hospital = {label: [row for row in rows if row.organization_id == hospitals[label]] for label in DOWN}
    hooks = {label: [row for row in found if row.channel == "webhook"] for label, found in by_hospital.items()}
    assert {label: len(found) for label, found in hooks.items()} == dict.fromkeys(DOWN, 3 * referrals)
    assert all(row.state == SENT for found in hooks.values() for row in found)
    for label in ("up", "an_hour", "a_day", "three_days"):
        assert {first[row.id] for row in hooks[label]} == {next_try(began, hours=DOWN[label])}, label
    #  of each lane the oldest was given up when its schedule ended, and is the first again after the replay
    assert {(row["organization_id"], row["state"]) for row in listed} == {(hospitals["four_days"], PARKED)}
    assert {row["last_error"] for row in listed} == {"The receiver answered 503."}
    assert len(listed) == replayed == referrals
    assert out_of_order(rows, first, [parcel.message_id for _at, parcel in hook.taken]) == []
    assert len(hook.taken) == len(first)
    assert (hook.broken, mail.broken) == ([], [])
    assert {row.state for row in rows if row.channel == "email"} == {SENT, outbox.DROPPED}
    reached(messages=len(first), delivered=len(hook.taken), parked_and_replayed=replayed, out_of_order=0, lost=0)


def test_an_agency_whose_mail_is_down_too_long_is_told_of_to_the_sender_and_can_still_be_told(house: Any) -> None:
    began, mail = house.clock(), Sink()
    mail.fails = lambda parcel, now: (
        TryAgain("The mail server refused the recipient (450).")
        if parcel.to == "pantry@example.invalid" and now < began + timedelta(hours=24)
        else None
    )
    relay = Relay(house.database, {"email": mail}, BASE_URL, jitter=lambda: 0.0)
    sent = house.send()

    run_until(house.database, house.clock, relay, began + timedelta(hours=24))

    given_up_at = began + timedelta(seconds=sum(SCHEDULES["email"]))
    assert [(parcel.to, at) for at, parcel in mail.taken] == [("hospital@example.invalid", given_up_at)]
    with house.database.read() as session:
        after = referral.find(session, sent.referral.id, visible_to=SYSTEM)
    assert (after.stage, after.next_step, after.status) == (Stage.UNDELIVERABLE, Side.SENDER, sent.referral.status)
    lines = operate(house, "list").splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(
        f"by email, tries: {len(SCHEDULES['email'])}. The mail server refused the recipient (450)."
    )
    operate(house, "replay", "--all")
    run_until(house.database, house.clock, relay, began + LONG)
    assert [parcel.to for _at, parcel in mail.taken] == ["hospital@example.invalid", "pantry@example.invalid"]


@pytest.mark.invariant(
    "told-at-least-once-in-order",
    "Of events whose receiver fails 30 % of all tries, each is delivered, first deliveries are in order per referral, "
    "and a duplicate bears the same id.",
)
@pytest.mark.parametrize("events", sizes(200, 10_000))
def test_a_receiver_that_fails_at_random_is_told_everything_in_order(events: int, house: Any, reached: Reached) -> None:
    referrals = [house.send().referral.id for _each in range(max(4, events // 100))]
    mail, order, hospital = Sink(), {}, house.ids["hospital"]
    with house.database.write() as session:
        hooks = [add_webhook(session, hospital, f"https://ehr.example/{number}", SECRET) for number in range(5)]
        lanes = list(product(hooks, referrals))
        for number in range(events):
            webhook_id, referral_id = lanes[number % len(lanes)]
            message_id = outbox.put(
                session, kind="referral.changed", channel="webhook", destination=webhook_id, now=house.clock(),
                organization_id=hospital, referral_id=referral_id,
            )  # fmt: skip
            order[message_id] = number
    hook = Sink(unreliable(0.3, 20261124, order))
    relay = Relay(house.database, {"email": mail, "webhook": hook}, BASE_URL, jitter=lambda: 0.5)

    run_until(house.database, house.clock, relay, house.clock() + LONG, step=timedelta(minutes=1))

    rows = [row for row in outbox_rows(house.database) if row.id in order]
    taken = [parcel.message_id for _at, parcel in hook.taken]
    assert [row.id for row in rows if row.state != SENT] == []
    assert set(taken) == set(order)
    assert out_of_order(rows, hook.first(), taken) == []
    assert hook.tries > events * 1.3
    assert events * 0.1 < len(taken) - len(set(taken)) < events * 0.3
    assert hook.broken == []
    reached(events=events, delivered=len(set(taken)), tries=hook.tries, duplicates=len(taken) - events, out_of_order=0)


def is_down(house: Any, hospitals: dict[str, str], began: datetime) -> Callable[..., TryAgain | None]:
    """Return what makes the webhook of each hospital fail until it is up again."""
    returns = {f"https://{label}.example/hook": began + timedelta(hours=hours) for label, hours in DOWN.items()}
    return lambda parcel, now: TryAgain("The receiver answered 503.") if now < returns[parcel.to] else None


def next_try(began: datetime, *, hours: int) -> datetime:
    """Return the first try by the schedule that is not before so many hours."""
    tries = (began + timedelta(seconds=after) for after in accumulate(SCHEDULES["webhook"]))
    return next(at for at in tries if at >= began + timedelta(hours=hours))


def operate(house: Any, *arguments: str) -> str:
    operator: Any = Operator(Config())
    operator.database, operator.now = house.database, house.clock
    result = CliRunner().invoke(outbox_command, arguments, obj=operator)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def hospitals(house: Any) -> dict[str, str]:
    """A hospital for each length of time, with a webhook of its own."""
    found = {}
    for label in DOWN:
        found[label] = house.join(
            label,
            kind="hospital",
            email=f"{label}@example.invalid",
            phone="217-555-0100",
            network_id=house.ids["network"],
        )
        with house.database.write() as session:
            add_webhook(session, found[label], f"https://{label}.example/hook", SECRET)
    return found
