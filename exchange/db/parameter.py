"""What documents are found by: one child table per type (document, parameter, system, value), rebuilt by reindexing.

What says who a person is stands there only as keyed hashes: exact, and of each beginning of a word (ARCHITECTURE §2).
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import BigInteger, Column, Index, String, Table, bindparam, delete, insert
from sqlalchemy.orm import Session

from exchange.db.base import Base, BigId, Id
from exchange.db.session import keys
from fhir_mapping.search_parameters import SEARCH_ROWS, STRING, Indexed, parameters_of

LONGEST_PREFIX: Final = 16
LONGEST_VALUE: Final = 300
#  projections of other tables have no documents to index
_PROJECTED: Final = frozenset({"Location", "HealthcareService", "AuditEvent"})


def _table(type_name: str) -> Table:
    return Table(
        f"parameter_{type_name.lower()}",
        Base.metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("document_id", Id, nullable=False),
        Column("parameter", String(40), nullable=False),
        Column("system", String(LONGEST_VALUE), nullable=False),
        Column("value", String(LONGEST_VALUE), nullable=False),
        Column("low", BigInteger),
        Column("high", BigInteger),
        Index(None, "document_id", "parameter"),
        Index(None, "parameter", "value", "document_id"),
        Index(None, "parameter", "low"),
    )


TABLES: Final = {name: _table(name) for name in SEARCH_ROWS if name not in _PROJECTED}
_WRITE: Final = {name: insert(table) for name, table in TABLES.items()}
_CLEAR: Final = {
    name: delete(table).where(table.c.document_id == bindparam("document_id")) for name, table in TABLES.items()
}


def sealed_value(session: Session, parameter: str, text: str) -> str:
    """Return the keyed hash by which a word about a person is found."""
    return keys(session).token(f"parameter/{parameter}", text)


def index(
    session: Session, type_name: str, document_id: str, found: Iterable[Indexed], *, is_new: bool = False
) -> None:
    """Write what a document is found by, over whatever stood there."""
    if not is_new:
        session.execute(_CLEAR[type_name], {"document_id": document_id})
    rows = [
        {
            "document_id": document_id,
            "parameter": one.parameter,
            "system": one.system[:LONGEST_VALUE],
            "value": value,
            "low": one.low,
            "high": one.high,
        }
        for one in found
        for value in _values(session, type_name, one)
    ]
    if rows:
        session.execute(_WRITE[type_name], rows)


def _values(session: Session, type_name: str, one: Indexed) -> Iterable[str]:
    parameter = parameters_of(type_name)[one.parameter]
    if not parameter.sealed:
        return (one.value[:LONGEST_VALUE],)
    if parameter.kind != STRING:
        return (sealed_value(session, one.parameter, one.value),)
    beginnings = {one.value[:length] for length in range(1, min(len(one.value), LONGEST_PREFIX) + 1)}
    words = {f"={one.value}"} | beginnings | {one.value}
    return [sealed_value(session, one.parameter, word) for word in sorted(words)]
