"""Bring a database to the newest version of its tables; run twice it does nothing the second time."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from exchange.db.session import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config(connection: Connection, **attributes: Any) -> Config:
    """Return Alembic's settings for a connection that is already in its transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes.update(connection=connection, **attributes)
    return config


def head() -> str:
    """Return the newest revision, as the HEAD file names it: two branches collide there in git."""
    return (MIGRATIONS / "HEAD").read_text().strip()


def revision_of(database: Database) -> str | None:
    """Return the revision a database is at, None for an empty one."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_behind(session: Session) -> bool:
    """Return whether the tables are older than this release needs.

    A revision that this release does not know is a later one: the release before must go on working with it, so that
    `db upgrade` can run first (docs/upgrading.md).
    """
    revision = MigrationContext.configure(session.connection()).get_current_revision()
    known = {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.py")}
    return revision is None or (revision in known and revision != head())


def upgrade(database: Database) -> str:
    """Migrate a database to the newest revision, in one transaction, and return that revision."""
    with database.engine.begin() as connection:
        command.upgrade(alembic_config(connection), "head")
    return head()
