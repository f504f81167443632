"""Days of telling in a moment: the real relay, a clock that jumps to what is due next, and sinks that can be down."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select

from exchange.db.outbox import WAITING, MessageRow
from exchange.db.session import Database
from exchange.work.channels.parcel import Parcel, TryAgain
from exchange.work.relay import LEASE_SECONDS, Relay
from tests.exchange.conftest import CANARY

BASE_URL: Final = "https://exchange.example"
LEASE: Final = timedelta(seconds=LEASE_SECONDS)
#  a worker that ended is started again by `serve`
RESTART: Final = timedelta(seconds=3)


class WorkerDied(BaseException):
    """What stands for the end of a worker's process: nothing in the relay may catch it."""

    was_taken = False


class SentAndDied(WorkerDied):
    """The receiver has it, and then the worker ended."""

    was_taken = True


@dataclass
class Sink:
    """A channel that keeps what it takes over, with the time. `fails` says what goes wrong, if anything does.

    It is strict: an id, an aware time and no word about the person, or the test fails.
    """

    fails: Callable[[Parcel, datetime], BaseException | None] = lambda _parcel, _now: None
    taken: list[tuple[datetime, Parcel]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    tries: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def __call__(self, parcel: Parcel, now: datetime) -> None:
        with self._lock:
            self.tries += 1
            if not parcel.message_id or now.tzinfo is None or CANARY.family in parcel.body + parcel.subject:
                self.broken.append(parcel.message_id)
            failure = self.fails(parcel, now)
            if failure is None or getattr(failure, "was_taken", False):
                self.taken.append((now, parcel))
        if failure is not None:
            raise failure

    def first(self) -> dict[str, datetime]:
        """Return when each message was taken over first."""
        found: dict[str, datetime] = {}
        for at, parcel in self.taken:
            found.setdefault(parcel.message_id, at)
        return found


class AnswerLost(TryAgain):
    """The receiver has taken it over, and its answer did not arrive."""

    was_taken = True


def unreliable(share: float, seed: int, order: dict[str, int]) -> Callable[[Parcel, datetime], BaseException | None]:
    """Return faults for a share of all tries, half of them after the effect; the same in every run, in any thread."""
    tries: dict[str, int] = {}

    def fails(parcel: Parcel, _now: datetime) -> BaseException | None:
        number = tries[parcel.message_id] = tries.get(parcel.message_id, 0) + 1
        luck = random.Random(f"{seed} {order[parcel.message_id]} {number}").random()
        if luck >= share:
            return None
        if luck < share / 2:
            return AnswerLost("The answer was lost.")
        return TryAgain("The receiver answered 503.") if luck < share * 0.9 else ConnectionResetError()

    return fails


def run_until(database: Database, clock: Any, relay: Relay, end: datetime, *, step: timedelta = timedelta(0)) -> int:
    """Relay everything that falls due until a time, and return how often the worker died.

    The worker looks again when something falls due, but not before a `step` has passed.
    """
    deaths = 0
    while True:
        try:
            while relay.run():
                pass
        except WorkerDied:
            deaths += 1
            clock.at += RESTART
            continue
        next_at = due_next(database, clock.at)
        if next_at is None or next_at > end:
            clock.at = max(end, clock.at)
            return deaths
        clock.at = max(next_at, clock.at + step)


def due_next(database: Database, now: datetime) -> datetime | None:
    """Return when something falls due next, or a lease runs out; None when nothing waits."""
    with database.read() as session:
        later = select(func.min(MessageRow.due_at)).where(MessageRow.state == WAITING, MessageRow.due_at > now)
        leased = select(func.min(MessageRow.leased_until)).where(
            MessageRow.state == WAITING, MessageRow.leased_until > now
        )
        times = [time for time in (session.scalar(later), session.scalar(leased)) if time is not None]
    return min(times, default=None)


def outbox_rows(database: Database) -> list[MessageRow]:
    """Return the whole outbox, oldest first."""
    with database.read() as session:
        return list(session.scalars(select(MessageRow).order_by(MessageRow.sequence)))


def out_of_order(rows: list[MessageRow], first: dict[str, datetime], taken: list[str]) -> list[str]:
    """Return the lanes whose messages were first taken over in another order than they were written in."""
    place = {message_id: number for number, message_id in reversed(list(enumerate(taken)))}
    lanes: dict[str, list[int]] = {}
    for row in rows:
        if row.id in first:
            lanes.setdefault(row.lane, []).append(place[row.id])
    return [lane for lane, places in lanes.items() if places != sorted(places)]
