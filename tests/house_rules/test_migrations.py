"""One history for all tables: its end equals both metadatas, it has one head, and the HEAD file names it."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, inspect

from tests.databases import new_database
from tests.house_rules.source import ROOT

MIGRATIONS: Final = ROOT / "exchange/db/migrations"
pytestmark = pytest.mark.skipif(
    not (MIGRATIONS / "env.py").is_file(), reason="exchange/db/migrations is not there yet."
)


def test_the_history_has_one_head_and_the_head_file_names_it() -> None:
    heads = ScriptDirectory.from_config(config()).get_heads()

    assert heads == [(MIGRATIONS / "HEAD").read_text(encoding="utf-8").strip()]


@pytest.mark.invariant("migrations-equal-tables", "The end of the migrations equals the tables, on both databases.")
def test_the_end_of_the_history_equals_the_tables(connection: Connection) -> None:
    settings = config()
    settings.attributes["connection"] = connection

    command.upgrade(settings, "head")

    context = MigrationContext.configure(connection, opts={"compare_type": True})
    assert compare_metadata(context, metadatas()) == []  # type: ignore[arg-type]  # a list of them is taken too


def test_every_table_of_the_directory_has_its_prefix_and_no_key_crosses_over() -> None:
    exchange, directory = metadatas()

    assert [name for name in directory.tables if not name.startswith("directory_")] == []
    assert [name for name in exchange.tables if name.startswith("directory_")] == []
    crossing = [
        key for table in exchange.tables.values() for key in table.foreign_keys if "directory_" in key.target_fullname
    ]
    assert crossing == []


def test_the_comparison_sees_a_table_that_was_never_migrated(connection: Connection) -> None:
    differences = compare_metadata(MigrationContext.configure(connection), metadatas())  # type: ignore[arg-type]

    assert {difference[1].name for difference in differences if difference[0] == "add_table"} == {
        name for metadata in metadatas() for name in metadata.tables
    }
    assert inspect(connection).get_table_names() == []


def config() -> Config:
    """Return Alembic's settings for our one history; `env.py` takes its connection from the attributes."""
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    return settings


def metadatas() -> list[MetaData]:
    """Return the metadata of the exchange and of the directory, with every module that holds tables imported."""
    import directory.tables
    import exchange.db
    from exchange.db.base import Base

    for module in pkgutil.iter_modules(exchange.db.__path__, "exchange.db."):
        if not module.ispkg:
            importlib.import_module(module.name)
    return [Base.metadata, directory.tables.Base.metadata]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with new_database(tmp_path) as url:
        engine = create_engine(url)
        with engine.connect() as opened:
            yield opened
        engine.dispose()
