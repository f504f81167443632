"""A database with the directory's tables, and the transaction that importing asks for."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from directory.importing import ImportReport, import_source
from directory.tables import Base

DATA = Path(__file__).parents[1] / "data" / "directory"
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
Import = Callable[..., ImportReport]
POSTGRES = os.environ.get("EXCHANGE_TEST_POSTGRES_URL") or os.environ.get("TEST_DATABASE_URL")
URLS = ["sqlite://", *filter(None, [POSTGRES])]


@contextmanager
def tables(url: str) -> Iterator[Engine]:
    """Give an engine on a database with empty tables of the directory."""
    options = {"poolclass": StaticPool} if url.startswith("sqlite") else {}
    made = create_engine(url, **options)
    Base.metadata.drop_all(made)
    Base.metadata.create_all(made)
    yield made
    Base.metadata.drop_all(made)
    made.dispose()


def transactions(engine: Engine) -> Callable[[], AbstractContextManager[Session]]:
    """Return what opens a transaction that commits at its end."""

    @contextmanager
    def open_transaction() -> Iterator[Session]:
        with Session(engine) as session, session.begin():
            yield session

    return open_transaction


@pytest.fixture(params=URLS, ids=lambda url: url.partition(":")[0])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with tables(request.param) as made:
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
