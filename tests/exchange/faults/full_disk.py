"""A database whose disk is full, or that fails with a code of our choice, until it is well again."""

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from exchange.db import audit
from exchange.db.audit import AuditEntry
from exchange.db.session import Database
from exchange.domain.errors import StorageFull

ROOMY: Final = 1 << 30


@dataclass
class Disk:
    """The disk of a database. On PostgreSQL the server says what a full disk makes it say, from a trigger."""

    database: Database

    def fill(self) -> None:
        """Leave no room for another audit row, without which nothing is written or shown."""
        if not self.database.is_sqlite:
            self.fail_with("53100")
            return
        self._pragma(f"max_page_count={self._pragma('page_count')}")
        for size in (4_000, 300, 1):
            while self._has_written("x" * size):
                pass

    def fail_with(self, state: str) -> None:
        """Let every audit row fail with an SQLSTATE."""
        assert not self.database.is_sqlite
        self._run(
            f"CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'a fault of the test' USING ERRCODE = '{state}'; END $$"
        )
        self._run("CREATE OR REPLACE TRIGGER fails BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION fail()")

    def make_room(self) -> None:
        """Let it write again."""
        if self.database.is_sqlite:
            self._pragma(f"max_page_count={ROOMY}")
        else:
            self._run("DROP TRIGGER IF EXISTS fails ON audit_event")

    def protect(self, *, is_on: bool = True) -> None:
        """Take from the one writer of SQLite its right to write, or give it back."""
        connection = self.database.engine.raw_connection()
        connection.cursor().execute(f"PRAGMA query_only={int(is_on)}")
        connection.close()

    def is_sound(self) -> bool:
        """Return whether the database finds itself whole."""
        return not self.database.is_sqlite or self._pragma("integrity_check") == "ok"

    def _has_written(self, purpose: str) -> bool:
        entry = AuditEntry(
            at=self.database.clock(), action="R", interaction="read", outcome="0", actor_kind="system",
            actor_name="filler", purpose=purpose,
        )  # fmt: skip
        try:
            with self.database.write() as session:
                audit.write(session, [entry])
        except StorageFull:
            return False
        return True

    def _pragma(self, text: str) -> Any:
        with self.database.engine.connect() as connection:
            answer = connection.exec_driver_sql(f"PRAGMA {text}")
            value = answer.scalar() if answer.returns_rows else None
            connection.rollback()
            return value

    def _run(self, statement: str) -> None:
        with self.database.engine.begin() as connection:
            connection.exec_driver_sql(statement)


def sqlite_failure(code: int) -> sqlite3.OperationalError:
    """Return what SQLite raises with a result code."""
    error = sqlite3.OperationalError("a fault of the test")
    error.sqlite_errorcode = code
    return error
