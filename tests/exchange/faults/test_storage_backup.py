"""A backup under load, restored elsewhere: one moment, whole, with its audit, and no person in it (F17)."""

import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.actions.referrals.answer_referral import answer_referral
from exchange.db import audit
from exchange.db.backup import new_backup
from exchange.db.backup_file import opened_backup
from exchange.db.document import document, document_version
from exchange.db.restore import restore
from exchange.db.session import Database, last_committed
from exchange.work.audit_sealer import seal_audit
from tests.databases import new_database
from tests.exchange.conftest import CANARY, KEYS
from tests.exchange.faults.whole import faults_of
from tests.reliability import Reached, sizes

WRITERS = 3
SECONDS = 30


@pytest.mark.invariant(
    "backup-is-one-moment",
    "A backup made under load restores to a prefix of the commits, whole; its audit verifies, and it names nobody.",
)
@pytest.mark.parametrize("rounds", sizes(1, 10))
def test_a_backup_under_load_is_one_moment_of_the_database(
    rounds: int, house: Any, tmp_path: Path, reached: Reached
) -> None:
    acknowledged: list[str] = []
    restored_rows = 0

    for number in range(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        with writers(house, acknowledged) as has_written:
            has_written(len(acknowledged) + 2 * WRITERS)
            seal_audit(house.database, "a sealer")
            before = set(acknowledged)
            with new_backup(house.database, folder / "b", version="0", progress=ignore) as manifest:
                has_written(len(acknowledged) + 1)
        with read_back(house, folder) as restored, restored.read() as session:
            held = first_stamps(session)
            assert faults_of(session) == []
            assert last_committed(session) == manifest.last_stamp
            found = audit.verify(session)
        with house.database.read() as session:
            everything = first_stamps(session)
        assert before <= set(held)
        assert held == {one: at for one, at in everything.items() if at <= manifest.last_stamp}
        assert len(everything) > len(held)
        assert (found.broken, found.blocks) == ((), number + 1)
        assert persons_in(folder / "b", house) == []
        restored_rows += len(held)

    reached(rounds=rounds, acknowledged=len(acknowledged), documents_restored=restored_rows, half=0)


def test_a_person_would_be_seen_if_it_stood_there(house: Any, tmp_path: Path) -> None:
    """The complement: what looks for the person finds one that is not sealed."""
    with house.database.write() as session:
        audit.write(session, [audit.AuditEntry(house.clock(), "R", "read", "0", "user", "x", purpose=CANARY.family)])

    with new_backup(house.database, tmp_path / "b", version="0", progress=ignore):
        pass

    assert persons_in(tmp_path / "b", house) == [CANARY.family]


@contextmanager
def writers(house: Any, acknowledged: list[str]) -> Iterator[Any]:
    """Let some write, each send acknowledged when it is committed; give what waits until so many are."""
    stop, more, failures = threading.Event(), threading.Condition(), list[Exception]()

    def write() -> None:
        while not stop.is_set():
            try:
                sent = house.send()
                with house.database.write() as session:
                    answer_referral(session, house.person("pantry"), sent.referral.id, "accept")
            except Exception as error:
                failures.append(error)
                return
            with more:
                acknowledged.append(sent.referral.id)
                more.notify_all()

    def has_written(count: int) -> None:
        with more:
            assert more.wait_for(lambda: len(acknowledged) >= count or failures, SECONDS), "nobody writes"

    threads = [threading.Thread(target=write) for _writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield has_written
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


@contextmanager
def read_back(house: Any, folder: Path) -> Iterator[Database]:
    """Give the database that a backup restores to, in a place of its own."""
    (folder / "second").mkdir()
    with new_database(folder / "second") as url:
        database = Database(url, keys=KEYS, clock=house.clock)
        with opened_backup(folder / "b", KEYS) as source:
            restore(database, source, is_replacing=False, progress=ignore)
        yield database
        database.close()


def first_stamps(session: Session) -> dict[str, int]:
    """Return when each document was first written, by the order of the commits."""
    first = {row.id: row.last_updated for row in session.execute(select(document).where(document.c.version == 1))}
    older = select(document_version.c.id, document_version.c.last_updated).where(document_version.c.version == 1)
    return first | {row.id: row.last_updated for row in session.execute(older)}


def persons_in(backup: Path, house: Any) -> list[str]:
    """Return which words about the person can be read in a backup, as they are or as the dump writes bytes."""
    with zipfile.ZipFile(backup) as archive:
        content = archive.read("database")
    if not house.database.is_sqlite:
        dumped = backup.with_name("dump")
        dumped.write_bytes(content)
        content = subprocess.run(["pg_restore", "--file=-", str(dumped)], capture_output=True, check=True).stdout
    words = (CANARY.family, *CANARY.given, *CANARY.phones, "1980-01-02", "A food box")
    content += backup.read_bytes()
    return [word for word in words if word.encode() in content or word.encode().hex().encode() in content]


def ignore(_done: int, _total: int) -> None:
    """Tell nobody how far it is."""
