"""Who did what to which document: appended with the write itself, sealed into a chain of blocks afterwards.

Rows are inserted without a chain, so nothing serialises on a chain head; one sealer at a time, holding a lease, puts
every unsealed row into a block: the hash of the rows and of the block before, signed. `verify` recomputes it all.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from exchange.db.base import Base, BigId, Id, microseconds
from exchange.db.ids import new_id
from exchange.db.sealing import Sealed
from exchange.db.session import keys

audit_event = Table(
    "audit_event",
    Base.metadata,
    Column("id", Id, primary_key=True),
    Column("at", BigInteger, nullable=False, comment="microseconds since 1970 UTC"),
    Column("action", String(1), nullable=False, comment="C R U D E, as AuditEvent.action"),
    Column("interaction", String(40), nullable=False),
    Column("outcome", String(2), nullable=False, comment="0 done, 4 refused, 8 failed"),
    Column("status", Integer, comment="what the door answered"),
    Column("actor_kind", String(20), nullable=False),
    Column("organization_id", Id),
    Column("actor_id", String(64)),
    Column("actor_name", String(200), nullable=False),
    Column("type", String(40)),
    Column("document_id", String(64)),
    Column("version", Integer),
    Column("patient_id", Id),
    Column("author_id", Id, comment="the organisation that wrote the document: it may read this row"),
    Column("referral_id", Id),
    Column("purpose", String(300)),
    Column("source", String(20)),
    Column("address", String(64)),
    Column("request_id", String(64)),
    Column("query", LargeBinary, comment="sealed"),
    Column("key_id", String(20)),
    Column("block_id", Integer, index=True),
    Index(None, "organization_id", "at", "id"),
    Index(None, "author_id", "at", "id"),
    Index(None, "document_id", "at"),
)

audit_block = Table(
    "audit_block",
    Base.metadata,
    Column("id", BigId, primary_key=True),
    Column("sealed_at", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("rows_hash", String(64), nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column(
        "signature", String(64), nullable=False, comment="keyed: a forger needs the key file, not only the database"
    ),
)

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit. `query` is what was searched for: health data, sealed when it is written."""

    at: datetime
    action: str
    interaction: str
    outcome: str
    actor_kind: str
    actor_name: str
    organization_id: str | None = None
    actor_id: str | None = None
    status: int | None = None
    type: str | None = None
    document_id: str | None = None
    version: int | None = None
    patient_id: str | None = None
    author_id: str | None = None
    referral_id: str | None = None
    purpose: str | None = None
    source: str | None = None
    address: str | None = None
    request_id: str | None = None
    query: str | None = None


_SAID = tuple(field.name for field in fields(AuditEntry))
_said = attrgetter(*_SAID)
_APPEND = insert(audit_event)


def write(session: Session, entries: Iterable[AuditEntry]) -> list[str]:
    """Append audit rows in the caller's transaction and return their ids."""
    rows = []
    for entry in entries:
        row: dict[str, Any] = dict(zip(_SAID, _said(entry), strict=True))
        row["id"], row["at"], row["key_id"] = new_id(), microseconds(entry.at), None
        row["actor_name"] = entry.actor_name[:200]
        row["document_id"] = (entry.document_id or "")[:64] or None
        if entry.query is not None:
            sealed = keys(session).seal(entry.query.encode(), f"audit/{row['id']}")
            row["query"], row["key_id"] = sealed.body, sealed.key_id
        rows.append(row)
    if rows:
        session.execute(_APPEND, rows)
    return [row["id"] for row in rows]


_COLUMNS = (
    "id",
    "at",
    *[field.name for field in fields(AuditEntry) if field.name not in ("at", "query")],
    "query",
    "key_id",
)


def row_hash(row: Any) -> str:
    """Return the SHA-256 of everything an audit row says, sealed query included."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    values["query"] = values["query"].hex() if values["query"] is not None else None
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _block_hash(block_id: int, rows_hash: str, previous: str, count: int, sealed_at: int) -> str:
    return hashlib.sha256(f"{block_id}\n{rows_hash}\n{previous}\n{count}\n{sealed_at}".encode()).hexdigest()


def seal(session: Session, now: datetime, *, limit: int = 5_000) -> int:
    """Put the unsealed rows into the next block and return how many. The caller holds the lease `audit-sealer`."""
    rows = session.execute(
        select(audit_event).where(audit_event.c.block_id.is_(None)).order_by(audit_event.c.id).limit(limit)
    ).all()
    if not rows:
        return 0
    last = session.execute(select(audit_block).order_by(audit_block.c.id.desc()).limit(1)).first()
    block_id, previous = (last.id + 1, last.hash) if last else (1, GENESIS)
    rows_hash, sealed_at = _rows_hash(rows), microseconds(now)
    block_hash = _block_hash(block_id, rows_hash, previous, len(rows), sealed_at)
    session.execute(
        insert(audit_block).values(
            id=block_id, sealed_at=sealed_at, rows=len(rows), rows_hash=rows_hash, previous_hash=previous,
            hash=block_hash, signature=keys(session).signature(block_hash.encode()),
        )
    )  # fmt: skip
    session.execute(update(audit_event).where(audit_event.c.id.in_([row.id for row in rows])).values(block_id=block_id))
    return len(rows)


def _rows_hash(rows: Iterable[Any]) -> str:
    return hashlib.sha256("".join(row_hash(row) for row in rows).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verification:
    """What the check of the audit found; `broken` are sentences, empty when everything holds."""

    blocks: int
    rows: int
    unsealed: int
    broken: tuple[str, ...]


def verify(session: Session) -> Verification:
    """Recompute every block and the chain between them."""
    broken: list[str] = []
    previous, sealed_rows, blocks = GENESIS, 0, 0
    for number, block in enumerate(session.execute(select(audit_block).order_by(audit_block.c.id)), start=1):
        rows = session.execute(
            select(audit_event).where(audit_event.c.block_id == block.id).order_by(audit_event.c.id)
        ).all()
        broken += _faults(session, block, number, previous, rows)
        previous, blocks, sealed_rows = block.hash, blocks + 1, sealed_rows + len(rows)
    total = session.execute(select(func.count()).select_from(audit_event)).scalar_one()
    return Verification(blocks, total, total - sealed_rows, tuple(broken))


def _faults(session: Session, block: Any, number: int, previous: str, rows: list[Any]) -> Iterator[str]:
    if block.id != number:
        yield f"Block {number} is missing: the chain jumps to block {block.id}."
    if block.previous_hash != previous:
        yield f"Block {block.id} does not follow the block before it."
    if len(rows) != block.rows:
        yield f"Block {block.id} sealed {block.rows} rows and holds {len(rows)}."
    elif _rows_hash(rows) != block.rows_hash:
        yield f"A row of block {block.id} was changed after it was sealed."
    if block.hash != _block_hash(block.id, block.rows_hash, block.previous_hash, block.rows, block.sealed_at):
        yield f"The hash of block {block.id} is wrong."
    if block.signature != keys(session).signature(block.hash.encode()):
        yield f"The signature of block {block.id} is wrong."


def oldest_unsealed(session: Session) -> int | None:
    """Return the time (microseconds) of the oldest row that is in no block yet."""
    return session.execute(select(func.min(audit_event.c.at)).where(audit_event.c.block_id.is_(None))).scalar()


def readable(
    session: Session, organization_id: str, *, after: tuple[int, str] | None, limit: int, **wanted: Any
) -> list[Any]:
    """Return rows the organisation may read: what it did, and what was done to documents it wrote; oldest first.

    `wanted` filters by column; `since` and `before` bound `at` in microseconds.
    """
    table = audit_event.c
    query = select(audit_event).where(or_(table.organization_id == organization_id, table.author_id == organization_id))
    for name, value in wanted.items():
        if value is None:
            continue
        if name == "since":
            query = query.where(table.at >= value)
        elif name == "before":
            query = query.where(table.at < value)
        else:
            query = query.where(
                table[name].in_(value) if isinstance(value, (list, tuple, set)) else table[name] == value
            )
    if after is not None:
        query = query.where(or_(table.at > after[0], and_(table.at == after[0], table.id > after[1])))
    return list(session.execute(query.order_by(table.at, table.id).limit(limit)))


def query_of(session: Session, row: Any) -> str | None:
    """Return the query string of an audit row, opened."""
    if row.query is None:
        return None
    return keys(session).open(Sealed(row.key_id, row.query), f"audit/{row.id}").decode()
