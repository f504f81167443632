"""Power is lost: SQLite's log is cut anywhere, and what opens again is the state after some commit (F14)."""

import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from exchange.actions.referrals.answer_referral import answer_referral
from exchange.db.session import Database
from exchange.db.upgrade import head, revision_of
from fhir_mapping.case_data.referral import Reason
from tests.databases import SERVER, settle
from tests.exchange.faults.whole import digest_of, faults_of
from tests.reliability import Reached, sizes

pytestmark = pytest.mark.skipif(SERVER is not None, reason="It is about SQLite's log; PostgreSQL recovers by its own.")
HEADER, FRAME_HEADER = 32, 24
SEED = 20261124


@dataclass
class History:
    """A database file with a log that holds many commits: how long it was after each, and the state it then said."""

    folder: Path
    keys: Any
    clock: Any
    lengths: list[int] = field(default_factory=list)
    states: list[str] = field(default_factory=list)

    @property
    def wal(self) -> bytes:
        return (self.folder / "exchange.db-wal").read_bytes()

    def note(self) -> None:
        self.lengths.append((self.folder / "exchange.db-wal").stat().st_size)
        self.states.append(digest_of(self.folder / "exchange.db"))

    def state_at(self, length: int) -> str:
        """Return the state of the last commit that is whole in so many bytes of the log."""
        return self.states[max(number for number, end in enumerate(self.lengths) if end <= length)]

    def reopened(self, wal: bytes, folder: Path) -> Database:
        """Return the database as it opens with this log."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(self.folder / "exchange.db", folder)
        (folder / "exchange.db-wal").write_bytes(wal)
        return Database(f"sqlite:///{folder}/exchange.db", keys=self.keys, clock=self.clock)


@pytest.mark.invariant(
    "wal-cut-is-a-prefix", "Wherever SQLite's log is cut or torn, the database opens with the state of a commit."
)
@pytest.mark.parametrize("places", sizes(40, 1_000))
def test_a_log_that_is_cut_anywhere_opens_with_the_state_of_a_commit(
    places: int, history: History, tmp_path: Path, reached: Reached
) -> None:
    chosen = random.Random(SEED)
    wal, seen = history.wal, set()

    for number, cut in enumerate(cuts(len(wal), history.lengths, places, chosen)):
        #  every third one is torn instead of cut: what the disk had not yet written is noise
        noise = chosen.randbytes(min(len(wal) - cut, 10_000)) if number % 3 == 2 else b""
        database = history.reopened(wal[:cut] + noise, tmp_path / "cut")
        path = Path(database.url.database or "")
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"], cut
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == [], cut
            connection.rollback()
        with database.read() as session:
            assert faults_of(session) == [], cut
        assert revision_of(database) == head()
        assert digest_of(path) == history.state_at(cut), cut
        database.close()
        seen.add(history.state_at(cut))

    assert len(seen) >= min(len(history.states), places) // 2
    reached(places=places, opened=places, commits=len(history.states), states_seen=len(seen))


def test_a_frame_that_was_changed_ends_the_log_before_it(history: History, tmp_path: Path) -> None:
    """A bit that flipped on the disk takes with it what came after, never what came before."""
    wal = bytearray(history.wal)
    middle = len(history.lengths) // 2
    wal[history.lengths[middle] + FRAME_HEADER + 100] ^= 1

    database = history.reopened(bytes(wal), tmp_path / "changed")
    with database.read() as session:
        assert faults_of(session) == []
    state = digest_of(Path(database.url.database or ""))
    database.close()

    assert state == history.states[middle]


def test_the_writer_waits_for_the_disk_at_every_commit(house: Any) -> None:
    with house.database.engine.connect() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")]
        connection.rollback()

    assert values == [2, "wal"]


def cuts(length: int, commits: list[int], places: int, chosen: random.Random) -> Iterator[int]:
    """Yield places in a log: half of them around the ends of frames and commits, half anywhere."""
    for number in range(places):
        if number % 2:
            yield chosen.randrange(length + 1)
        else:
            yield min(max(chosen.choice(commits) + chosen.randint(-30, 30), 0), length)


@pytest.fixture
def history(house: Any, tmp_path: Path) -> History:
    """A history of sendings and answers, all in the log: nothing is moved into the file meanwhile."""
    settle(house.database)
    with house.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
        connection.rollback()
    made = History(tmp_path, house.database.keys, house.clock)
    made.lengths.append(0)
    made.states.append(digest_of(tmp_path / "exchange.db"))
    for number in range(9):
        sent = house.send()
        made.note()
        for verb in (("accept", "start"), ("reject",), ())[number % 3]:
            reason = Reason("no-capacity", "full") if verb == "reject" else None
            with house.database.write() as session:
                answer_referral(session, house.person("pantry"), sent.referral.id, verb, reason=reason)
            made.note()
    page_size = struct.unpack(">I", made.wal[8:12])[0]
    assert (made.lengths[-1] - HEADER) % (page_size + FRAME_HEADER) == 0
    assert made.lengths[-1] == len(made.wal)
    assert made.lengths == sorted(set(made.lengths))
    return made
