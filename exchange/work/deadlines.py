"""The clocks: whatever is due is reminded of or recorded as unanswered, each in a transaction of its own.

One process at a time winds them, by the lease `deadlines`; every transaction renews it first, so a process that was
asleep and lost it writes nothing.
"""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from exchange.actions.referrals.expire_clock import expire_clock
from exchange.db import referral
from exchange.db.session import Database
from exchange.db.setting import take_lease
from exchange.domain.errors import ExchangeError

LEASE: Final = "deadlines"
HELD: Final = timedelta(seconds=30)
BATCH: Final = 100
PAUSE_SECONDS: Final = 0.1

log = logging.getLogger("exchange.work.deadlines")


def wind_clocks(
    database: Database,
    holder: str,
    *,
    due_by: datetime | None = None,
    struck: set[str],
    patience_seconds: float = 0,
    stop: threading.Event | None = None,
) -> int:
    """Let every due clock strike once and return how many did. `due_by` is the time they are compared with.

    `struck` holds the referrals that had their turn in this pass and gets the new ones: one that fails cannot be met
    again and again, nor hold up those behind it. `patience_seconds` is how long to wait for another process's lease.
    Once `stop` is set no further clock strikes, and the lease is given back.
    """
    strikes, is_held = 0, False
    for referral_id in _due(database, due_by, struck):
        if stop is not None and stop.is_set():
            break
        is_held = is_held or _take(database, holder, patience_seconds)
        if not is_held:
            return 0
        struck.add(referral_id)
        try:
            struck_one = _strike(database, holder, referral_id, due_by)
        except ExchangeError as error:
            #  somebody answered at this moment, or the store is busy: the next pass looks again
            log.warning("a clock could not strike", extra={"referral_id": referral_id, "error": type(error).__name__})
            continue
        except Exception:
            log.exception("a clock could not strike", extra={"referral_id": referral_id})
            continue
        if struck_one is None:
            return strikes
        strikes += struck_one
    if is_held:
        _give_back(database, holder)
    return strikes


def _strike(database: Database, holder: str, referral_id: str, due_by: datetime | None) -> bool | None:
    """Let one clock strike; False when it need not any more, None when the lease was lost."""
    at = database.clock()
    with database.write() as session:
        if not take_lease(session, LEASE, holder, at, at + HELD):
            return None
        return expire_clock(session, referral_id, now=due_by or at) is not None


def _take(database: Database, holder: str, patience_seconds: float) -> bool:
    for _try in range(int(patience_seconds / PAUSE_SECONDS) + 1):
        at = database.clock()
        with database.write() as session:
            if take_lease(session, LEASE, holder, at, at + HELD):
                return True
        time.sleep(PAUSE_SECONDS if patience_seconds else 0)
    return False


def _due(database: Database, due_by: datetime | None, struck: set[str]) -> Iterator[str]:
    """Yield ids of due referrals, batch after batch, leaving out those that had their turn."""
    while True:
        with database.read() as session:
            found = referral.due(session, due_by or database.clock(), limit=BATCH + len(struck))
        fresh = [referral_id for referral_id in found if referral_id not in struck]
        if not fresh:
            return
        yield from fresh


def _give_back(database: Database, holder: str) -> None:
    """Give the lease back, so that another process need not wait until it runs out."""
    at = database.clock()
    with database.write() as session:
        take_lease(session, LEASE, holder, at, at)
