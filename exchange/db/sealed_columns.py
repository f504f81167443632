"""Every column that is sealed, as one table: so that a rotation of the keys leaves none of them out.

A row of the audit keeps the key it was sealed with: the hash of its block covers the sealed query and the id of its
key, and a chain that may be rewritten proves nothing (docs/decisions/0080-a-rotation-reseals-online.md).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table, and_, func, or_, select, update
from sqlalchemy.orm import Session

from exchange.db.audit import audit_event
from exchange.db.base import Base
from exchange.db.document import document, document_version, place
from exchange.db.referral import ReferralRow
from exchange.db.repeat import FirstAnswerRow
from exchange.db.sealing import SealBroken, Sealed
from exchange.db.session import keys
from exchange.db.webhook import WebhookRow


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """Where sealed values stand, and to which place each is bound."""

    table: Table
    column: str
    place: Callable[[Any], str]


def _table(row: type[Base]) -> Table:
    return Base.metadata.tables[row.__tablename__]


def sealed_columns() -> tuple[SealedColumn, ...]:
    """Return the columns that a rotation seals anew. The places are those that the modules of the tables give."""
    return (
        SealedColumn(document, "body", lambda row: place(row.id, row.version)),
        SealedColumn(document_version, "body", lambda row: place(row.id, row.version)),
        SealedColumn(_table(ReferralRow), "reason_text", lambda row: f"reason/{row.id}"),
        SealedColumn(_table(WebhookRow), "secret", lambda row: f"webhook/{row.id}"),
        SealedColumn(_table(FirstAnswerRow), "body", lambda row: f"answer/{row.organization_id}/{row.key_hash}"),
    )


KEEP_THEIR_KEY: Final = (audit_event,)
Place = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Resealed:
    """What one batch did. `broken` values do not open and were left as they are; `last` is None at the end."""

    values: int
    broken: int
    last: Place | None


def reseal(session: Session, sealed: SealedColumn, *, after: Place | None, limit: int) -> Resealed:
    """Seal the next values of a column with the current key, in the order of the primary key.

    What a reader gets stays the same to the byte: neither version nor `last_updated` moves. The caller has taken its
    turn to write, so no other writer is between looking at these rows and its commit.
    """
    table, ring = sealed.table, keys(session)
    key, body = tuple(table.primary_key), table.c[sealed.column]
    query = select(*key, *_also_read(sealed), body.label("sealed"), table.c.key_id)
    query = query.where(table.c.key_id != ring.current, body.is_not(None)).order_by(*key).limit(limit)
    rows = session.execute(query if after is None else query.where(_behind(key, after))).all()
    broken = 0
    for row in rows:
        where = sealed.place(row)
        try:
            anew = ring.seal(ring.open(Sealed(row.key_id, row.sealed), where), where)
        except SealBroken:
            broken += 1
            continue
        session.execute(
            update(table)
            .where(*[column == getattr(row, column.name) for column in key], table.c.key_id == row.key_id)
            .values({sealed.column: anew.body, "key_id": anew.key_id})
        )
    last = tuple(getattr(rows[-1], column.name) for column in key) if len(rows) == limit else None
    return Resealed(len(rows) - broken, broken, last)


def _also_read(sealed: SealedColumn) -> Iterable[Any]:
    """Return what a place is made of beside the primary key: the version of a document's current row."""
    return () if "version" not in sealed.table.c or sealed.table.c.version.primary_key else (sealed.table.c.version,)


def _behind(key: tuple[Any, ...], after: Place) -> Any:
    """Return which rows come after a primary key, spelled out so that both databases walk their index."""
    if len(key) == 1:
        return key[0] > after[0]
    return or_(key[0] > after[0], and_(key[0] == after[0], _behind(key[1:], after[1:])))


def waiting(session: Session, current: str) -> int:
    """Return how many values are still sealed with another key than the current one and can be sealed anew."""
    counts = (
        select(func.count()).select_from(sealed.table).where(_is_sealed(sealed.table), sealed.table.c.key_id != current)
        for sealed in sealed_columns()
    )
    return sum(session.execute(count).scalar_one() for count in counts)


def needed(session: Session) -> dict[str, dict[str, int]]:
    """Return for each key how many rows of which table need it: {"k1": {"audit_event": 12}}."""
    found: dict[str, dict[str, int]] = {}
    for table in (*[sealed.table for sealed in sealed_columns()], *KEEP_THEIR_KEY):
        query = select(table.c.key_id, func.count()).where(_is_sealed(table)).group_by(table.c.key_id)
        for key_id, count in session.execute(query):
            found.setdefault(key_id, {})[table.name] = count
    return found


def _is_sealed(table: Table) -> Any:
    return table.c.key_id.is_not(None)
