"""A receiver that hangs: deadlines hold, others are told in the same pass, its place is left alone (F18, T25)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exchange import outbound
from exchange.db.outbox import PARKED, SENT, WAITING
from exchange.db.webhook import add_webhook, disable_webhook
from exchange.outbound import outbound_session
from exchange.work import relay as relays
from exchange.work.channels import email, webhook
from exchange.work.channels.email import email_channel
from exchange.work.channels.parcel import Parcel, TryAgain
from exchange.work.channels.webhook import webhook_channel
from exchange.work.relay import AT_ONCE, BATCH, LEASE_SECONDS, Relay
from exchange.work.retries import HUNG_SECONDS, RESTS, SCHEDULES
from tests.exchange.faults import hung_server as modes
from tests.exchange.faults.hung_server import hung_server
from tests.exchange.faults.virtual_time import BASE_URL, Sink, outbox_rows, run_until
from tests.reliability import Reached

SECRET = "whsec_" + "A" * 32
NOW = datetime(2026, 6, 1, 15, tzinfo=UTC)
#  a deadline that does not hold is seen by this, whatever else the machine does
FAR_TOO_LONG = 60
#  what each way of hanging is recorded as; a body is not read, so one without end hangs nobody
HOOKS = {
    modes.silent: (WAITING, "The receiver could not be reached (ReadTimeout)."),
    modes.half_open: (WAITING, "The receiver could not be reached (ReadTimeout)."),
    modes.dripping: (WAITING, None),
    modes.endless_headers: (WAITING, "The receiver could not be reached (ConnectionError)."),
    modes.hanging_up: (WAITING, None),
    modes.huge_answer: (SENT, None),
}
MAILS = {
    modes.silent: "The mail server could not be reached (SMTPServerDisconnected).",
    #  the letters that came before the cut are read as a code
    modes.dripping_greeting: "The mail server did not let us in (222).",
    modes.endless_lines: "The mail server could not be reached (SMTPServerDisconnected).",
}


@pytest.mark.invariant(
    "hung-receiver-holds-up-nobody",
    "Whatever a receiver does on the wire (silence, drips, headers without end, a huge answer), its try ends by a "
    "deadline and all others are told in the same pass.",
)
def test_however_a_webhook_hangs_the_others_are_told_in_the_same_pass(
    house: Any, short_deadlines: None, reached: Reached
) -> None:
    mail, found = Sink(), {}

    for mode in HOOKS:
        with hung_server(mode) as port:
            hook = webhook_channel(outbound_session([f"127.0.0.1:{port}"]))
            relay = Relay(house.database, {"email": mail, "webhook": hook}, BASE_URL, jitter=lambda: 0.0)
            with house.database.write() as session:
                webhook_id = add_webhook(session, house.ids["pantry"], f"http://127.0.0.1:{port}/hook", SECRET)
            sent = house.send()
            assert in_time(relay.run) == 2
        (row,) = [one for one in outbox_rows(house.database) if one.destination == webhook_id]
        found[mode] = row.state, row.last_error
        with house.database.write() as session:
            disable_webhook(session, webhook_id, house.clock())
        assert SENT in {one.state for one in outbox_rows(house.database) if one.referral_id == sent.referral.id}

    assert {mode: state for mode, (state, _error) in found.items()} == {mode: HOOKS[mode][0] for mode in HOOKS}
    for mode, (state, error) in found.items():
        assert HOOKS[mode][1] in (None, error)
        assert (error is None) == (state == SENT)
        assert error is None or error.startswith("The ")
    assert len(mail.taken) == len(HOOKS)
    reached(ways_of_hanging=len(HOOKS), others_told_in_the_same_pass=len(mail.taken))


@pytest.mark.parametrize("mode", MAILS, ids=lambda mode: mode.__name__)
def test_however_a_mail_server_hangs_the_webhooks_are_told_in_the_same_pass(
    mode: Callable[..., None], house: Any, short_deadlines: None
) -> None:
    """A talk has a deadline of its own: a server that greets without end satisfies the deadline of every step."""
    hook = Sink()
    with hung_server(mode) as port:
        mail = email_channel(f"smtp://127.0.0.1:{port}", "Exchange <no-reply@exchange.example>")
        relay = Relay(house.database, {"email": mail, "webhook": hook}, BASE_URL, jitter=lambda: 0.0)
        with house.database.write() as session:
            add_webhook(session, house.ids["pantry"], "https://pantry.example/hook", SECRET)
        house.send()

        assert in_time(relay.run) == 2

    mailed, hooked = outbox_rows(house.database)
    assert (mailed.state, hooked.state, len(hook.taken)) == (WAITING, SENT, 1)
    assert mailed.last_error == MAILS[mode]


def test_a_host_with_many_addresses_has_one_deadline_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []
    seconds = iter(range(0, 1_000, 5))
    monkeypatch.setattr(outbound.time, "monotonic", lambda: next(seconds))

    def connect(_address: Any, timeout: float) -> None:
        tried.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(outbound.socket, "create_connection", connect)
    session = outbound_session([], resolve=lambda _host, _port: [f"93.184.216.{number}" for number in range(100)])

    with pytest.raises(TryAgain, match=r"The receiver could not be reached \(ConnectionError\)\."):
        webhook._status_of(session, Parcel("1", "https://many.example/", "{}", secret=SECRET), NOW)

    assert tried == [5.0, 2.0]


def test_a_batch_that_hangs_whole_ends_within_its_lease() -> None:
    longest = max(outbound.ALL_CONNECT_SECONDS + outbound.LONGEST_SECONDS, email.SECONDS + email.LONGEST_SECONDS)

    assert -(-BATCH // AT_ONCE) * longest < LEASE_SECONDS


def test_a_place_that_hung_is_left_alone_and_costs_the_others_one_wait(house: Any, slow: Any) -> None:
    """Sixteen referrals wait for a place that hangs: it is tried a few times in ten minutes, not by each."""
    with house.database.write() as session:
        add_webhook(session, house.ids["pantry"], "https://pantry.example/hook", SECRET)
    sent = [house.send() for _each in range(16)]
    mail, hook = Sink(), Sink(fails=lambda _parcel, _now: slow.hangs())
    relay = Relay(house.database, {"email": mail, "webhook": hook}, BASE_URL, jitter=lambda: 0.0, timer=slow)

    run_until(house.database, house.clock, relay, house.clock() + timedelta(seconds=RESTS["webhook"] - 1))

    assert len(mail.taken) == len(sent)
    assert 1 <= hook.tries <= AT_ONCE
    waiting = [row for row in outbox_rows(house.database) if row.channel == "webhook"]
    assert sum(row.attempts for row in waiting) == hook.tries
    assert {row.state for row in waiting} == {WAITING}

    hook.fails = lambda _parcel, _now: None
    run_until(house.database, house.clock, relay, house.clock() + timedelta(minutes=15))
    assert {row.state for row in outbox_rows(house.database)} == {SENT}


def test_the_first_message_of_each_place_goes_before_the_second_of_any(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six wait for one place, and behind them in the same batch one for another: it is not the seventh."""
    for label in ("pantry", "other"):
        with house.database.write() as session:
            add_webhook(session, house.ids[label], f"https://{label}.example/hook", SECRET)
    for label in ["pantry"] * 6 + ["other"]:
        house.send(label)
    told: list[str] = []
    channels = {"email": Sink(), "webhook": lambda parcel, _now: told.append(parcel.to)}
    monkeypatch.setattr(relays, "AT_ONCE", 1)

    Relay(house.database, channels, BASE_URL).run()

    assert told[:2] == ["https://pantry.example/hook", "https://other.example/hook"]


def test_a_failure_that_came_at_once_lets_no_place_rest(house: Any, slow: Any) -> None:
    """The complement: who refuses is not hung, and each message keeps its own schedule."""
    for _each in range(5):
        house.send()
    mail = Sink(fails=lambda _parcel, _now: TryAgain("The mail server refused the recipient (450)."))
    relay = Relay(house.database, {"email": mail}, BASE_URL, jitter=lambda: 0.0, timer=slow)

    relay.run()

    assert mail.tries == 5
    assert relay.resting == {}
    assert {row.due_at for row in outbox_rows(house.database)} == {house.clock() + timedelta(seconds=60)}


def test_a_place_that_hangs_to_the_end_is_given_up_like_any_other(
    house: Any, slow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCHEDULES, "webhook", (0, 5, 300))  # type: ignore[arg-type]  # a shorter schedule will do
    with house.database.write() as session:
        add_webhook(session, house.ids["pantry"], "https://pantry.example/hook", SECRET)
    for _each in range(9):
        house.send()
    hook = Sink(fails=lambda _parcel, _now: slow.hangs())
    relay = Relay(house.database, {"email": Sink(), "webhook": hook}, BASE_URL, jitter=lambda: 0.0, timer=slow)

    run_until(house.database, house.clock, relay, house.clock() + timedelta(days=1))

    given_up = [row for row in outbox_rows(house.database) if row.channel == "webhook"]
    assert {(row.state, row.attempts, row.last_error) for row in given_up} == {(PARKED, 3, "It hung.")}


def in_time(act: Callable[[], int]) -> int:
    """Return what an act returned; fail when it does not end."""
    found: list[int] = []
    runner = threading.Thread(target=lambda: found.append(act()), daemon=True)
    runner.start()
    runner.join(FAR_TOO_LONG)
    assert not runner.is_alive(), "a deadline did not hold"
    return found[0]


@dataclass
class Slow:
    """A timer that stands, but for a try that hangs."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at

    def hangs(self) -> TryAgain:
        """Let time pass as a try does that hangs, and return its failure."""
        self.at += HUNG_SECONDS
        return TryAgain("It hung.")


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadlines of the channels, a hundredth as long."""
    monkeypatch.setattr(webhook, "TIMEOUTS", (0.2, 0.3))
    monkeypatch.setattr(outbound, "LONGEST_SECONDS", 0.5)
    monkeypatch.setattr(email, "SECONDS", 0.3)
    monkeypatch.setattr(email, "LONGEST_SECONDS", 0.5)
