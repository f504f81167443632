"""The relay: order per lane, retries, leases that are lost, messages that are given up, and what follows."""

import threading
from datetime import timedelta

import pytest

from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.send_on import send_on
from exchange.db import link, outbox, referral
from exchange.db.webhook import add_webhook, webhooks_of
from exchange.domain.actor import SYSTEM
from exchange.work.channels.parcel import NeverAgain, TryAgain
from exchange.work.relay import Relay
from exchange.work.retries import SCHEDULES
from fhir_mapping.case_data.referral import Reason, Side, Stage


def test_a_message_is_handed_over_once(house, relay, mail, messages):
    house.send()

    assert relay.run() == 1
    assert relay.run() == 0

    assert [parcel.to for parcel in mail.parcels] == ["pantry@example.invalid"]
    assert [(row.state, row.attempts, row.lease) for row in messages()] == [(outbox.SENT, 1, None)]


def test_what_fails_is_tried_again_by_the_schedule_and_not_before(house, relay, mail, messages):
    house.send()
    gaps = SCHEDULES["email"]
    mail.failures = [TryAgain("down")] * (len(gaps) - 1)

    for tries, gap in enumerate(gaps[1:], start=1):
        relay.run()
        assert messages()[0].due_at == house.clock() + timedelta(seconds=gap)
        house.clock.forward(seconds=gap - 1)
        assert relay.run() == 0
        house.clock.forward(seconds=1)
        assert messages()[0].attempts == tries
    relay.run()

    assert messages()[0].state == outbox.SENT
    assert len({parcel.message_id for parcel in mail.parcels}) == 1


def test_an_exhausted_schedule_parks_the_message_and_tells_the_sender(house, relay, mail, messages):
    sent = house.send()
    mail.refuses = {"pantry@example.invalid": TryAgain("down")}

    for gap in SCHEDULES["email"]:
        house.clock.forward(seconds=gap)
        relay.run()

    told, undeliverable = messages()
    assert (told.state, told.attempts) == (outbox.PARKED, len(SCHEDULES["email"]))
    assert (undeliverable.kind, undeliverable.destination) == ("referral.undeliverable", "hospital@example.invalid")
    with house.database.read() as session:
        after = referral.find(session, sent.referral.id, visible_to=SYSTEM)
    assert (after.stage, after.next_step, after.status) == (Stage.UNDELIVERABLE, Side.SENDER, sent.referral.status)


def test_a_refused_recipient_is_given_up_at_once(house, relay, mail, messages):
    house.send()
    mail.failures = [NeverAgain("The mail server refused the recipient (550).")]

    relay.run()

    row = messages()[0]
    assert (row.state, row.attempts, row.last_error) == (
        outbox.PARKED,
        1,
        "The mail server refused the recipient (550).",
    )


def test_a_mail_that_is_given_up_is_not_undeliverable_when_a_webhook_was_told(house, relay, mail, hook, messages):
    with house.database.write() as session:
        add_webhook(session, house.ids["pantry"], "https://pantry.example/hook", "whsec_" + "A" * 32)
    house.send()
    mail.failures = [NeverAgain("no")]

    relay.run()

    assert [(row.channel, row.state) for row in messages()] == [("email", outbox.PARKED), ("webhook", outbox.SENT)]


def test_news_that_is_given_up_changes_nothing(house, relay, mail, messages):
    sent = house.send()
    relay.run()
    _answer(house, sent, "accept")
    mail.failures = [NeverAgain("no")]

    relay.run()

    assert [row.state for row in messages()] == [outbox.SENT, outbox.PARKED]
    with house.database.read() as session:
        assert referral.find(session, sent.referral.id, visible_to=SYSTEM).stage is None


def test_messages_of_one_referral_to_one_place_keep_their_order(house, relay, mail):
    sent = house.send()
    relay.run()
    for verb in ("accept", "start", "complete"):
        _answer(house, sent, verb)
    mail.parcels.clear()
    mail.failures = [TryAgain("down")]
    ids = _waiting_ids(house)

    assert [relay.run(), relay.run()] == [1, 0]
    house.clock.forward(minutes=2)
    while relay.run():
        pass

    assert [parcel.message_id for parcel in mail.parcels] == [ids[0], *ids]


def test_one_place_that_fails_does_not_hold_up_another(house, relay, mail, messages):
    house.join("shelter", kind="agency", email="shelter@example.invalid")
    house.send("pantry")
    house.send("shelter")
    mail.refuses = {"pantry@example.invalid": TryAgain("down")}

    relay.run()

    assert [row.state for row in messages()] == [outbox.WAITING, outbox.SENT]


def test_a_message_that_cannot_be_packed_stops_nobody_and_is_parked_in_the_end(house, mail, messages, caplog):
    poisoned = house.send().referral.id
    house.send()

    def pack(session, message, base_url):
        link.make_link(session, message.referral_id, message.organization_id, house.clock())
        if message.referral_id == poisoned:
            raise RuntimeError("poison")
        return SENDERS[message.kind](session, message, base_url)

    from exchange.work.senders import SENDERS

    relay = Relay(
        house.database, {"email": mail}, "https://x.example", jitter=lambda: 0, senders=dict.fromkeys(SENDERS, pack)
    )
    for gap in SCHEDULES["email"]:
        house.clock.forward(seconds=gap)
        relay.run()

    assert [row.state for row in messages()][:2] == [outbox.PARKED, outbox.SENT]
    assert messages()[0].last_error == "It could not be packed (RuntimeError)."
    assert _links_of(house, poisoned) == 0
    assert "a message could not be packed" in caplog.text


def test_a_channel_that_breaks_in_a_new_way_is_tried_again(house, relay, mail, messages):
    house.send()
    mail.failures = [ZeroDivisionError()]

    relay.run()

    assert (messages()[0].state, messages()[0].last_error) == (
        outbox.WAITING,
        "The channel failed (ZeroDivisionError).",
    )


def test_no_transaction_is_open_while_a_message_is_sent(house, relay, mail):
    house.send()
    wrote = []

    def send(parcel, now):
        with house.database.write():
            wrote.append(parcel.message_id)

    relay.channels["email"] = send
    runner = threading.Thread(target=relay.run)
    runner.start()
    runner.join(10)

    assert len(wrote) == 1


def test_an_outcome_whose_lease_was_lost_is_not_recorded(house, relay, mail, messages, caplog):
    """Another relay took the message over while this one hung: only the new lease may say what became of it."""
    house.send()
    other = []

    def hang(parcel, now):
        house.clock.forward(minutes=10)
        with house.database.write() as session:
            other.extend(outbox.lease(session, house.clock(), limit=5))
        raise NeverAgain("too late")

    relay.channels["email"] = hang
    relay.run()

    row = messages()[0]
    assert (row.state, row.attempts, row.lease) == (outbox.WAITING, other[0].attempts, other[0].lease)
    assert "a lease was lost" in caplog.text
    assert len(messages()) == 1


def test_a_leased_message_is_left_alone_until_its_lease_runs_out(house, relay, mail):
    house.send()
    with house.database.write() as session:
        outbox.lease(session, house.clock(), limit=5, seconds=60)

    assert relay.run() == 0
    house.clock.forward(seconds=60)
    assert relay.run() == 1


class WorkerDied(BaseException):
    """What stands for `os._exit` in a test: nothing in the relay may catch it."""


def test_a_message_that_kills_its_worker_is_tried_alone_and_given_up_in_the_end(house, relay, mail, messages):
    house.join("shelter", kind="agency", email="shelter@example.invalid")
    house.send("pantry")
    house.send("shelter")
    mail.refuses = {"pantry@example.invalid": WorkerDied()}

    for _death in SCHEDULES["email"]:
        with pytest.raises(WorkerDied):
            relay.run()
        house.clock.forward(seconds=180)
    relay.run()
    relay.run()

    assert [row.state for row in messages()][:2] == [outbox.PARKED, outbox.SENT]
    assert messages()[0].last_error == "Its tries ended without an outcome: the worker may have died of it."


def test_a_virtual_time_moves_the_due_times_and_no_stamp(house, relay, mail, messages):
    house.send()
    mail.failures = [TryAgain("down")]
    relay.run()

    assert relay.run(due_by=house.clock() + timedelta(days=1)) == 1

    assert (messages()[0].state, messages()[0].sent_at) == (outbox.SENT, house.clock())


def test_what_was_withdrawn_before_it_was_told_is_not_told(house, relay, mail, messages):
    sent = house.send()
    with house.database.write() as session:
        answer_referral(
            session, house.person("hospital"), sent.referral.id, "cancel", reason=Reason("other", "not needed")
        )

    while relay.run():
        pass

    assert messages()[0].state == outbox.DROPPED
    assert "referral.requested" not in [row.kind for row in messages() if row.state == outbox.SENT]
    assert _links_of(house, sent.referral.id) == 0


def test_a_referral_sent_on_tells_the_second_agency_and_the_first_that_it_is_over(house, relay, mail):
    house.join("shelter", kind="agency", email="shelter@example.invalid")
    sent = house.send()
    relay.run()
    with house.database.write() as session:
        send_on(session, house.person("hospital"), sent.referral.id, house.ids["shelter"])
    mail.parcels.clear()

    while relay.run():
        pass

    assert sorted((parcel.to, parcel.subject) for parcel in mail.parcels) == [
        ("pantry@example.invalid", "A referral was withdrawn"),
        ("shelter@example.invalid", "You have a referral"),
    ]


def test_a_receiver_that_answers_410_is_switched_off(house, relay, hook, messages):
    with house.database.write() as session:
        add_webhook(session, house.ids["hospital"], "https://hospital.example/hook", "whsec_" + "A" * 32)
    sent = house.send()
    _answer(house, sent, "accept")
    hook.failures = [NeverAgain("gone", is_gone=True)]

    while relay.run():
        pass

    with house.database.read() as session:
        assert webhooks_of(session, house.ids["hospital"]) == []
    _answer(house, sent, "start")
    assert [row.channel for row in messages()].count("webhook") == 1


def test_what_still_waits_for_a_webhook_that_is_off_is_dropped(house, relay, hook, messages):
    with house.database.write() as session:
        webhook_id = add_webhook(session, house.ids["pantry"], "https://pantry.example/hook", "whsec_" + "A" * 32)
    house.send()
    with house.database.write() as session:
        from exchange.db.webhook import disable_webhook

        disable_webhook(session, webhook_id, house.clock())

    relay.run()

    assert hook.parcels == []
    assert [row.state for row in messages() if row.channel == "webhook"] == [outbox.DROPPED]


def test_a_parked_message_that_is_replayed_goes_out_in_order(house, relay, mail, messages):
    house.send()
    mail.failures = [NeverAgain("no")]
    relay.run()
    with house.database.write() as session:
        assert outbox.replay(session, outbox.parked_ids(session), house.clock()) == 1

    relay.run()

    assert (messages()[0].state, messages()[0].attempts) == (outbox.SENT, 1)


@pytest.mark.parametrize("count", [1, 20, 45])
def test_a_batch_is_never_larger_than_it_may_be(house, relay, mail, count):
    with house.database.write() as session:
        for number in range(count):
            outbox.put(
                session, kind="user.invited", channel="email", destination=f"{number}@example.invalid",
                now=house.clock(), data={"user": "nobody"},
            )  # fmt: skip

    done = []
    while batch := relay.run():
        done.append(batch)

    assert sum(done) == count
    assert max(done) <= 20


def _answer(house, sent, verb):
    outcome = "Done." if verb == "complete" else None
    with house.database.write() as session:
        answer_referral(session, house.person("pantry"), sent.referral.id, verb, outcome=outcome)


def _waiting_ids(house):
    with house.database.read() as session:
        return [row.id for row in outbox.messages(session, states=[outbox.WAITING])]


def _links_of(house, referral_id):
    from sqlalchemy import func, select

    with house.database.read() as session:
        query = (
            select(func.count()).select_from(link.AnswerLinkRow).where(link.AnswerLinkRow.referral_id == referral_id)
        )
        return session.scalar(query)
