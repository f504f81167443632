"""Databases of tests: a SQLite file each or, where TEST_DATABASE_URL names a PostgreSQL server, a database of it each.

The user of that URL must be allowed to create databases; what is made here is dropped again, and nothing else is
touched. `pg_virtualenv` gives such a server for as long as a command runs (CONTRIBUTING.md).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import Engine, MetaData, create_engine, make_url
from sqlalchemy.pool import StaticPool

from exchange.db.sealing import KeyRing
from exchange.db.session import Clock, Database
from exchange.db.upgrade import upgrade
from tests.postgres import Server

URL: Final = os.environ.get("TEST_DATABASE_URL", "")
SERVER: Final = Server(URL) if URL else None
only_on_postgres = pytest.mark.skipif(
    not URL, reason="It is about PostgreSQL: name a server in TEST_DATABASE_URL, or run it under pg_virtualenv."
)


@contextmanager
def new_database(folder: Path, *, like: str | None = None) -> Iterator[str]:
    """Give the URL of a new database until the block ends: empty, or a copy of the settled one at `like`."""
    if SERVER is not None:
        with SERVER.empty_database() if like is None else SERVER.copy_of(like) as url:
            yield url
        return
    path = folder / "exchange.db"
    if like is not None:
        shutil.copy(make_url(like).database or "", path)
    yield f"sqlite:///{path}"


@contextmanager
def new_engine(metadata: MetaData) -> Iterator[Engine]:
    """Give a plain engine on a database with these tables, empty; without a server the database is in memory."""
    if SERVER is None:
        engine = create_engine("sqlite://", poolclass=StaticPool)
        metadata.create_all(engine)
        yield engine
        engine.dispose()
        return
    with SERVER.copy_of(SERVER.template_of(metadata)) as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@contextmanager
def migrated_database(folder: Path, *, keys: KeyRing, clock: Clock) -> Iterator[str]:
    """Give the URL of a database at the newest revision, settled, so that copies can be made of it."""
    with new_database(folder) as url:
        database = Database(url, keys=keys, clock=clock)
        upgrade(database)
        settle(database)
        yield url


def settle(database: Database) -> None:
    """Close a database so that it can be copied: nobody is connected, and all of a file's changes are in the file."""
    if database.is_sqlite:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
