"""The driver of the faults: kills one process after another, at random, while there is load, and starts it again."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select, update

from exchange.db.outbox import WAITING, MessageRow
from exchange.db.setting import LeaseRow
from tests.exchange.faults.load import Load
from tests.exchange.faults.servers import LONGEST_SECONDS, LOOK_SECONDS, Running, Street, eventually

LONG_AGO: Final = timedelta(hours=1)


@dataclass
class Killing:
    """Kills processes of a street: the next one whenever another share of the load has been acknowledged."""

    street: Street
    load: Load
    kills: int
    seed: int = 20261124
    killed: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Kill web servers and workers in turn, spread over the load, and return when all of them are up again."""
        rng = random.Random(self.seed)
        kinds = [self.street.webs, self.street.workers]
        for number in range(self.kills):
            share = int(self.load.referrals * (number + 0.5) / self.kills)
            self._wait_for(share)
            time.sleep(rng.random() * 0.3)
            each = kinds[number % 2]
            self._kill(rng.choice([one for one in each if one.is_ready()] or each))
        for one in [*self.street.webs, *self.street.workers]:
            eventually(one.is_ready, f"{one.name} did not start again: {one.said()[-2000:]}")

    def _wait_for(self, share: int) -> None:
        """Wait until so many referrals were acknowledged, or the senders are about to end."""
        until = time.monotonic() + LONGEST_SECONDS * 10
        while len(self.load.history.tries) < share and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)

    def _kill(self, one: Running) -> None:
        one.kill()
        self.killed[one.name.partition("-")[0]] += 1
        one.start()


def let_leases_run_out(street: Street) -> int:
    """Let every lease run out, as three minutes would, and return how many messages were held.

    The workers that hold them are dead or stand still while this is done.
    """
    with street.database.write() as session:
        past = street.database.clock() - LONG_AGO
        held = select(func.count()).where(MessageRow.lease.is_not(None), MessageRow.state == WAITING)
        count = session.execute(held).scalar_one()
        session.execute(update(MessageRow).where(MessageRow.lease.is_not(None)).values(leased_until=past))
        session.execute(update(LeaseRow).values(until=past))
    return int(count)


def finish_telling(street: Street) -> None:
    """Let a worker tell whatever still waits, and seal the audit."""
    done = street.exchange("worker", "--once")
    assert done.returncode == 0, done.stderr
