"""The sealer: unsealed audit rows go into a block, by one process at a time."""

from datetime import timedelta
from typing import Final

from exchange.db import audit
from exchange.db.session import Database
from exchange.db.setting import take_lease

LEASE: Final = "audit-sealer"
HELD: Final = timedelta(seconds=30)
BATCH: Final = 5_000


def seal_audit(database: Database, holder: str) -> int:
    """Seal what is unsealed and return how many rows that was; each block takes the lease in its own transaction."""
    sealed = 0
    while True:
        with database.read() as session:
            if audit.oldest_unsealed(session) is None:
                return sealed
        at = database.clock()
        with database.write() as session:
            if not take_lease(session, LEASE, holder, at, at + HELD):
                return sealed
            done = audit.seal(session, at, limit=BATCH)
            take_lease(session, LEASE, holder, at, at)
        sealed += done
        if done < BATCH:
            return sealed
