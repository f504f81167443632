"""The worker: clocks, messages, sealing and housekeeping in one pass, alone or beside others."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from exchange.db import audit, referral, timeline
from exchange.db.link import AnswerLinkRow, make_link
from exchange.db.outbox import MessageRow
from exchange.db.repeat import FirstAnswer, first_answer, keep_answer
from exchange.db.setting import LeaseRow, take_lease
from exchange.domain.actor import SYSTEM
from exchange.work import deadlines, housekeeping, worker
from exchange.work.audit_sealer import seal_audit
from exchange.work.deadlines import wind_clocks
from exchange.work.housekeeping import keep_house
from exchange.work.relay import AT_ONCE, Relay
from exchange.work.worker import Worker, holder_name
from fhir_mapping.case_data.referral import Side, Stage


@pytest.fixture
def working(house, relay):
    return Worker(house.database, relay)


def test_silence_is_reminded_of_then_recorded_and_each_side_is_told(house, working, mail):
    sent = house.send()
    working.run_once()
    mail.parcels.clear()

    told = []
    for moment in (sent.referral.remind_at, sent.referral.due_at):
        house.clock.at = moment - timedelta(seconds=1)
        assert working.run_once().clocks == 0
        house.clock.at = moment
        assert working.run_once().clocks == 1
        told.append([(parcel.to, parcel.subject) for parcel in mail.parcels])
        mail.parcels.clear()

    assert told == [
        [("pantry@example.invalid", "Reminder: a referral waits for your answer")],
        [("hospital@example.invalid", "Nobody answered a referral")],
    ]
    after = _find(house, sent)
    assert (after.stage, after.next_step, after.status.value) == (Stage.NO_ANSWER, Side.SENDER, "requested")


def test_a_virtual_time_moves_only_the_comparison(house, working, mail):
    """The demo's `worker --once --now`: the clocks strike, every stamp stays real, and each strikes once in a pass."""
    sent = house.send()

    tally = working.run_once(sent.referral.due_at + timedelta(days=40))

    with house.database.read() as session:
        lines = timeline.timeline(session, [sent.referral.id])
    assert tally.clocks == 1
    assert lines[-1].kind == "no-answer"
    assert {line.at for line in lines} == {house.clock()}


def test_one_clock_that_fails_does_not_hold_up_the_others(house, working, monkeypatch, caplog):
    poisoned, healthy = house.send(), house.send()
    strike = deadlines.expire_clock

    def fail(session, referral_id, *, now):
        if referral_id == poisoned.referral.id:
            raise RuntimeError("poison")
        return strike(session, referral_id, now=now)

    monkeypatch.setattr(deadlines, "expire_clock", fail)
    monkeypatch.setattr(deadlines, "BATCH", 1)
    house.clock.at = healthy.referral.due_at

    assert working.run_once().clocks == 1

    assert (_find(house, healthy).stage, _find(house, poisoned).stage) == (Stage.NO_ANSWER, None)
    errors = [record.referral_id for record in caplog.records if record.levelname == "ERROR"]
    assert errors == [poisoned.referral.id]


def test_two_workers_do_not_wind_the_same_clocks(house):
    sent = house.send()
    house.clock.at = sent.referral.due_at
    with house.database.write() as session:
        assert take_lease(session, "deadlines", "other", house.clock(), house.clock() + timedelta(seconds=30))

    assert wind_clocks(house.database, "me", struck=set()) == 0
    house.clock.forward(seconds=30)
    assert wind_clocks(house.database, "me", struck=set()) == 1


def test_a_lease_that_was_lost_between_two_clocks_stops_the_pass(house, monkeypatch):
    """A worker that was asleep (SIGSTOP) past its lease writes nothing more: the other one does."""
    sent = [house.send() for _ in range(3)]
    house.clock.at = sent[0].referral.due_at
    strike = deadlines.expire_clock

    def fall_asleep(session, referral_id, *, now):
        done = strike(session, referral_id, now=now)
        house.clock.forward(minutes=5)
        take_lease(session, "deadlines", "other", house.clock(), house.clock() + timedelta(minutes=5))
        return done

    monkeypatch.setattr(deadlines, "expire_clock", fall_asleep)

    assert wind_clocks(house.database, "me", struck=set()) == 1


def test_the_lease_is_given_back_after_a_pass(house):
    sent = house.send()
    house.clock.at = sent.referral.due_at

    wind_clocks(house.database, "me", struck=set())

    with house.database.write() as session:
        assert take_lease(session, "deadlines", "other", house.clock(), house.clock())


def test_a_single_pass_waits_for_another_worker_to_finish(house, monkeypatch):
    sent = house.send()
    house.clock.at = sent.referral.due_at
    with house.database.write() as session:
        take_lease(session, "deadlines", "other", house.clock(), house.clock() + timedelta(seconds=30))
    monkeypatch.setattr(deadlines.time, "sleep", lambda _seconds: house.clock.forward(seconds=11))

    assert wind_clocks(house.database, "me", struck=set(), patience_seconds=1) == 1


def test_the_audit_is_sealed_and_holds(house, working):
    house.send()

    sealed = working.run_once().sealed

    with house.database.read() as session:
        found = audit.verify(session)
    assert sealed > 0
    assert (found.broken, found.unsealed, found.rows) == ((), 0, sealed)


def test_one_sealer_at_a_time(house):
    house.send()
    with house.database.write() as session:
        take_lease(session, "audit-sealer", "other", house.clock(), house.clock() + timedelta(seconds=30))

    assert seal_audit(house.database, "me") == 0
    house.clock.forward(seconds=30)
    assert seal_audit(house.database, "me") > 0
    assert seal_audit(house.database, "me") == 0


def test_what_has_run_out_is_forgotten_and_what_has_not_stays(house):
    at = house.clock()
    hospital = house.ids["hospital"]
    with house.database.write() as session:
        keep_answer(session, hospital, "key", FirstAnswer("h", 201, None, None, b"{}"), at)

    keep_house(house.database)
    with house.database.read() as session:
        assert first_answer(session, hospital, "key", at) is not None
    house.clock.forward(hours=25)
    keep_house(house.database)

    with house.database.read() as session:
        assert first_answer(session, hospital, "key", at) is None


@pytest.mark.parametrize(
    ("state", "days"), [("sent", 90), ("dropped", 90), ("parked", 365), ("waiting", None)], ids=str
)
def test_messages_are_kept_as_long_as_somebody_may_ask_and_no_longer(house, monkeypatch, state, days):
    """Those that wait are never forgotten; what is forgotten goes in batches, so that nobody waits for it."""
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    for _each in range(5):
        house.send()
    with house.database.write() as session:
        session.execute(update(MessageRow).values(state=state))

    house.clock.forward(days=days or 3_000)
    keep_house(house.database)
    kept = _count(house, MessageRow)
    house.clock.forward(seconds=1)
    keep_house(house.database)

    assert kept == 5
    assert _count(house, MessageRow) == (0 if days else 5)


def test_links_are_forgotten_a_while_after_they_ran_out(house, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    sent = house.send()
    with house.database.write() as session:
        for _each in range(5):
            make_link(session, sent.referral.id, house.ids["pantry"], house.clock())

    house.clock.forward(days=14 + 90)
    keep_house(house.database)
    kept = _count(house, AnswerLinkRow)
    house.clock.forward(seconds=1)
    keep_house(house.database)

    assert (kept, _count(house, AnswerLinkRow)) == (5, 0)


def test_a_chore_that_fails_leaves_the_others_their_turn(house, working, monkeypatch, caplog):
    house.send()
    monkeypatch.setattr(worker, "wind_clocks", lambda *_arguments, **_named: 1 / 0)

    tally = working.run_once()

    assert (tally.messages, tally.failed >= 1, tally.sealed > 0) == (1, True, True)
    assert "a chore of the worker failed" in caplog.text


def test_a_worker_stops_when_it_is_told_to(house, working, mail):
    house.send()
    stop = threading.Event()
    runner = threading.Thread(target=working.run, args=(stop,), kwargs={"idle_seconds": 0.01})
    runner.start()
    for _look in range(500):
        if mail.parcels:
            break
        stop.wait(0.01)
    stop.set()
    runner.join(10)

    assert not runner.is_alive()
    assert len(mail.parcels) == 1


@pytest.mark.invariant(
    "a-stop-gives-back", "A worker that is stopped finishes what is in flight, gives back the rest, and holds no lease."
)
def test_a_worker_that_is_stopped_finishes_what_is_in_flight_and_gives_back_the_rest(house, mail, hook, reached):
    """The next worker takes over at once, and no message has lost a try."""
    for _each in range(20):
        house.send()
    stop, begun = threading.Event(), threading.Barrier(AT_ONCE + 1)

    def slow(parcel, now):
        begun.wait(20)
        stop.wait(20)
        mail(parcel, now)

    working = Worker(house.database, Relay(house.database, {"email": slow, "webhook": hook}, "https://x.example"))
    runner = threading.Thread(target=working.run, args=(stop,))
    runner.start()
    begun.wait(20)
    stop.set()
    runner.join(20)

    with house.database.read() as session:
        rows = session.execute(select(MessageRow.state, MessageRow.lease, MessageRow.attempts)).all()
        held = [row for row in session.scalars(select(LeaseRow)) if row.until and row.until > house.clock()]
    assert not runner.is_alive()
    assert Counter(rows) == {("sent", None, 1): AT_ONCE, ("waiting", None, 0): 20 - AT_ONCE}
    assert held == []
    follower = Worker(house.database, Relay(house.database, {"email": mail, "webhook": hook}, "https://x.example"))
    assert follower.run_once().messages == 20 - AT_ONCE
    assert len({parcel.message_id for parcel in mail.parcels}) == len(mail.parcels) == 20
    reached(messages=20, in_flight=AT_ONCE, given_back=20 - AT_ONCE, told_twice=0)


def test_no_clock_strikes_once_a_worker_is_being_stopped_and_the_lease_is_given_back(house, monkeypatch):
    sent = [house.send() for _ in range(3)]
    house.clock.at = sent[0].referral.due_at
    stop, strike = threading.Event(), deadlines.expire_clock

    def strike_and_stop(session, referral_id, *, now):
        stop.set()
        return strike(session, referral_id, now=now)

    monkeypatch.setattr(deadlines, "expire_clock", strike_and_stop)

    assert wind_clocks(house.database, "me", struck=set(), stop=stop) == 1
    with house.database.write() as session:
        assert take_lease(session, "deadlines", "other", house.clock(), house.clock())


def test_each_worker_has_a_name_of_its_own_that_fits():
    assert holder_name() != holder_name()
    assert len(holder_name()) <= 60


def _find(house, sent):
    with house.database.read() as session:
        return referral.find(session, sent.referral.id, visible_to=SYSTEM)


def _count(house, row):
    with house.database.read() as session:
        return session.scalar(select(func.count()).select_from(row))
