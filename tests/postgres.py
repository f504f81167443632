"""Databases on a PostgreSQL server of the tests: made once for each template, then emptied between tests.

Copying a template for every test costs several times what emptying the dozen tables costs that a test has filled.
"""

import atexit
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, MetaData, Table, create_engine, insert, inspect, make_url, select

#  a test that left a connection behind must not keep the next one waiting
_END_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"  # noqa: E501


class Copy:
    """A copy of a template, which can be brought back to how the template was."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_engine(url, pool_size=1, max_overflow=0)
        names = inspect(self.engine).get_table_names()
        self._which_hold_rows = " UNION ALL ".join(
            f'SELECT \'"{name}"\' WHERE EXISTS (SELECT FROM "{name}")' for name in names
        )
        self._first_rows = self._rows_of_the_template()

    def _rows_of_the_template(self) -> list[tuple[Table, list[dict[str, Any]]]]:
        metadata = MetaData()
        with self.engine.connect() as connection:
            filled = [name.strip('"') for name in connection.exec_driver_sql(self._which_hold_rows).scalars()]
            metadata.reflect(connection, only=filled)
            return [
                (table, [dict(row) for row in connection.execute(select(table)).mappings()])
                for table in metadata.sorted_tables
            ]

    def bring_back(self) -> None:
        """Take out what a test has put in; counters begin again."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '20s'")
            connection.exec_driver_sql(_END_OTHERS)
            filled = list(connection.exec_driver_sql(self._which_hold_rows).scalars())
            if filled:
                connection.exec_driver_sql(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE")
            for table, rows in self._first_rows:
                connection.execute(insert(table), rows)


class Server:
    """The server at a URL; its user may create databases."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=0)
        self._made: list[str] = []
        self._idle: dict[str, list[Copy]] = {}
        self._templates: dict[int, str] = {}
        atexit.register(self._close)

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """Give the URL of a database of its own without tables; it is dropped afterwards."""
        url = self._create()
        try:
            yield url
        finally:
            for copy in self._idle.pop(url, []):
                self._drop(copy)
            self._run(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')
            self._made.remove(url)

    @contextmanager
    def copy_of(self, template: str) -> Iterator[str]:
        """Give the URL of a copy of a database to which nobody is connected."""
        idle = self._idle.setdefault(template, [])
        copy = idle.pop() if idle else Copy(self._create(template))
        try:
            yield copy.url
        finally:
            copy.bring_back()
            idle.append(copy)

    def template_of(self, metadata: MetaData) -> str:
        """Return the URL of a database with these tables, made at the first call."""
        if id(metadata) not in self._templates:
            self._templates[id(metadata)] = url = self._create()
            engine: Engine = create_engine(url)
            metadata.create_all(engine)
            engine.dispose()
        return self._templates[id(metadata)]

    def _create(self, template: str | None = None) -> str:
        name = f"exchange_test_{uuid.uuid4().hex[:16]}"
        like = f' TEMPLATE "{make_url(template).database}"' if template else ""
        self._run(f'CREATE DATABASE "{name}"{like}')
        url = self._url.set(database=name).render_as_string(hide_password=False)
        self._made.append(url)
        return url

    def _drop(self, copy: Copy) -> None:
        copy.engine.dispose()
        self._run(f'DROP DATABASE "{make_url(copy.url).database}" WITH (FORCE)')
        self._made.remove(copy.url)

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def _close(self) -> None:
        for copy in [copy for idle in self._idle.values() for copy in idle]:
            self._drop(copy)
        for url in self._made:
            self._run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')
        self._engine.dispose()
