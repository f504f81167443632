"""Make a backup of a database while it is served: one moment of it, whole, in a file that says what it is.

SQLite: its online backup, on a connection that holds one snapshot, so that writers neither wait nor begin it anew.
PostgreSQL: pg_dump of an exported snapshot. Source: https://www.sqlite.org/backup.html; PostgreSQL manual, "pg_dump".
"""

import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, NullPool, column, create_engine, event, func, inspect, select, table

from exchange.db import postgres_programs
from exchange.db.backup_file import (
    FORMAT,
    BackupRefused,
    Facts,
    Manifest,
    Progress,
    beside,
    probes,
    settle_in,
    write_manifest,
    write_payload,
)
from exchange.db.sealing import SealBroken
from exchange.db.session import Database
from exchange.db.setting import write_order

#  about 8 MB a step
PAGES: Final = 2_000


@contextmanager
def new_backup(
    database: Database, path: Path, *, version: str, progress: Progress, is_forced: bool = False
) -> Iterator[Manifest]:
    """Make a backup beside `path` and give its manifest; it is put in its place when the block ends well.

    `version` is the exchange's own. Raises BackupRefused when the file exists (unless forced), a key is missing or a
    client program fails, Busy, OSError.
    """
    if path.exists() and not is_forced:
        raise BackupRefused(f"{path} exists: name another file, or say --force to write over it.")
    made_at = database.clock()
    with beside(path) as payload, beside(path) as part:
        facts = (_copy_file if database.is_sqlite else _dump)(database, payload, progress)
        try:
            keys = probes(database.keys, facts.key_ids)
        except SealBroken:
            raise BackupRefused(
                "The key ring lacks a key that this database needs: set EXCHANGE_KEY_RING before a backup is made."
            ) from None
        #  pg_dump has compressed its own
        how = zipfile.ZIP_DEFLATED if database.is_sqlite else zipfile.ZIP_STORED
        with zipfile.ZipFile(part, "w", how, compresslevel=1) as archive:
            size, digest = write_payload(archive, payload, progress)
            manifest = Manifest(
                format=FORMAT, made_at=made_at.isoformat(), exchange=version,
                database=database.url.get_backend_name(), revision=facts.revision, last_stamp=facts.last_stamp,
                rows=facts.rows, keys=keys, payload_bytes=size, payload_sha256=digest,
            )  # fmt: skip
            write_manifest(archive, manifest, database.keys)
        yield manifest
        settle_in(part, path, is_forced=is_forced)


def facts_of(connection: Connection) -> Facts:
    """Return what a database says of itself. Raises BackupRefused for one that has no tables of ours."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise BackupRefused("The database has no tables yet: run `exchange db upgrade` first.")
    looking = inspect(connection)
    rows, key_ids = {}, set[str]()
    for name in sorted(looking.get_table_names()):
        rows[name] = connection.execute(select(func.count()).select_from(table(name))).scalar_one()
        if any(one["name"] == "key_id" for one in looking.get_columns(name)):
            used = select(table(name, column("key_id")).c.key_id).distinct()
            key_ids |= {key_id for key_id in connection.execute(used).scalars() if key_id is not None}
    stamp = connection.execute(select(write_order.c.stamp)).scalar_one()
    return Facts(revision, stamp, rows, tuple(sorted(key_ids)))


@contextmanager
def plain_file(path: Path) -> Iterator[Connection]:
    """Give a connection to an SQLite file that nobody else uses."""
    engine: Engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None

    with engine.connect() as connection:
        yield connection
    engine.dispose()


def check_file(path: Path) -> Facts:
    """Return what an SQLite file says of itself. Raises BackupRefused when it is not whole."""
    with plain_file(path) as connection:
        found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        loose = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if list(found) != ["ok"] or loose is not None:
            raise BackupRefused("The copy of the database is not whole (integrity_check): check the disk.")
        return facts_of(connection)


def _copy_file(database: Database, to: Path, progress: Progress) -> Facts:
    """Copy an SQLite database, and make of the copy one file that stands alone."""
    source_path = database.url.database
    if not source_path or not Path(source_path).exists():
        raise BackupRefused("There is no database yet: run `exchange db upgrade` first.")
    with (
        closing(sqlite3.connect(source_path, isolation_level=None)) as source,
        closing(sqlite3.connect(to, isolation_level=None)) as target,
    ):
        #  a snapshot that is held: without it each commit of another connection would begin the copy anew
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target, pages=PAGES, sleep=0, progress=lambda _state, left, total: progress(total - left, total))
        target.execute("PRAGMA journal_mode=DELETE")
    return check_file(to)


def _dump(database: Database, to: Path, progress: Progress) -> Facts:
    """Dump a PostgreSQL database; what it says of itself is read from the same snapshot."""
    with database.read() as session:
        connection = session.connection()
        snapshot = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
        facts = facts_of(connection)
        postgres_programs.dump(database.url, to, snapshot=snapshot, tables=len(facts.rows), progress=progress)
    return facts
