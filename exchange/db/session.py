"""Where transactions come from: one writer and many readers, the same way on both databases.

SQLite: WAL, synchronous=FULL, one writing connection (BEGIN IMMEDIATE) under a process mutex; readers are query_only.
PostgreSQL: writers are READ COMMITTED and take their turn at the row of `write_order`, so that what one has looked at
still holds when it commits; readers are REPEATABLE READ and READ ONLY (docs/decisions/0008-one-writer-on-both.md).
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, bindparam, create_engine, event, make_url, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from exchange.db.base import microseconds
from exchange.db.failures import BUSY, refusal_of
from exchange.db.sealing import KeyRing
from exchange.db.setting import write_order
from exchange.domain.errors import Busy

#  built once: every write runs both
_COMMITTED = select(write_order.c.stamp)
_LAST_STAMP = _COMMITTED.with_for_update()
_NEXT_STAMP = update(write_order).values(stamp=bindparam("next_stamp"))
Clock = Callable[[], datetime]
BUSY_TIMEOUT_MS = 10_000
#  a writer that went away must not keep the others waiting for its turn
IDLE_TIMEOUT_MS = 60_000
_WRITES = (f"SET lock_timeout = {BUSY_TIMEOUT_MS}", f"SET idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}")
PERHAPS_STORED = (
    "The connection to the database broke at the last moment, and it is not known whether this was stored: look "
    "whether it is there before you repeat it."
)
_READS = ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",)


class Database:
    """The door to the tables. `write()` and `read()` yield a Session; leaving `write()` commits."""

    def __init__(
        self, url: str, *, keys: KeyRing, clock: Clock, fhir_base: str = "http://127.0.0.1:8080/fhir", threads: int = 16
    ) -> None:
        self.url = make_url(url)
        self.keys = keys
        self.clock = clock
        self.fhir_base = fhir_base
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._engine(1 if self.is_sqlite else threads, writes=True)
        self._reader = self._engine(threads, writes=False)
        self._mutex = threading.Lock() if self.is_sqlite else None

    def _engine(self, size: int, *, writes: bool) -> Engine:
        if not self.is_sqlite:
            return _postgres_engine(self.url, size, _WRITES if writes else _READS)
        engine = create_engine(
            self.url,
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}")
            if not writes:
                connection.execute("PRAGMA query_only=ON")

        @event.listens_for(engine, "begin")
        def start(connection: Any) -> None:
            if writes:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                #  a deferred BEGIN takes no lock and cannot fail: it need not pay for a statement's bookkeeping
                connection.connection.dbapi_connection.execute("BEGIN")

        return engine

    @contextmanager
    def write(self, *, takes_turn: bool = True) -> Iterator[Session]:
        """Open the one writing transaction; commit on leaving. Raises Busy, StorageFull.

        Without `takes_turn` it may run beside others on PostgreSQL: for rows that are only appended, or that have a
        lock of their own. Two of one thread, one inside the other, wait for each other.
        """
        with self._alone(), told_apart(), self._session(self._writer) as session:
            if takes_turn and not self.is_sqlite:
                take_turn(session)
            yield session
            _commit(session)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a reading transaction: one snapshot, no writes."""
        with told_apart(), self._session(self._reader) as session:
            yield session

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the mutex of SQLite's one writer. Raises Busy: nobody waits longer in here than for another process."""
        if self._mutex is None:
            yield
            return
        if not self._mutex.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise Busy(BUSY)
        try:
            yield
        finally:
            self._mutex.release()

    def _session(self, engine: Engine) -> Session:
        return Session(
            engine, expire_on_commit=False, info={"keys": self.keys, "clock": self.clock, "fhir_base": self.fhir_base}
        )

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations and backups."""
        return self._writer

    def pools(self) -> dict[str, tuple[int, int]]:
        """Return for the writing and the reading pool how many connections it may hold and how many are in use."""
        pools = {"write": self._writer.pool, "read": self._reader.pool}
        return {name: (pool.size(), pool.checkedout()) for name, pool in pools.items() if isinstance(pool, QueuePool)}

    def free_bytes(self) -> int | None:
        """Return how much room is left on the disk of an SQLite file; None where a server keeps the data."""
        if not self.is_sqlite or not self.url.database:
            return None
        return shutil.disk_usage(Path(self.url.database).parent).free

    def close(self) -> None:
        """Give every connection back."""
        self._writer.dispose()
        self._reader.dispose()


def _postgres_engine(url: URL, size: int, settings: tuple[str, ...]) -> Engine:
    engine = create_engine(url, pool_size=size, max_overflow=0, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        for statement in settings:
            connection.execute(statement)
        connection.commit()

    return engine


def _commit(session: Session) -> None:
    """Commit. Raises Busy when the connection breaks meanwhile: the server may have committed and not said so."""
    try:
        session.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Busy(PERHAPS_STORED) from error
        raise


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn the database's own failures into the refusals the doors know: Busy, StorageFull."""
    try:
        yield
    except (DBAPIError, NoFreeConnection) as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


def keys(session: Session) -> KeyRing:
    """Return the key ring of this session's database."""
    ring: KeyRing = session.info["keys"]
    return ring


def now(session: Session) -> datetime:
    """Return the time, aware UTC, from the one clock that was handed to the database."""
    moment: datetime = session.info["clock"]()
    return moment


def stamp(session: Session) -> int:
    """Return this transaction's `last_updated`: later than every stamp committed before, the same for all it writes.

    The row of `write_order` is held until the commit, so stamps and commits come in one order (ARCHITECTURE §2).
    """
    if "stamp" not in session.info:
        session.info["stamp"] = max(microseconds(now(session)), take_turn(session) + 1)
        session.execute(_NEXT_STAMP, {"next_stamp": session.info["stamp"]})
    own: int = session.info["stamp"]
    return own


def take_turn(session: Session) -> int:
    """Wait until no other writer is between its turn and its commit; return the last stamp that was committed."""
    if "last_stamp" not in session.info:
        session.info["last_stamp"] = session.execute(_LAST_STAMP).scalar_one()
    last: int = session.info["last_stamp"]
    return last


def last_committed(session: Session) -> int:
    """Return the newest stamp that anybody committed: for whoever runs the exchange, not for its readers."""
    committed: int = session.execute(_COMMITTED).scalar_one()
    return committed


def fhir_base(session: Session) -> str:
    """Return our own FHIR base address: references below it are ours."""
    base: str = session.info["fhir_base"]
    return base
