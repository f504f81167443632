"""Put a backup in the place of a database: checked first, then at once, and the file that stood there is kept.

Nothing is changed until the backup is known to be whole, to fit this database and to be read with this key ring.
"""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, literal, select, table, text
from sqlalchemy.exc import DatabaseError

from exchange.db import postgres_programs
from exchange.db.backup import check_file, facts_of, plain_file
from exchange.db.backup_file import BackupRefused, Manifest, OpenBackup, Progress, beside, damaged, fsync_folder
from exchange.db.session import Database
from exchange.db.upgrade import MIGRATIONS

#  what `db upgrade` and a worker leave in a database that holds nothing yet
_OF_THE_HOUSE: Final = frozenset({"alembic_version", "write_order", "setting", "lease", "sqlite_sequence"})
_OTHERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)
_NOT_EMPTY: Final = "The database is not empty: say --replace to put the backup in its place."
_IN_USE: Final = "The database is in use: stop every web server, worker and command first."


def restore(database: Database, source: OpenBackup, *, is_replacing: bool, progress: Progress) -> Path | None:
    """Restore a backup and return where the SQLite file that stood there is kept, None where there was none.

    The caller holds the serving lock. Raises BackupRefused, OSError; then the database is as it was.
    """
    _refuse_other(database, source.manifest)
    database.close()
    if database.is_sqlite:
        return _restore_file(Path(database.url.database or ""), source, database.clock(), is_replacing, progress)
    _restore_server(database, source, is_replacing, progress)
    return None


def is_empty(connection: Connection) -> bool:
    """Return whether a database holds nothing but what `db upgrade` has put there."""
    names = set(inspect(connection).get_table_names()) - _OF_THE_HOUSE
    return all(
        connection.execute(select(literal(1)).select_from(table(name)).limit(1)).first() is None for name in names
    )


def _refuse_other(database: Database, manifest: Manifest) -> None:
    kind = database.url.get_backend_name()
    if manifest.database != kind:
        raise BackupRefused(
            f"This is a backup of {manifest.database}, and the database here is {kind}: set EXCHANGE_DATABASE_URL."
        )
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if manifest.revision not in known:
        raise BackupRefused(
            f"This backup is at revision {manifest.revision}, which this exchange does not know: use exchange "
            f"{manifest.exchange} or a newer one."
        )


def _restore_file(path: Path, source: OpenBackup, now: datetime, is_replacing: bool, progress: Progress) -> Path | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    is_there, is_sound = path.exists(), True
    if is_there:
        is_sound = _is_ready_to_go(path, is_replacing)
    with beside(path) as new:
        source.extract(new, progress)
        _refuse_half(new, source)
        kept = None
        if is_there:
            _give_to_owner(new, path)
            kept = _set_aside(path, now, is_sound)
        new.replace(path)
        fsync_folder(path.parent)
    return kept


def _refuse_half(new: Path, source: OpenBackup) -> None:
    """Raise BackupRefused unless what was extracted is a whole database that holds what the manifest says."""
    try:
        facts = check_file(new)
    except DatabaseError:
        raise damaged(source.path) from None
    if (facts.revision, facts.rows) != (source.manifest.revision, source.manifest.rows):
        raise damaged(source.path)


def _give_to_owner(new: Path, old: Path) -> None:
    """Let the new file belong to whom the old one belongs: a server must be able to open it."""
    was = old.stat()
    new.chmod(was.st_mode & 0o777)
    with suppress(OSError, AttributeError):
        os.chown(new, was.st_uid, was.st_gid)


def _is_ready_to_go(path: Path, is_replacing: bool) -> bool:
    """Return whether the old file is sound and folded into one; False for one that is broken, to be kept as it is.

    Raises BackupRefused when it is not empty, or in use: its log can be folded in only when nobody else has it open.
    """
    try:
        with plain_file(path) as connection:
            nothing_in_it = is_empty(connection)
    except DatabaseError:
        nothing_in_it = False
    if not nothing_in_it and not is_replacing:
        raise BackupRefused(_NOT_EMPTY)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise BackupRefused(_IN_USE) from None
            return False
        except sqlite3.DatabaseError:
            return False
    return True


def _set_aside(path: Path, now: datetime, is_sound: bool) -> Path:
    """Keep the old file under another name, beside its own until the new one takes its place."""
    kept = path.with_name(f"{path.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
    try:
        os.link(path, kept)
    except FileExistsError:
        raise BackupRefused(f"{kept} exists: move it away, then restore again.") from None
    except OSError:
        shutil.copy2(path, kept)
    if not is_sound:
        for end in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + end).replace(kept.with_name(kept.name + end))
    return kept


def _restore_server(database: Database, source: OpenBackup, is_replacing: bool, progress: Progress) -> None:
    manifest = source.manifest
    with database.engine.connect() as connection:
        if connection.execute(_OTHERS).scalar_one():
            raise BackupRefused(_IN_USE)
        if not is_empty(connection) and not is_replacing:
            raise BackupRefused(_NOT_EMPTY)
        strange = set(inspect(connection).get_table_names()) - set(manifest.rows)
    if strange:
        raise BackupRefused(
            f"The database has tables that the backup does not know ({', '.join(sorted(strange)[:3])}): "
            "restore into a new database."
        )
    database.close()
    with beside(Path(source.path)) as dumped:
        source.extract(dumped, progress)
        postgres_programs.load(database.url, dumped, tables=len(manifest.rows), progress=progress)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
        if facts_of(connection).rows != manifest.rows:
            raise BackupRefused("The database does not hold what the backup says: restore into a new database.")
