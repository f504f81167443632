"""What runs out by itself: releases whose last day has passed, and secrets, answers and messages nobody needs any more.

How long what is kept, and why: docs/decisions/0082-what-is-forgotten-and-when.md. Referrals, documents, their history
and the audit are never forgotten here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from exchange.db.client import forget_expired
from exchange.db.link import forget_links
from exchange.db.outbox import DROPPED, PARKED, SENT, forget_messages
from exchange.db.person import forget_old
from exchange.db.release import end_run_out
from exchange.db.repeat import forget_answers
from exchange.db.session import Database

EVERY: Final = timedelta(minutes=10)
FAILURES_KEPT: Final = timedelta(days=1)
SESSIONS_KEPT: Final = timedelta(days=30)
MESSAGES_KEPT: Final = timedelta(days=90)
GIVEN_UP_KEPT: Final = timedelta(days=365)
LINKS_KEPT: Final = timedelta(days=90)
BATCH: Final = 500
#  session, most of them at once → how many there were
Step = Callable[[Session, int], int]


def keep_house(database: Database) -> int:
    """End and forget what has run out, in batches, and return how many releases ended. Safe to run twice."""
    at = database.clock()
    ended = _in_batches(database, lambda session, most: end_run_out(session, at, limit=most))
    with database.write() as session:
        forget_expired(session, at)
        forget_answers(session, at)
        forget_old(session, failures_before=at - FAILURES_KEPT, sessions_before=at - SESSIONS_KEPT)
    _forget(database, (SENT, DROPPED), at - MESSAGES_KEPT)
    _forget(database, (PARKED,), at - GIVEN_UP_KEPT)
    _in_batches(database, lambda session, most: forget_links(session, before=at - LINKS_KEPT, limit=most))
    return ended


def _forget(database: Database, states: tuple[str, ...], before: datetime) -> None:
    _in_batches(database, lambda session, most: forget_messages(session, states, before=before, limit=most))


def _in_batches(database: Database, step: Step) -> int:
    """Run a step, each time in a transaction of its own, until nothing is left; return how many there were."""
    total = 0
    while True:
        with database.write() as session:
            done = step(session, BATCH)
        total += done
        if done == 0:
            return total
