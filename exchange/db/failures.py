"""What a database's own failure means to a caller: no room, or not now. Decided by codes, not by words.

Sources: https://www.sqlite.org/rescode.html; PostgreSQL manual, Appendix A (SQLSTATE).
"""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from exchange.domain.errors import Busy, ExchangeError, StorageFull

FULL: Final = "The disk is full: nothing was stored. Try again when there is room."
BUSY: Final = "The database did not answer in time: nothing was stored. Try again."
UNUSABLE: Final = (
    "The database cannot be read or written at this moment: nothing was stored. Tell whoever runs this exchange."
)
#  SQLite says FULL for a full disk only; a quota and the limit of a file's size reach it as a write that failed
_SQLITE_FULL: Final = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE}
)
_SQLITE_UNUSABLE: Final = frozenset(
    {
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_AUTH,
    }
)  # fmt: skip
_DISK_FULL: Final = "53100"
#  io_error, read_only_sql_transaction (a standby after a failover), data_corrupted, index_corrupted
_STATES_UNUSABLE: Final = frozenset({"58030", "25006", "XX001", "XX002"})
#  a deadlock or another writer was first, a lock or a turn took too long, the server goes away or has no room for us
_STATES_BUSY: Final = frozenset({"40001", "40P01", "55P03", "25P03", "57014"})
_CLASSES_BUSY: Final = ("08", "53", "57P")


def refusal_of(failure: DBAPIError | NoFreeConnection) -> ExchangeError | None:
    """Return the refusal that a database's failure is to the caller, None when it is a fault of ours."""
    if isinstance(failure, NoFreeConnection):
        return Busy(BUSY)
    kind = _kind_of(failure)
    if kind is FULL:
        return StorageFull(FULL)
    if kind is not None:
        return Busy(kind)
    if isinstance(failure, OperationalError) or failure.connection_invalidated:
        return Busy(BUSY)
    return None


def _kind_of(failure: DBAPIError) -> str | None:
    """Return the sentence that the code of a failure calls for, None when the code says nothing."""
    code: int | None = getattr(failure.orig, "sqlite_errorcode", None)
    if code is not None:
        if code in _SQLITE_FULL:
            return FULL
        #  the low byte is the primary code, what stands above it makes it more particular
        return UNUSABLE if code & 0xFF in _SQLITE_UNUSABLE else None
    state: str = getattr(failure.orig, "sqlstate", None) or ""
    if state == _DISK_FULL:
        return FULL
    if state in _STATES_UNUSABLE:
        return UNUSABLE
    return BUSY if state in _STATES_BUSY or state.startswith(_CLASSES_BUSY) else None
