"""`exchange backup` and `exchange restore`: what they write, what they refuse, and what they leave behind."""

import json
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import inspect, select

from exchange.cli.backup import backup, restore
from exchange.cli.house import House
from exchange.cli.serving_lock import serving_lock, sqlite_file
from exchange.config import Config
from exchange.db.audit import audit_event
from exchange.db.referral import ReferralRow
from exchange.db.sealing import KeyRing
from exchange.db.session import Database
from exchange.domain.errors import ExchangeError
from exchange.work.audit_sealer import seal_audit
from tests.databases import SERVER, new_database, only_on_postgres
from tests.exchange.conftest import KEYS
from tests.exchange.db.test_backup_file import resign, small_backup

Run = Callable[..., Result]
only_on_sqlite = pytest.mark.skipif(SERVER is not None, reason="It is about a file: PostgreSQL keeps its own.")


def test_a_backup_says_what_it_is_and_is_for_its_owner_only(house: Any, run: Run, file: Path) -> None:
    house.send()

    result = run(backup, file, "--json")

    said = json.loads(result.stdout)
    assert result.exit_code == 0
    assert set(said) == {"made_at", "exchange", "database", "revision", "sha256", "keys", "rows", "file", "bytes"}
    assert (said["database"], said["keys"], said["rows"]["referral"], said["bytes"]) == (
        house.database.url.get_backend_name(), ["k1"], 1, file.stat().st_size,
    )  # fmt: skip
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_backup_is_restored_into_an_empty_database_and_both_are_audited(
    house: Any, run: Run, file: Path, empty: Database
) -> None:
    sent = house.send()
    seal_audit(house.database, "me")
    run(backup, file)
    run(backup, file, "--force")

    result = run(restore, file, "--json", database=empty)

    said = json.loads(result.stdout)
    assert (result.exit_code, said["kept"], said["waiting_messages"]) == (0, None, 1)
    assert said["audit"]["broken"] == []
    assert said["audit"]["blocks"] == 1
    with empty.read() as session:
        assert session.scalars(select(ReferralRow.id)).all() == [sent.referral.id]
        notes = select(audit_event.c.interaction, audit_event.c.actor_kind).order_by(audit_event.c.id)
        rows = [tuple(row) for row in session.execute(notes)]
    assert rows[-2:] == [("backup", "operator"), ("restore", "operator")]
    assert rows.count(("backup", "operator")) == 1


def test_an_operator_reads_what_was_restored_and_what_comes_next(
    house: Any, run: Run, file: Path, empty: Database
) -> None:
    house.send()
    run(backup, file)

    lines = run(restore, file, database=empty).stdout.splitlines()

    assert lines[0].endswith(": 1 referrals.")
    assert lines[1].startswith("The audit holds: ")
    assert lines[2] == "1 messages wait; what was told after the backup is told again, under the same message ids."
    assert (
        lines[3] == "What was revoked or closed since then is not any more: look through clients, people and webhooks."
    )


def test_a_file_that_is_there_is_not_written_over(house: Any, run: Run, file: Path) -> None:
    file.write_text("precious")

    result = run(backup, file)

    assert refused(result) == f"{file} exists: name another file, or say --force to write over it."
    assert file.read_text() == "precious"
    assert run(backup, file, "--force").exit_code == 0
    assert zipfile.is_zipfile(file)


def test_a_database_that_holds_something_is_not_replaced_unasked(
    house: Any, run: Run, file: Path, empty: Database
) -> None:
    first = house.send()
    run(backup, file)
    run(restore, file, database=empty)
    second = house.send()
    run(backup, file, "--force")

    result = run(restore, file, database=empty)

    assert refused(result) == "The database is not empty: say --replace to put the backup in its place."
    assert referrals_of(empty) == {first.referral.id}
    empty.close()
    assert run(restore, file, "--replace", database=empty).exit_code == 0
    assert referrals_of(empty) == {first.referral.id, second.referral.id}


@only_on_sqlite
def test_what_was_replaced_is_kept_beside_with_all_it_held(house: Any, run: Run, file: Path) -> None:
    run(backup, file)
    sent = house.send()

    result = run(restore, file, "--replace", "--json")

    kept = json.loads(result.stdout)["kept"]
    assert kept.startswith(f"{house.database.url.database}.before-restore-2026")
    old = sqlite3.connect(kept)
    assert old.execute("SELECT id FROM referral").fetchall() == [(sent.referral.id,)]
    old.close()


@only_on_sqlite
def test_a_broken_database_is_replaced_too_and_kept_as_it_was(house: Any, run: Run, file: Path) -> None:
    house.send()
    run(backup, file)
    house.database.close()
    path = Path(house.database.url.database)
    path.write_bytes(b"not a database at all" * 400)

    result = run(restore, file, "--replace", "--json")

    assert result.exit_code == 0, result.exception
    assert Path(json.loads(result.stdout)["kept"]).read_bytes().startswith(b"not a database")
    assert len(referrals(house)) == 1


@only_on_sqlite
def test_a_database_that_is_served_is_not_replaced(house: Any, run: Run, file: Path) -> None:
    house.send()
    run(backup, file)

    with serving_lock(sqlite_file(house.database)):
        result = run(restore, file, "--replace")

    assert result.output.splitlines()[-1].endswith(
        "The database is being served: stop the web server and the worker first."
    )
    assert result.exit_code == 1


def test_a_database_that_somebody_has_open_is_not_replaced(house: Any, run: Run, file: Path, empty: Database) -> None:
    """A worker, or a command, holds no serving lock: its connection tells of it."""
    house.send()
    run(backup, file)
    run(restore, file, database=empty)
    other = Database(empty.url.render_as_string(hide_password=False), keys=KEYS, clock=house.clock)
    referrals_of(other)

    result = run(restore, file, "--replace", database=empty)
    other.close()

    assert refused(result) == "The database is in use: stop every web server, worker and command first."
    assert len(referrals_of(empty)) == 1


def test_a_backup_is_not_made_where_a_key_is_missing(house: Any, run: Run, file: Path) -> None:
    """Better now, with the keys at hand, than on the day when it is needed."""
    house.send()
    house.database.keys = KeyRing({"k2": b"2" * 32}, "k2", bytes(32))

    result = run(backup, file)

    assert refused(result).startswith("The key ring lacks a key that this database needs")
    assert not file.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"database": "oracle"}, "This is a backup of oracle, and the database here is"),
        ({"revision": "9999", "exchange": "9.1.0"}, "which this exchange does not know: use exchange 9.1.0 or a newer"),
        ({}, "is no backup of an exchange, or it is damaged: nothing was restored."),
    ],
    ids=["another kind", "a newer revision", "no database inside"],
)
def test_what_does_not_fit_here_is_refused(
    changes: dict[str, str], sentence: str, run: Run, file: Path, empty: Database
) -> None:
    resign(small_backup(file), **{"database": empty.url.get_backend_name(), **changes})

    result = run(restore, file, database=empty)

    assert sentence in refused(result) or "pg_restore did not succeed" in refused(result)
    with empty.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []


@only_on_postgres
@pytest.mark.parametrize(("command", "program"), [(backup, "pg_dump"), (restore, "pg_restore")])
def test_a_missing_client_program_is_named(
    command: Any, program: str, run: Run, file: Path, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command is restore:
        resign(small_backup(file), database="postgresql")
    monkeypatch.setenv("PATH", str(file.parent))

    result = run(command, file, database=empty if command is restore else None)

    assert refused(result) == (
        f"The program {program} was not found: install the PostgreSQL client, as new as the server or newer."
    )


def refused(result: Result) -> str:
    """Return the sentence with which a command was refused: what `main` prints before it ends with status 1."""
    assert isinstance(result.exception, ExchangeError), (result.output, result.exception)
    return result.exception.sentence


def referrals(house: Any) -> set[str]:
    return referrals_of(house.database)


def referrals_of(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(ReferralRow.id)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "exchange.backup"


@pytest.fixture
def empty(house: Any, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    folder = tmp_path / "second"
    folder.mkdir()
    with new_database(folder) as url:
        database = Database(url, keys=KEYS, clock=house.clock)
        yield database
        database.close()


@pytest.fixture
def run(house: Any) -> Run:
    """Run a command on the database of the house, or on another."""

    def command(which: Any, *arguments: Any, database: Database | None = None) -> Result:
        operator: Any = House(Config())
        operator.database = database or house.database
        return CliRunner().invoke(which, [str(one) for one in arguments], obj=operator)

    return command
