"""Every row of a database, table by table: what a test looks at before and after, and a digest of it all."""

import hashlib
from collections.abc import Collection
from typing import Final

from sqlalchemy import Table, select

from directory.tables import Base as DirectoryBase
from exchange.db.base import Base
from exchange.db.session import Database

TABLES: Final[dict[str, Table]] = {**DirectoryBase.metadata.tables, **Base.metadata.tables}
#  what a refused request leaves by intent: its own audit row, in a transaction of its own (ARCHITECTURE §5)
AUDIT: Final = frozenset({"audit_event", "audit_block"})
#  what a start leaves as it found it
_KEPT: Final = frozenset({"write_order"})


def rows(database: Database, *, but: Collection[str] = ()) -> dict[str, list[str]]:
    """Return the rows of every table of the house and the directory, as texts in order, but those of some tables."""
    with database.read() as session:
        return {
            name: sorted(repr(tuple(row)) for row in session.execute(select(table)))
            for name, table in TABLES.items()
            if name not in but
        }


def digest(database: Database, *, but: Collection[str] = ()) -> str:
    """Return the SHA-256 of every row: equal before and after means that nothing was written at all."""
    found = rows(database, but=but)
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()


def take_all_out(database: Database) -> None:
    """Take out every row that tests have put in; only the order of writes goes on from where it stood."""
    with database.write() as session:
        for base in (Base, DirectoryBase):
            for table in reversed(base.metadata.sorted_tables):
                if table.name not in _KEPT:
                    session.execute(table.delete())
