"""What runs out by itself: releases whose last day has passed, and secrets and answers nobody can use any more."""

from datetime import timedelta
from typing import Final

from exchange.db.client import forget_expired
from exchange.db.person import forget_old
from exchange.db.release import end_run_out
from exchange.db.repeat import forget_answers
from exchange.db.session import Database

EVERY: Final = timedelta(minutes=10)
FAILURES_KEPT: Final = timedelta(days=1)
SESSIONS_KEPT: Final = timedelta(days=30)
BATCH: Final = 500


def keep_house(database: Database) -> int:
    """End what has run out, in batches, and return how many releases ended. Safe to run twice, by anybody."""
    ended = 0
    while True:
        at = database.clock()
        with database.write() as session:
            done = end_run_out(session, at, limit=BATCH)
        ended += done
        if done < BATCH:
            break
    with database.write() as session:
        forget_expired(session, at)
        forget_answers(session, at)
        forget_old(session, failures_before=at - FAILURES_KEPT, sessions_before=at - SESSIONS_KEPT)
    return ended
