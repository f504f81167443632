"""A rotation of the keys: nothing that anybody reads changes, whatever ends it half-way, beside others who write."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from exchange.db import audit, parameter
from exchange.db.base import Base
from exchange.db.document import document
from exchange.db.ring_file import RingFile, read_ring_file, write_ring_file
from exchange.db.sealed_columns import KEEP_THEIR_KEY, needed, sealed_columns
from exchange.db.sealing import KeyRing, SealBroken, Sealed, load_key_ring, make_secret
from exchange.db.session import Database
from exchange.domain.errors import Conflict
from exchange.work.resealing import add_key, begin_rotation, finish_rotation, retire_keys
from tests.databases import new_database
from tests.exchange.conftest import OPERATOR, House, StandingClock
from tests.exchange.work.sealed_house import KeyFiles, everything_read, fill
from tests.reliability import ROOT, Reached, sizes

ROTATES = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from exchange.db.sealing import load_key_ring, ring_path
from exchange.db.session import Database
from exchange.domain.actor import Actor, ActorKind
from exchange.work.resealing import begin_rotation, finish_rotation
url, secret = sys.argv[1], Path(sys.argv[2])
database = Database(url, keys=load_key_ring(secret), clock=lambda: datetime.now(UTC))
rotation = begin_rotation(database, ring_path(secret), Actor(ActorKind.OPERATOR, name="operator test"))
finish_rotation(database, rotation, lambda *_: print("batch", flush=True), batch=1, breath_seconds=0.02)
"""


class Crash(RuntimeError):
    """The process ends here."""


def test_every_table_with_a_key_id_is_sealed_anew_or_says_why_not() -> None:
    with_key = {table.name for table in Base.metadata.tables.values() if "key_id" in table.c}

    covered = {column.table.name for column in sealed_columns()} | {table.name for table in KEEP_THEIR_KEY}

    assert covered == with_key


@pytest.mark.invariant(
    "keys-rotate-without-a-trace",
    "Across a rotation of the keys every viewer reads the same bytes, and the audit holds.",
)
def test_a_rotation_changes_nothing_that_anybody_reads(house: House, files: KeyFiles, reached: Reached) -> None:
    fill(house)
    before, found_by = everything_read(house, house.database), _found_by(house.database)
    assert before["documents"]
    assert before["reasons"][0].text == "Canaryreason full"

    rotation = begin_rotation(house.database, files.ring, OPERATOR)
    finish_rotation(house.database, rotation, batch=3, breath_seconds=0)

    assert everything_read(house, house.database) == before
    assert before["audit"] == ()
    assert _found_by(house.database) == found_by
    with house.database.read() as session:
        used = needed(session)
    assert (rotation.current, rotation.broken) == ("k2", 0)
    assert set(used["k2"]) == {"document", "document_version", "referral", "webhook", "first_answer"}
    assert used["k1"] == {"audit_event": 1}
    reached(values=rotation.sealed, documents=len(before["documents"]), left_with_the_old_key=1)


@pytest.mark.invariant(
    "keys-rotate-beside-others",
    "A process that runs takes up a new key at once: it reads what it seals and seals with it.",
)
def test_another_process_reads_and_writes_all_through_a_rotation(
    house: House, files: KeyFiles, reached: Reached
) -> None:
    fill(house)
    before = everything_read(house, house.database)
    other = files.open_again(house)
    looks = 0

    def look(_stage: str, _done: int, _total: int) -> None:
        nonlocal looks
        looks += 1
        assert everything_read(house, other) == before

    try:
        rotation = begin_rotation(house.database, files.ring, OPERATOR)
        finish_rotation(house.database, rotation, look, batch=3, breath_seconds=0)
        with other.write() as session:
            session.info["keys"] = other.keys
            sealed = other.keys.seal(b"x", "here")
        assert house.database.keys.open(sealed, "here") == b"x"
    finally:
        other.close()

    assert sealed.key_id == "k2"
    assert looks >= 5
    reached(looks_between_batches=looks, differences=0)


@pytest.mark.invariant(
    "keys-rotate-resumes",
    "A rotation that ends at any batch, inside it or behind it, is finished by the next and loses nothing.",
)
@pytest.mark.parametrize("inside", [False, True], ids=["behind", "inside"])
def test_a_rotation_that_crashes_at_each_batch_is_finished_by_the_next(
    house: House, files: KeyFiles, monkeypatch: pytest.MonkeyPatch, reached: Reached, inside: bool
) -> None:
    """Each run gets one batch further and crashes; one key is made in all."""
    fill(house)
    before, crashes = everything_read(house, house.database), 0
    seal = KeyRing.seal

    def crash(*_arguments: Any) -> None:
        raise Crash

    while True:
        rotation = begin_rotation(house.database, files.ring, OPERATOR)
        assert rotation.went_on == (crashes > 0)
        counted = iter(range(1_000))
        if inside:
            #  the second batch is broken off after its first value: of that batch nothing is kept

            def fails_later(ring: KeyRing, plain: bytes, place: str, counted: Iterator[int] = counted) -> Sealed:
                if next(counted) == 4:
                    raise Crash
                return seal(ring, plain, place)

            monkeypatch.setattr(KeyRing, "seal", fails_later)
        try:
            finish_rotation(house.database, rotation, (lambda *_: None) if inside else crash, batch=3, breath_seconds=0)
            break
        except Crash:
            crashes += 1
            monkeypatch.setattr(KeyRing, "seal", seal)
            assert everything_read(house, house.database) == before

    assert everything_read(house, house.database) == before
    assert crashes >= 3
    with house.database.read() as session:
        assert set(needed(session)) == {"k1", "k2"}
        assert needed(session)["k1"] == {"audit_event": 1}
    reached(crashes=crashes, lost=0, keys_made=1)


@pytest.mark.invariant(
    "keys-rotate-survives-kill",
    "kill -9 of a rotating process loses no value; the next rotation finishes what it left.",
)
@pytest.mark.parametrize("kills", sizes(1, 12))
def test_a_rotation_that_is_killed_is_finished_by_the_next(
    house: House, files: KeyFiles, reached: Reached, kills: int
) -> None:
    fill(house, referrals=1 + kills)
    before = everything_read(house, house.database)
    killed = 0
    for kill in range(kills):
        url = house.database.url.render_as_string(hide_password=False)
        with subprocess.Popen(
            [sys.executable, "-c", ROTATES, url, str(files.secret)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            for _line, _said in zip(range(2 + kill % 3), process.stdout, strict=False):
                pass
            os.kill(process.pid, signal.SIGKILL)
        killed += process.returncode == -signal.SIGKILL
        assert everything_read(house, house.database) == before

    rotation = begin_rotation(house.database, files.ring, OPERATOR)
    finish_rotation(house.database, rotation, breath_seconds=0)

    assert killed == kills
    assert rotation.went_on
    assert rotation.current == "k2"
    assert everything_read(house, house.database) == before
    reached(kills=killed, lost=0, keys_made=1)


def test_a_key_that_an_audit_row_needs_is_not_retired(house: House, files: KeyFiles) -> None:
    fill(house)
    finish_rotation(house.database, begin_rotation(house.database, files.ring, OPERATOR), breath_seconds=0)
    house.clock.forward(days=2)

    assert retire_keys(house.database, files.ring, OPERATOR) == []
    assert everything_read(house, house.database)["queries"] == ["family=Canaryname"]


def test_a_key_that_no_row_needs_is_retired_after_a_day_and_its_id_is_not_used_again(
    house: House, files: KeyFiles
) -> None:
    fill(house, with_queries=False)
    before, handed_out = everything_read(house, house.database), house.database.keys.seal(b"token", "page/Task")
    finish_rotation(house.database, begin_rotation(house.database, files.ring, OPERATOR), breath_seconds=0)

    house.clock.forward(hours=23)
    at_once = retire_keys(house.database, files.ring, OPERATOR)
    assert house.database.keys.open(handed_out, "page/Task") == b"token"
    house.clock.forward(hours=1)
    after_a_day = retire_keys(house.database, files.ring, OPERATOR)

    assert (at_once, after_a_day) == ([], ["k1"])
    assert load_key_ring(files.secret).key_ids == {"k2"}
    with pytest.raises(SealBroken):
        load_key_ring(files.secret).open(handed_out, "page/Task")
    house.clock.at -= timedelta(days=1)
    assert everything_read(house, house.database) == before
    next_one = begin_rotation(house.database, files.ring, OPERATOR)
    assert next_one.current == "k3"


def test_a_value_that_does_not_open_is_left_and_counted_and_the_others_are_sealed_anew(
    house: House, files: KeyFiles
) -> None:
    fill(house)
    with house.database.write() as session:
        first = session.scalar(select(func.min(document.c.id)))
        session.execute(update(document).where(document.c.id == first).values(body=b"x" * 40))
    rotation = begin_rotation(house.database, files.ring, OPERATOR)

    finish_rotation(house.database, rotation, batch=3, breath_seconds=0)

    with house.database.read() as session:
        used = needed(session)
    assert rotation.broken == 1
    assert used["k1"] == {"audit_event": 1, "document": 1}


def test_a_key_that_was_added_seals_only_after_a_rotation_takes_it_up(house: House, files: KeyFiles) -> None:
    added = add_key(house.database, files.ring, OPERATOR)

    assert (added, house.database.keys.current, house.database.keys.key_ids) == ("k2", "k1", {"k1", "k2"})
    assert begin_rotation(house.database, files.ring, OPERATOR).current == "k2"
    assert house.database.keys.current == "k2"


def test_a_ring_file_that_is_older_than_the_database_is_refused(house: House, files: KeyFiles) -> None:
    finish_rotation(house.database, begin_rotation(house.database, files.ring, OPERATOR), breath_seconds=0)
    kept = read_ring_file(files.ring)
    begin_rotation(house.database, files.ring, OPERATOR)
    write_ring_file(files.ring, kept)

    with pytest.raises(Conflict, match="This ring file is older than the database: k3 is not in it."):
        begin_rotation(house.database, files.ring, OPERATOR)


def test_every_change_of_the_ring_is_audited(house: House, files: KeyFiles) -> None:
    add_key(house.database, files.ring, OPERATOR)
    begin_rotation(house.database, files.ring, OPERATOR)

    with house.database.read() as session:
        rows = session.execute(select(audit.audit_event).order_by(audit.audit_event.c.id)).all()
    assert [(row.interaction, row.actor_name) for row in rows[-2:]] == [
        ("add-key", "operator test"),
        ("rotate-keys", "operator test"),
    ]


def test_a_ring_file_is_for_its_owner_only_and_leaves_nothing_half_written(files: KeyFiles) -> None:
    write_ring_file(files.ring, RingFile().with_new_key())
    (files.ring.parent / f".{files.ring.name}.part").write_text("broken off")

    write_ring_file(files.ring, read_ring_file(files.ring).with_new_key())

    assert files.ring.stat().st_mode & 0o777 == 0o600
    assert read_ring_file(files.ring).opening == ("k1", "k2", "k3")
    assert sorted(path.name for path in files.ring.parent.glob("*key*")) == ["secret.key", "secret.key.ring"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"current": "k2", "keys": {}}',
        '{"current": "k1", "keys": {"k2": "c2hvcnQ="}}',
        '{"current": "k1", "keys": {}, "retired": ["k1"]}',
        '{"current": "k1", "keys": {"../k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}',
    ],
)
def test_a_broken_ring_file_stops_a_start_and_changes_nothing_for_who_runs(
    files: KeyFiles, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    ring = load_key_ring(files.secret)
    sealed = ring.seal(b"x", "here")

    files.ring.write_text(text)

    with pytest.raises(ValueError, match="is not a ring file"):
        load_key_ring(files.secret)
    assert ring.open(sealed, "here") == b"x"
    assert ring.seal(b"y", "here").key_id == ring.seal(b"z", "here").key_id == "k1"
    assert [record.message for record in caplog.records] == [
        "the ring file cannot be read: what was read of it before goes on holding"
    ]


def _found_by(database: Database) -> list[Any]:
    """Return all that documents are found by: keyed hashes, which no rotation may touch."""
    with database.read() as session:
        return [
            tuple(row)
            for table in parameter.TABLES.values()
            for row in session.execute(select(table).order_by(table.c.id))
        ]


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    make_secret(tmp_path / "secret.key")
    return KeyFiles(tmp_path / "secret.key")


@pytest.fixture
def empty_house(migrated: str, tmp_path: Path, files: KeyFiles) -> Iterator[House]:
    """A house without organisations whose keys are in files."""
    clock = StandingClock()
    with new_database(tmp_path, like=migrated) as url:
        database = Database(url, keys=load_key_ring(files.secret), clock=clock)
        yield House(database, clock)
        database.close()
