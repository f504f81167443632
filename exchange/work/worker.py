"""The worker: a loop round functions that are safe to run twice. Any number of workers may run over one database."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from exchange.db.ids import new_id
from exchange.db.session import Database
from exchange.logs import request_id
from exchange.work import housekeeping
from exchange.work.audit_sealer import seal_audit
from exchange.work.deadlines import wind_clocks
from exchange.work.relay import Relay

IDLE_SECONDS: Final = 0.5
#  a pass that still finds work after so many rounds leaves it to the next one
MOST_ROUNDS: Final = 1_000
#  a single pass waits so long for another worker to finish its clocks
PATIENCE_SECONDS: Final = 10

log = logging.getLogger("exchange.work")


@dataclass(slots=True)
class Tally:
    """What one pass did."""

    clocks: int = 0
    messages: int = 0
    sealed: int = 0
    ended: int = 0
    failed: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.clocks or self.messages or self.failed)


def holder_name() -> str:
    """Return a name for the leases of this process, of no more than 60 characters."""
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{new_id()[-12:]}"


@dataclass(slots=True)
class Worker:
    """Winds the clocks, relays, keeps house and seals. A chore that fails is logged and met again at the next pass."""

    database: Database
    relay: Relay
    holder: str = field(default_factory=holder_name)
    _kept_at: datetime | None = None

    def run(self, stop: threading.Event, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Work until `stop` is set; what is in flight is finished first, the rest is given back."""
        log.info("the worker has started")
        while not stop.is_set():
            if self.run_once(rounds=1, stop=stop).is_idle:
                stop.wait(idle_seconds)
        log.info("the worker has stopped")

    def run_once(
        self, now: datetime | None = None, *, rounds: int = MOST_ROUNDS, stop: threading.Event | None = None
    ) -> Tally:
        """Work until nothing is due (or so many rounds) and return what was done. A clock strikes once in a pass.

        `now` is the demo's virtual time: it moves only the comparison with due times, stamps stay real.
        """
        with request_id(f"work-{new_id()}"):
            return self._pass(now, rounds, stop)

    def _pass(self, now: datetime | None, rounds: int, stop: threading.Event | None) -> Tally:
        tally, struck, patience = Tally(), set[str](), PATIENCE_SECONDS if rounds > 1 else 0
        for _round in range(rounds):
            clocks = self._do(
                tally,
                lambda: wind_clocks(
                    self.database, self.holder, due_by=now, struck=struck, patience_seconds=patience, stop=stop
                ),
            )
            messages = self._do(tally, lambda: self.relay.run(due_by=now, stop=stop))
            tally.clocks, tally.messages = tally.clocks + clocks, tally.messages + messages
            if not clocks and not messages:
                break
        tally.ended = self._do(tally, self._keep_house)
        tally.sealed = self._do(tally, lambda: seal_audit(self.database, self.holder))
        return tally

    def _keep_house(self) -> int:
        at = self.database.clock()
        if self._kept_at is not None and at - self._kept_at < housekeeping.EVERY:
            return 0
        self._kept_at = at
        return housekeeping.keep_house(self.database)

    @staticmethod
    def _do(tally: Tally, chore: Callable[[], int]) -> int:
        try:
            return chore()
        except Exception:
            log.exception("a chore of the worker failed")
            tally.failed += 1
            return 0
