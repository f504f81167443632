"""The transaction is opened in the door, where it can be seen: `with transaction() as session:`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flask import Flask, current_app, g
from sqlalchemy.orm import Session

from exchange.config import Config
from exchange.db.session import Database, told_apart


def database() -> Database:
    """Return the database of this app."""
    found: Database = current_app.extensions["exchange_database"]
    return found


def config() -> Config:
    """Return the settings of this app."""
    found: Config = current_app.extensions["exchange_config"]
    return found


@contextmanager
def transaction() -> Iterator[Session]:
    """Open the one writing transaction; it commits on leaving, an error rolls it back. A snapshot from before ends."""
    end_reading()
    try:
        with database().write() as session:
            yield session
    finally:
        end_reading()


@contextmanager
def reading() -> Iterator[Session]:
    """Give the reading transaction of this request: one snapshot, which guard and view share until a write ends it."""
    held: tuple[ExitStack, Session] | None = g.get("reading")
    if held is None:
        stack = ExitStack()
        held = g.reading = (stack, stack.enter_context(database().read()))
    try:
        with told_apart():
            yield held[1]
    except BaseException:
        end_reading()
        raise


def end_reading() -> None:
    """Give back what this request reads from, where it reads."""
    held: tuple[ExitStack, Session] | None = g.pop("reading", None)
    if held is not None:
        held[0].close()


def share_reading(app: Flask) -> None:
    """Let the reading transaction of a request end with it at the latest."""

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        end_reading()
