"""Another process keeps SQLite's write lock: who wants to write is told 503, and when to come back.

A backup tool or an operator's shell can do this; a web server of ours holds the lock for milliseconds.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import make_url

from exchange.app import create_app
from exchange.config import Config
from exchange.db.session import Database
from tests.databases import URL, new_database
from tests.exchange.conftest import KEYS, StandingClock
from tests.exchange.db.at_once import at_once
from tests.exchange.faults.checker import kept_in
from tests.exchange.faults.conftest import NewStreet
from tests.exchange.faults.history import Outcome
from tests.exchange.faults.load import NOTHING_STORED, Load
from tests.exchange.faults.parties import let_join
from tests.exchange.faults.servers import eventually
from tests.reliability import Reached

SENDERS: Final = 8
LOCKED_SECONDS: Final = 30
#  in place of the ten seconds that a writer waits
SHORT_MS: Final = 200
only_on_sqlite = pytest.mark.skipif(bool(URL), reason="It is about SQLite's write lock: run it without a server.")


@contextmanager
def write_lock(path: str) -> Iterator[None]:
    """Hold the write lock of a file until the block ends."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@only_on_sqlite
def test_every_writer_is_told_that_the_file_is_locked(
    migrated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that wait in this process are told after one and the same time, not one after the other."""
    monkeypatch.setattr("exchange.db.session.BUSY_TIMEOUT_MS", SHORT_MS)
    with new_database(tmp_path, like=migrated) as url:
        database = Database(url, keys=KEYS, clock=StandingClock())
        parties, app = let_join(database), create_app(Config(), database)
        headers = {"Authorization": f"Bearer {parties.tokens['hospital']}"}

        def send(number: int) -> tuple[int, str, str]:
            answer = app.test_client().post(
                "/fhir", data=json.dumps(parties.referral(f"key-{number}")), headers=headers,
                content_type="application/fhir+json",
            )  # fmt: skip
            return answer.status_code, answer.headers.get("Retry-After", ""), answer.get_data(as_text=True)

        with write_lock(make_url(url).database or ""):
            locked = at_once(*(partial(send, number) for number in range(SENDERS)))
        after = send(SENDERS)

        assert [one[:2] for one in locked] == [(503, "5")] * SENDERS
        assert all(NOTHING_STORED in one[2] and '"transient"' in one[2] for one in locked)
        assert after[0] == 200
        assert list(kept_in(database).keys.values()) == [f"key-{SENDERS}"]
        app.extensions["exchange_audit"].stop()
        database.close()


@only_on_sqlite
@pytest.mark.long
@pytest.mark.invariant(
    "a-locked-file-is-told", "While another process holds SQLite's write lock, writers are told 503; then all goes on."
)
def test_a_file_that_is_locked_for_half_a_minute_is_told_and_then_all_goes_on(
    new_street: NewStreet, reached: Reached
) -> None:
    with new_street(webs=1) as street:
        street.start(*street.webs)
        load = Load(street.ports, street.parties, SENDERS * 10, always_again=True)
        with load.running(SENDERS):
            with write_lock(street.database.url.database or ""):
                time.sleep(LOCKED_SECONDS)
                during = Counter(one.key for one in load.history.tries if one.status == 503)
            eventually(lambda: load.history.count(Outcome.OK) == load.referrals, "it did not go on")

        history, kept = load.history, kept_in(street.database)
        assert len(during) >= SENDERS, "one of the senders was told nothing"
        assert history.statuses().keys() == {200, 503}
        assert (kept.lost(history), kept.denied(history), kept.doubled()) == ([], [], [])
        reached(
            locked_seconds=LOCKED_SECONDS,
            senders=SENDERS,
            told_503=history.statuses()[503],
            acknowledged=len(history.acknowledged()),
            other_answers=len(history.statuses().keys() - {200, 503}),
            lost=len(kept.lost(history)),
        )
