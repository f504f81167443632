"""The transaction is opened in the door, where it can be seen: `with transaction() as session:`."""

from contextlib import AbstractContextManager

from flask import current_app
from sqlalchemy.orm import Session

from exchange.config import Config
from exchange.db.session import Database


def database() -> Database:
    """Return the database of this app."""
    found: Database = current_app.extensions["exchange_database"]
    return found


def config() -> Config:
    """Return the settings of this app."""
    found: Config = current_app.extensions["exchange_config"]
    return found


def transaction() -> AbstractContextManager[Session]:
    """Open the one writing transaction; it commits on leaving, an error rolls it back."""
    return database().write()


def reading() -> AbstractContextManager[Session]:
    """Open a reading transaction: one snapshot."""
    return database().read()
