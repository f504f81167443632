"""Where the databases of a benchmark lie: files in a folder, or databases on a PostgreSQL server."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import create_engine, make_url, text

from exchange.db.session import Database


class Databases(Protocol):
    """Databases by name; the first is named `stock`, and copies are made of it once it is settled."""

    def url(self, name: str) -> str:
        """Return the URL of a database, made when it is asked for the first time."""

    def settle(self, database: Database) -> None:
        """Close a database so that it can be copied whole."""

    def copy(self, name: str) -> None:
        """Make a database like the settled `stock`."""


@dataclass(frozen=True)
class Files:
    """SQLite: a file a name in a folder; the stock may lie in another one, to be used again."""

    folder: Path
    stock: Path | None = None

    def url(self, name: str) -> str:
        """Return the URL of a file."""
        return f"sqlite:///{self._file(name).as_posix()}"

    def _file(self, name: str) -> Path:
        return (self.stock if self.stock is not None and name == "stock" else self.folder) / f"{name}.db"

    def settle(self, database: Database) -> None:
        """Close a database whose file holds everything then."""
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()

    def copy(self, name: str) -> None:
        """Copy the file `stock`."""
        shutil.copyfile(self._file("stock"), self._file(name))


@dataclass(frozen=True)
class OnPostgres:
    """PostgreSQL: a database a name on a server, whose user may create databases; `run` sets this run's apart."""

    server: str
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    made: set[str] = field(default_factory=set)
    keeps_stock: bool = False

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        if name not in self.made and not (name == "stock" and self._is_there()):
            self._create(name, "template0")
        return make_url(self.server).set(database=self._name(name)).render_as_string(hide_password=False)

    def settle(self, database: Database) -> None:
        """Close a database; who comes after finds its statistics made."""
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        database.close()

    def copy(self, name: str) -> None:
        """Make a database with `stock` as its template."""
        self._create(name, self._name("stock"))

    def drop(self) -> None:
        """Drop every database of this run."""
        for name in sorted(self.made - ({"stock"} if self.keeps_stock else set())):
            self._do(f'DROP DATABASE IF EXISTS "{self._name(name)}" WITH (FORCE)')

    def _is_there(self) -> bool:
        engine = create_engine(self.server)
        with engine.connect() as connection:
            asked = text("SELECT count(*) FROM pg_database WHERE datname = :name")
            found = connection.execute(asked, {"name": self._name("stock")}).scalar()
        engine.dispose()
        return bool(found)

    def _name(self, name: str) -> str:
        return f"exchange_bench_{self.run}_{name.replace('-', '_')}"

    def _create(self, name: str, template: str) -> None:
        self._do(f'CREATE DATABASE "{self._name(name)}" TEMPLATE "{template}" STRATEGY file_copy')
        self.made.add(name)

    def _do(self, statement: str) -> None:
        engine = create_engine(self.server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def databases(folder: Path, postgres: str | None, stock: Path | None = None) -> Iterator[Databases]:
    """Give the databases of a run until the block ends: on the server at `postgres`, or in the folder.

    With `stock`, a folder, the database of that name stays; by the folder's name it is found again on a server.
    """
    if postgres is None:
        yield Files(folder, stock)
        return
    on_server = OnPostgres(postgres, stock.name, keeps_stock=True) if stock else OnPostgres(postgres)
    try:
        yield on_server
    finally:
        on_server.drop()
