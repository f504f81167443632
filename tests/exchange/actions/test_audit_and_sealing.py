"""The audit cannot be skipped or changed unnoticed, and a copy of the database shows no person."""

from pathlib import Path
from typing import Any

import pytest

from exchange.db import audit
from tests.exchange.actions.parties import answer


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
        ("UPDATE audit_event SET actor_name = 'nobody' WHERE rowid = 2", "was changed after it was sealed"),
        ("DELETE FROM audit_event WHERE rowid = 3", "sealed 4 rows and holds 3"),
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
    path = house.database.url.database

    raw = b"".join(Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal"))

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
        assert word not in raw, word
    assert b"Pantry" in raw
