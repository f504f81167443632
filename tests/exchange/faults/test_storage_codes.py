"""A database says by a code what is the matter: no room, or not now. Only a fault of ours is told as a fault."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from exchange.app import create_app
from exchange.config import Config
from exchange.db.audit_writer import LATE
from exchange.db.failures import BUSY, FULL, UNUSABLE, refusal_of
from exchange.domain.errors import Busy, StorageFull
from tests.databases import only_on_postgres
from tests.exchange.faults.full_disk import Disk, sqlite_failure
from tests.exchange.web.fhir.conftest import Door, a_patient, told
from tests.reliability import Reached

SQLITE = {
    sqlite3.SQLITE_FULL: (StorageFull, FULL),
    sqlite3.SQLITE_IOERR_WRITE: (StorageFull, FULL),
    sqlite3.SQLITE_IOERR_SHMSIZE: (StorageFull, FULL),
    sqlite3.SQLITE_IOERR_FSYNC: (Busy, UNUSABLE),
    sqlite3.SQLITE_IOERR_READ: (Busy, UNUSABLE),
    sqlite3.SQLITE_READONLY: (Busy, UNUSABLE),
    sqlite3.SQLITE_READONLY_DBMOVED: (Busy, UNUSABLE),
    sqlite3.SQLITE_CANTOPEN: (Busy, UNUSABLE),
    sqlite3.SQLITE_CORRUPT: (Busy, UNUSABLE),
    sqlite3.SQLITE_NOTADB: (Busy, UNUSABLE),
    sqlite3.SQLITE_BUSY: (Busy, BUSY),
    sqlite3.SQLITE_BUSY_SNAPSHOT: (Busy, BUSY),
    sqlite3.SQLITE_LOCKED: (Busy, BUSY),
    sqlite3.SQLITE_PROTOCOL: (Busy, BUSY),
    sqlite3.SQLITE_NOMEM: (Busy, BUSY),
}
#  disk_full · out_of_memory, too_many_connections · admin_shutdown, crash_shutdown, cannot_connect_now · query_canceled
#  · serialization_failure, deadlock_detected · lock_not_available · idle_in_transaction_session_timeout ·
#  connection_failure · io_error, read_only_sql_transaction, data_corrupted
POSTGRES = {
    "53100": (507, "no-store", FULL),
    **dict.fromkeys(
        ("53200", "53300", "57P01", "57P02", "57P03", "57014", "40001", "40P01", "55P03", "25P03", "08006"),
        (503, "transient", BUSY),
    ),
    **dict.fromkeys(("58030", "25006", "XX001"), (503, "transient", UNUSABLE)),
}


@pytest.mark.parametrize(("code", "expected"), SQLITE.items(), ids=str)
def test_each_code_of_sqlite_is_told_apart(code: int, expected: tuple[type[Exception], str]) -> None:
    refusal = refusal_of(OperationalError("SELECT", {}, sqlite_failure(code)))

    assert refusal is not None
    assert (type(refusal), refusal.sentence) == expected


def test_a_pool_without_a_free_connection_is_busy() -> None:
    refusal = refusal_of(NoFreeConnection())

    assert isinstance(refusal, Busy)
    assert refusal.sentence == BUSY


@pytest.mark.parametrize(
    "fault",
    [
        IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE")),
        ProgrammingError("SELECT", {}, sqlite3.ProgrammingError("bindings")),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_fault_of_ours_is_no_refusal(fault: DBAPIError) -> None:
    assert refusal_of(fault) is None


@only_on_postgres
@pytest.mark.invariant(
    "database-fault-is-never-500", "Whatever code PostgreSQL fails with, a caller gets 503 or 507 and when to retry."
)
def test_each_state_of_postgresql_is_told_apart_at_the_door(door: Door, reached: Reached) -> None:
    disk, hospital = Disk(door.house.database), door.caller("hospital")
    patient = hospital.create(a_patient())["id"]
    found = {}

    for state in POSTGRES:
        disk.fail_with(state)
        answers = hospital.post("/Patient", a_patient()), hospital.get(f"/Patient/{patient}")
        disk.make_room()
        #  a read fails at its audit row; that it is late says nothing of what was written before it
        late = (503, "transient", LATE)
        assert told(answers[1]) == (late if told(answers[0])[0] == 503 else told(answers[0])), state
        assert all(answer.headers["Retry-After"] for answer in answers)
        found[state] = told(answers[0])

    assert found == POSTGRES
    assert hospital.get(f"/Patient/{patient}").status_code == 200
    reached(codes=len(found), answered_500=0)


@only_on_postgres
def test_a_fault_of_ours_on_postgresql_stays_a_fault(door: Door) -> None:
    """The complement: a division by zero is no reason to try again."""
    hospital = door.caller("hospital")
    disk = Disk(door.house.database)
    disk.fail_with("22012")

    answer = hospital.post("/Patient", a_patient())
    disk.make_room()

    assert told(answer)[:2] == (500, "exception")


@pytest.fixture
def door(house: Any) -> Iterator[Door]:
    app: Flask = create_app(Config(base_url="http://127.0.0.1:8080"), house.database, PROPAGATE_EXCEPTIONS=False)
    yield Door(house, app)
    app.extensions["exchange_audit"].stop()
