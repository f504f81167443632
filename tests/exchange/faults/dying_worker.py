"""A worker that really dies: run as a process of its own, it relays until it is told to end at a place.

    python -m tests.exchange.faults.dying_worker DATABASE_URL ISO_TIME SPOOL PLACE

It notes each message that it hands over as a line in SPOOL, before anything else can happen, and ends by `os._exit`
with status 9 at PLACE: `leased`, `sent` or `recording`.
"""

import os
import sys
from datetime import datetime

from exchange.db import outbox
from exchange.db.session import Database
from exchange.work.channels.parcel import Parcel
from exchange.work.relay import Relay
from tests.exchange.conftest import KEYS

DIED = 9


def main(url: str, moment: str, spool: str, place: str) -> int:
    """Relay until nothing is due, or die."""
    database = Database(url, keys=KEYS, clock=lambda: datetime.fromisoformat(moment))

    def channel(parcel: Parcel, _now: datetime) -> None:
        if place == "leased":
            os._exit(DIED)
        with open(spool, "a", encoding="utf-8") as lines:
            lines.write(f"{parcel.message_id}\n")
        if place == "sent":
            os._exit(DIED)

    if place == "recording":
        outbox.record_sent = lambda *_arguments: os._exit(DIED)  # type: ignore[assignment]
    relay = Relay(database, {"email": channel, "webhook": channel}, "https://exchange.example")
    while relay.run():
        pass
    database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
