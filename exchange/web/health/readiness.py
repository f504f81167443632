"""Whether requests can be served, and what an operator should look at before they cannot."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from exchange.db.audit import oldest_unsealed
from exchange.db.base import microseconds
from exchange.db.outbox import is_due
from exchange.db.session import Database
from exchange.db.upgrade import is_behind
from exchange.domain.errors import ExchangeError

UNSEALED_SECONDS: Final = 60
#  a worker looks twice a second; a message that it does not take up for so long means that there is none
LATE: Final = timedelta(minutes=5)
LEAST_ROOM: Final = 64_000_000
LITTLE_ROOM: Final = 1_000_000_000


@dataclass(slots=True)
class Readiness:
    """`reasons` not to send requests here, and `warnings`; both are sentences without a number of anybody's."""

    reasons: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def readiness(database: Database, now: datetime) -> Readiness:
    """Return what stands in the way. Mail that waits does not: people and programs are served all the same."""
    found = Readiness()
    room = database.free_bytes()
    if room is not None and room < LEAST_ROOM:
        found.reasons.append("The disk is full.")
    elif room is not None and room < LITTLE_ROOM:
        found.warnings.append("The disk is nearly full.")
    try:
        with database.read() as session:
            if is_behind(session):
                found.reasons.append("The tables are older than this release: run `exchange db upgrade`.")
                return found
            oldest, is_late = oldest_unsealed(session), is_due(session, now, due_by=now - LATE)
    except ExchangeError:
        found.reasons.append("The database does not answer.")
        return found
    if oldest is not None and microseconds(now) - oldest > UNSEALED_SECONDS * 1_000_000:
        found.reasons.append("The audit is not sealed in time: is a worker running?")
    if is_late:
        found.warnings.append("Messages are due and nobody hands them over: is a worker running?")
    return found
