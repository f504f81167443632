"""The audit cannot be skipped or changed unnoticed, and a copy of the database shows no person."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from exchange.db import audit
from exchange.db.session import Database
from tests.exchange.actions.parties import answer

SECOND = "(SELECT id FROM audit_event ORDER BY id LIMIT 1 OFFSET 1)"


def test_every_write_has_its_audit_row_and_the_chain_holds(house: Any) -> None:
    sent = house.send()
    answer(house, house.person("pantry"), sent, "accept")

    with house.database.write() as session:
        assert audit.seal(session, house.clock()) >= 6
    with house.database.read() as session:
        rows = audit.readable(session, house.ids["hospital"], after=None, limit=100)
        found = audit.verify(session)

    assert found.broken == ()
    assert found.unsealed == 0
    assert {(row.type, row.action) for row in rows} >= {
        ("Task", "C"),
        ("Task", "U"),
        ("Patient", "C"),
        ("Consent", "C"),
    }


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (f"UPDATE audit_event SET actor_name = 'nobody' WHERE id = {SECOND}", "was changed after it was sealed"),
        (f"DELETE FROM audit_event WHERE id = {SECOND}", "sealed 4 rows and holds 3"),
        ("UPDATE audit_block SET sealed_at = sealed_at + 1", "hash of block 1 is wrong"),
        ("UPDATE audit_block SET previous_hash = 'x'", "does not follow"),
    ],
)
def test_a_changed_audit_is_noticed(house: Any, statement: str, says: str) -> None:
    with house.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM audit_event")
    house.send()
    with house.database.write() as session:
        audit.seal(session, house.clock())
        session.connection().exec_driver_sql(statement)

    with house.database.read() as session:
        assert any(says in sentence for sentence in audit.verify(session).broken)


def test_a_copy_of_the_database_shows_no_person(house: Any) -> None:
    sent = house.send(note="Canarynote please call in the morning")
    answer(house, house.person("pantry"), sent, "accept", note="Canaryreply yes")

    stored = everything_stored(house.database)

    for word in (
        b"Canaryname",
        b"Zoelle",
        b"5550143",
        b"555-0143",
        b"1980-01-02",
        b"Canarynote",
        b"Canaryreply",
        b"62701",
    ):
        assert word not in stored, word
        assert word.hex().encode() not in stored, word
    assert b"Pantry" in stored


def everything_stored(database: Database) -> bytes:
    """Return what a copy holds: the file and its log, or a dump, in which binary columns are written in hex."""
    if database.is_sqlite:
        return b"".join(Path(f"{database.url.database}{suffix}").read_bytes() for suffix in ("", "-wal"))
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.run(["pg_dump", "--inserts", url], check=True, capture_output=True, timeout=60).stdout
