"""Audit rows of reads are committed in groups that form without a timer: what came while the last one was committed.

There is no thread that everybody waits for. Of those who wait, the first to get the turn commits the group of all, and
the others find it done. Where answers go first (spool), one thread takes the turns.
"""

import logging
import threading
from dataclasses import dataclass, field

from exchange.db.audit import AuditEntry, write
from exchange.db.session import Database
from exchange.domain.errors import Busy, ExchangeError

WAIT_SECONDS = 20
AGAIN_SECONDS = 1.0
#  who answers first may run ahead of the disk by so many rows, then waits like everybody
MOST_AHEAD = 10_000
LATE = "The audit could not be written in time: try again."
log = logging.getLogger("exchange.audit")


@dataclass(slots=True)
class _Group:
    entries: list[AuditEntry] = field(default_factory=list)
    #  those of them that nobody waits for: what could not be written is tried again
    unheard: list[AuditEntry] = field(default_factory=list)
    is_over: bool = False
    failure: Exception | None = None


class AuditWriter:
    """Keeps audit rows. With `wait=False` (spool) the answer goes first; what could not be written is tried again."""

    def __init__(self, database: Database, *, wait: bool = True) -> None:
        self._database = database
        self._wait = wait
        self._forming = _Group()
        self._joining = threading.Lock()
        self._turn = threading.Lock()
        self._called = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def keep(self, *entries: AuditEntry, wait: bool = True) -> None:
        """Write audit rows; returns when they are committed, or at once without `wait`. Raises Busy, StorageFull."""
        wait = wait and self._wait
        with self._joining:
            group = self._forming
            group.entries.extend(entries)
            if not wait:
                group.unheard.extend(entries)
        if wait or len(group.entries) > MOST_AHEAD:
            self._see_written(group)
        else:
            self._call()

    def stop(self) -> None:
        """Write what is queued, then end the thread. Raises Busy, StorageFull when that is not possible."""
        self._stopping = True
        self._called.set()
        if self._thread is not None:
            self._thread.join(WAIT_SECONDS)
        self._see_written(self._forming)

    def _see_written(self, group: _Group) -> None:
        """Return when a group is committed, by us or by whoever had the turn before us. Raises what stopped it."""
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            raise Busy(LATE)
        try:
            #  groups are committed in the order in which they form, so one that is not over is the one that forms now
            if not group.is_over:
                self._commit()
        finally:
            self._turn.release()
        if isinstance(group.failure, Busy):
            #  what was written before it may stand: its own words, that nothing was stored, are about the audit
            raise Busy(LATE) from group.failure
        if group.failure is not None:
            raise group.failure

    def _commit(self) -> None:
        """Commit the group that forms; who comes from now on joins the next. The caller has the turn."""
        with self._joining:
            group, self._forming = self._forming, _Group()
        try:
            if group.entries:
                with self._database.write(takes_turn=False) as session:
                    write(session, group.entries)
        except Exception as error:
            log.exception("audit rows were not written", extra={"count": len(group.entries)})
            group.failure = error
            if isinstance(error, ExchangeError):
                with self._joining:
                    self._forming.entries[:0] = group.unheard
                    self._forming.unheard[:0] = group.unheard
        finally:
            group.is_over = True

    def _call(self) -> None:
        self._called.set()
        if self._thread is None or not self._thread.is_alive():
            with self._joining:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while not self._stopping:
            self._called.wait()
            self._called.clear()
            try:
                self._see_written(self._forming)
            except Exception:
                #  it is in the log, and what can be tried again stands in the next group
                threading.Event().wait(AGAIN_SECONDS)
                self._called.set()
