"""Audit rows of reads go to one writer per process: groups form without a timer, and the answer waits for its group."""

import logging
import queue
import threading
from concurrent.futures import Future

from exchange.db.audit import AuditEntry, write
from exchange.db.session import Database
from exchange.domain.errors import Busy

LARGEST_GROUP = 500
WAIT_SECONDS = 20
LATE = "The audit could not be written in time: try again."
log = logging.getLogger("exchange.audit")


class AuditWriter:
    """Commits what queued during the last commit. With `wait=False` (spool) the answer goes first."""

    def __init__(self, database: Database, *, wait: bool = True) -> None:
        self._database = database
        self._wait = wait
        self._queue: queue.SimpleQueue[tuple[list[AuditEntry], Future[None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()

    def keep(self, *entries: AuditEntry, wait: bool = True) -> None:
        """Write audit rows; returns when they are committed, or at once without `wait`. Raises Busy when it is late."""
        with self._start:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
                self._thread.start()
        done: Future[None] = Future()
        self._queue.put((list(entries), done))
        if self._wait and wait:
            try:
                done.result(WAIT_SECONDS)
            except TimeoutError:
                raise Busy(LATE) from None
            except Busy as failure:
                #  what was written before it may stand: its own words, that nothing was stored, are about the audit
                raise Busy(LATE) from failure

    def stop(self) -> None:
        """Write what is queued, then end the thread."""
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(WAIT_SECONDS)

    def _run(self) -> None:
        last = False
        while not last:
            first = self._queue.get()
            group = [] if first is None else [first]
            last = first is None
            while not last and len(group) < LARGEST_GROUP:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                else:
                    group.append(more)
            self._commit(group)

    def _commit(self, group: list[tuple[list[AuditEntry], "Future[None]"]]) -> None:
        if not group:
            return
        try:
            with self._database.write(takes_turn=False) as session:
                write(session, [entry for entries, _done in group for entry in entries])
        except Exception as error:
            log.exception("audit rows were not written", extra={"count": len(group)})
            for _entries, done in group:
                done.set_exception(error)
        else:
            for _entries, done in group:
                done.set_result(None)
