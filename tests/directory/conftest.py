"""A database with the directory's tables, and the transaction that importing asks for."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from directory.importing import ImportReport, import_source
from directory.tables import Base
from tests.databases import new_engine

DATA = Path(__file__).parents[1] / "data" / "directory"
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
Import = Callable[..., ImportReport]


@contextmanager
def tables() -> Iterator[Engine]:
    """Give an engine on a new database with empty tables of the directory."""
    with new_engine(Base.metadata) as made:
        yield made


def transactions(engine: Engine) -> Callable[[], AbstractContextManager[Session]]:
    """Return what opens a transaction that commits at its end."""

    @contextmanager
    def open_transaction() -> Iterator[Session]:
        with Session(engine) as session, session.begin():
            yield session

    return open_transaction


@pytest.fixture
def engine() -> Iterator[Engine]:
    with tables() as made:
        yield made


@pytest.fixture
def transaction(engine: Engine) -> Callable[[], AbstractContextManager[Session]]:
    return transactions(engine)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


@pytest.fixture
def load(transaction: Callable[[], AbstractContextManager[Session]]) -> Import:
    """Return what imports a path; a name alone is a folder of tests/data/directory."""

    def load_path(path: str | Path, **options: object) -> ImportReport:
        whole = DATA / path if isinstance(path, str) else path
        return import_source(transaction, whole, **({"now": NOW} | options))  # type: ignore[arg-type]

    return load_path
