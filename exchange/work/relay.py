"""The relay: lease (commit), send with no transaction open, record (commit). At least once, in order per lane.

A message is packed in the transaction that leases it, so that a secret made for it is stored before it leaves. What
fails is recorded, never raised: one message cannot stop the others. A place that hangs is left alone for a while.
"""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from exchange.actions.referrals.mark_undeliverable import mark_undeliverable
from exchange.db import outbox
from exchange.db.outbox import Message
from exchange.db.session import Database
from exchange.db.webhook import disable_webhook
from exchange.domain.errors import ExchangeError
from exchange.domain.events import MessageKind
from exchange.work.channels.parcel import Channel, NeverAgain, Parcel, TryAgain
from exchange.work.retries import HUNG_SECONDS, RESTS, SCHEDULES, wait_before_next
from exchange.work.senders import SENDERS, Sender

BATCH: Final = 20
#  as many at once as keep a batch of hung receivers (30 s each) within its lease
AT_ONCE: Final = 8
LEASE_SECONDS: Final = 180
#  when these cannot be told, the receiver knows nothing of the referral: its sender must
TELLS_OF_A_REFERRAL: Final = frozenset({MessageKind.NEW_REFERRAL, MessageKind.NEW_OPEN_REFERRAL, MessageKind.REMINDER})
LOST: Final = "a lease was lost: another relay has this message"
NO_LONGER: Final = "It must no longer be told: what it tells of has changed or ended."

log = logging.getLogger("exchange.work.relay")


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has taken it over."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """It was not begun: the worker is being stopped. The next one takes it at once."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """It must no longer be told."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """The place it goes to has just hung: it was not tried."""

    until: datetime


Outcome = Sent | Dropped | GivenBack | Postponed | TryAgain | NeverAgain


@dataclass(frozen=True, slots=True)
class Relay:
    """Hands over what is due. `jitter` returns a number from 0 to 1, `base_url` is the portal's address.

    `timer` returns seconds, to see how long a try took; `resting` is until when each place that hung is left alone.
    """

    database: Database
    channels: Mapping[str, Channel]
    base_url: str
    jitter: Callable[[], float] = random.random
    senders: Mapping[MessageKind, Sender] = field(default_factory=lambda: SENDERS)
    timer: Callable[[], float] = time.monotonic
    resting: dict[str, datetime] = field(default_factory=dict)

    def run(self, *, due_by: datetime | None = None, batch: int = BATCH, stop: threading.Event | None = None) -> int:
        """Hand over one batch and return how many messages it held; 0 when nothing is due.

        `due_by` moves only the comparison with the due times (the demo's virtual time); nothing rests then. Once `stop`
        is set, what is in flight is finished and the rest of the batch is given back.
        """
        database = self.database
        if due_by is not None:
            self.resting.clear()
        with database.read() as session:
            if not outbox.is_due(session, database.clock(), due_by=due_by):
                return 0
        with database.write(takes_turn=False) as session:
            leased = outbox.lease(session, database.clock(), limit=batch, seconds=LEASE_SECONDS, due_by=due_by)
            packed = [(message, self._pack(session, message)) for message in leased]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="relay") as pool:
            outcomes = list(pool.map(lambda one: self._send(one, stop), _in_turns(packed)))
        self._record(outcomes)
        return len(outcomes)

    def _pack(self, session: Session, message: Message) -> Parcel | Outcome:
        """Return what to send. A message that cannot be packed leaves nothing half written behind."""
        if message.attempts >= len(SCHEDULES[message.channel]):
            return NeverAgain("Its tries ended without an outcome: the worker may have died of it.")
        try:
            with session.begin_nested():
                return self.senders[MessageKind(message.kind)](session, message, self.base_url) or Dropped()
        except Exception as error:
            log.exception("a message could not be packed", extra=_named(message))
            return TryAgain(f"It could not be packed ({type(error).__name__}).")

    def _send(self, packed: tuple[Message, Parcel | Outcome], stop: threading.Event | None) -> tuple[Message, Outcome]:
        """Send one parcel, in a thread of its own; no transaction is open."""
        message, parcel = packed
        if not isinstance(parcel, Parcel):
            return message, parcel
        if stop is not None and stop.is_set():
            return message, GivenBack()
        until = self.resting.get(_place(message))
        if until is not None and until > self.database.clock():
            return message, Postponed(until)
        began = self.timer()
        try:
            self.channels[message.channel](parcel, self.database.clock())
        except (TryAgain, NeverAgain) as failure:
            if self.timer() - began >= HUNG_SECONDS:
                self._let_rest(message)
            return message, failure
        except Exception as error:
            log.exception("a channel failed in a way it does not know", extra=_named(message))
            return message, TryAgain(f"The channel failed ({type(error).__name__}).")
        log.info("a message was handed over", extra=_named(message))
        return message, Sent()

    def _let_rest(self, message: Message) -> None:
        """Leave the place of a message alone for a while."""
        self.resting[_place(message)] = self.database.clock() + timedelta(seconds=RESTS[message.channel])
        log.warning("a place hung and is left alone for a while", extra=_named(message))

    def _record(self, outcomes: Iterable[tuple[Message, Outcome]]) -> None:
        """Record every outcome; what is given up has consequences, each in a transaction of its own."""
        given_up: list[tuple[Message, Outcome]] = []
        with self.database.write() as session:
            at = self.database.clock()
            for message, outcome in outcomes:
                wait = self._wait(message, outcome)
                match outcome:
                    case Sent():
                        is_kept = outbox.record_sent(session, message, at)
                    case GivenBack():
                        is_kept = outbox.give_back(session, message)
                    case Dropped():
                        is_kept = outbox.record_dropped(session, message, NO_LONGER)
                    case Postponed():
                        is_kept = outbox.record_postponed(session, message, outcome.until)
                    case TryAgain() if wait is not None:
                        is_kept = outbox.record_retry(session, message, at + wait, str(outcome))
                    case _:
                        given_up.append((message, outcome))
                        continue
                if not is_kept:
                    log.warning(LOST, extra=_named(message))
        for message, outcome in given_up:
            self._give_up(message, outcome)

    def _wait(self, message: Message, outcome: Outcome) -> timedelta | None:
        """Return how long to wait before the next try, None when there is none."""
        if not isinstance(outcome, TryAgain):
            return None
        tries = message.attempts + 1
        return wait_before_next(message.channel, tries, jitter=self.jitter(), asked_seconds=outcome.after_seconds)

    def _give_up(self, message: Message, outcome: Outcome) -> None:
        """Park a message, and let the sender of the referral know when its receiver was told by no other way."""
        is_gone = isinstance(outcome, NeverAgain) and outcome.is_gone
        with self.database.write() as session:
            if not outbox.record_parked(session, message, str(outcome)):
                log.warning(LOST, extra=_named(message))
                return
            if is_gone and message.channel == "webhook":
                disable_webhook(session, message.destination, self.database.clock())
        log.warning("a message was given up", extra=_named(message))
        if message.kind not in TELLS_OF_A_REFERRAL or message.referral_id is None:
            return
        try:
            with self.database.write() as session:
                if not outbox.is_told_otherwise(session, message):
                    mark_undeliverable(session, message.referral_id)
        except ExchangeError:
            #  the referral moved at this moment, or the store is busy: its own clock still runs
            log.exception("a referral was not marked as undeliverable", extra=_named(message))


def _place(message: Message) -> str:
    """Return what hangs when a message hangs: a webhook alone, but the mail server for every mail."""
    return message.destination if message.channel == "webhook" else message.channel


def _in_turns(packed: Iterable[tuple[Message, Parcel | Outcome]]) -> list[tuple[Message, Parcel | Outcome]]:
    """Return a batch so that each place has its first message tried before any has its second."""
    before = Counter[str]()
    turns = []
    for message, parcel in packed:
        turns.append((before[_place(message)], (message, parcel)))
        before[_place(message)] += 1
    return [pair for _turn, pair in sorted(turns, key=lambda one: one[0])]


def _named(message: Message) -> dict[str, object]:
    """Return what a log may say of a message."""
    return {
        "message_id": message.id,
        "kind": message.kind,
        "channel": message.channel,
        "referral_id": message.referral_id,
        "attempts": message.attempts + 1,
        "request_id": message.data.get("request_id"),
    }
