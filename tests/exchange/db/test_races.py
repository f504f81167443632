"""Of two at once one wins and the other is told so; the same on both databases."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest
from sqlalchemy import func, select

from exchange.db import audit, referral
from exchange.db.client import ClientRow, use_assertion
from exchange.db.outbox import SENT, Message, MessageRow, lease, put
from exchange.db.setting import take_lease
from exchange.domain.actor import SYSTEM
from exchange.domain.errors import Conflict, IllegalTransition
from exchange.domain.events import MessageKind
from exchange.work.audit_sealer import seal_audit
from exchange.work.channels.parcel import Parcel
from exchange.work.relay import Relay
from fhir_mapping.case_data.referral import ReferralStatus
from tests.databases import only_on_postgres
from tests.exchange.actions.parties import answer
from tests.exchange.db.at_once import ROUNDS, at_once

KIND: Final = MessageKind.LINK_CODE


def test_of_an_acceptance_and_a_rejection_at_once_one_wins(house: Any) -> None:
    for _round in range(ROUNDS):
        sent, pantry = house.send(), house.person("pantry")

        came = at_once(*(partial(answer, house, pantry, sent, verb) for verb in ("accept", "reject")))

        winners = [one for one in came if not isinstance(one, Exception)]
        assert [type(one) for one in came if isinstance(one, Exception)] in ([Conflict], [IllegalTransition])
        with house.database.read() as session:
            after = referral.find(session, sent.referral.id, visible_to=SYSTEM)
        assert [one.status for one in winners] == [after.status]
        assert after.status in (ReferralStatus.ACCEPTED, ReferralStatus.REJECTED)
        assert after.version == sent.referral.version + 1


def test_a_decision_on_what_was_read_before_another_is_refused(house: Any) -> None:
    """The compare-and-set holds by itself, also for who has not locked the referral."""
    sent = house.send()
    with house.database.read() as session:
        before = referral.find(session, sent.referral.id, visible_to=SYSTEM)
    answer(house, house.person("pantry"), sent, "accept")

    with house.database.write() as session, pytest.raises(Conflict, match="read it again"):
        referral.save(session, replace(before, version=before.version + 1))


def test_an_assertion_that_comes_twice_at_once_is_used_once(house: Any) -> None:
    with house.database.write() as session:
        session.add(
            ClientRow(id="c", organization_id=house.ids["hospital"], name="EHR", scope="", registered_at=house.clock())
        )

    def use(jti: str) -> bool:
        with house.database.write(takes_turn=False) as session:
            return use_assertion(session, "c", jti, house.clock() + timedelta(minutes=5))

    for number in range(ROUNDS):
        assert sorted(at_once(*[partial(use, f"jti-{number}")] * 4)) == [False, False, False, True]


@pytest.mark.invariant("lease-of-one", "A lease that two processes want at once is given to one.")
def test_a_lease_that_two_want_at_once_is_given_to_one(house: Any) -> None:
    until = house.clock() + timedelta(seconds=30)

    def take(name: str, holder: str) -> bool:
        with house.database.write() as session:
            return take_lease(session, name, holder, house.clock(), until)

    for number in range(ROUNDS):
        assert sorted(at_once(*(partial(take, f"chore-{number}", holder) for holder in "ab"))) == [False, True]


@pytest.mark.invariant(
    "audit-sealed-once", "Two sealers at once put each audit row into one block, and the chain holds."
)
def test_two_sealers_at_once_seal_each_row_once(house: Any) -> None:
    for _round in range(ROUNDS // 4):
        house.send()
        at_once(*(partial(seal_audit, house.database, holder) for holder in "ab"))

    with house.database.read() as session:
        found = audit.verify(session)
    assert (found.broken, found.unsealed) == ((), 0)
    assert found.blocks >= ROUNDS // 4


@pytest.mark.invariant("outbox-order-in-a-lane", "Relays at once tell each message once, in the order of its place.")
def test_relays_at_once_tell_each_message_once_and_in_the_order_of_its_place(house: Any) -> None:
    said: list[tuple[str, str]] = []

    def pack(_session: Any, message: Message, _base_url: str) -> Parcel:
        return Parcel(message.id, message.destination, "")

    relay = Relay(
        house.database,
        {"email": lambda parcel, _now: said.append((parcel.to, parcel.message_id))},
        "https://exchange.example",
        senders={KIND: pack},
    )
    written = put_messages(house, 60, places=7)

    while any(at_once(*[partial(relay.run, batch=5)] * 3)):
        pass

    assert sorted(said) == sorted(written)
    for place in {place for place, _id in written}:
        assert [one for one in said if one[0] == place] == [one for one in written if one[0] == place]
    with house.database.read() as session:
        states = session.execute(select(MessageRow.state, func.count()).group_by(MessageRow.state)).all()
    assert [tuple(row) for row in states] == [(SENT, 60)]


@pytest.mark.invariant(
    "outbox-skip-locked", "A relay passes over what another one holds and waits for nobody (SKIP LOCKED)."
)
@only_on_postgres
def test_a_relay_passes_over_what_another_holds_and_waits_for_nobody(house: Any) -> None:
    put_messages(house, 4, places=4)

    with house.database.write(takes_turn=False) as one, house.database.write(takes_turn=False) as other:
        first = lease(one, house.clock(), limit=2)
        second = lease(other, house.clock(), limit=4)

    assert (len(first), len(second)) == (2, 2)
    assert {message.id for message in first}.isdisjoint(message.id for message in second)


def put_messages(house: Any, count: int, *, places: int) -> list[tuple[str, str]]:
    """Write messages to some places in turn and return (place, id) of each."""
    written = []
    with house.database.write() as session:
        for number in range(count):
            place = f"{number % places}@example.invalid"
            message_id = put(session, kind=KIND, channel="email", destination=place, now=house.clock())
            session.flush()
            written.append((place, message_id))
    return written
