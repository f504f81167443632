"""FHIR resources are documents: kept as sent, sealed, every version; who sees one is a row that every read starts from.

`visible_document` has one row per (viewer, document), the writer included, with the hot columns of the type. Reads,
searches, includes, history and references of Bundles all go through it: the visibility predicate is in the SQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from exchange.db.base import Base, Id, UtcDateTime
from exchange.db.sealing import Sealed
from exchange.db.session import keys, now, stamp

document = Table(
    "document",
    Base.metadata,
    Column("id", Id, primary_key=True),
    Column("type", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("last_updated", BigInteger, nullable=False, comment="microseconds since 1970 UTC"),
    Column("author_id", Id, nullable=False, comment="the organisation that wrote it"),
    Column("body", LargeBinary, nullable=False, comment="sealed JSON"),
    Column("key_id", String(20), nullable=False),
    Index(None, "type", "id"),
    Index(None, "key_id"),
)

document_version = Table(
    "document_version",
    Base.metadata,
    Column("id", Id, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("last_updated", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("key_id", String(20), nullable=False),
    Index(None, "key_id"),
    comment="versions before the current one",
)

visible_document = Table(
    "visible_document",
    Base.metadata,
    Column("viewer_id", Id, primary_key=True),
    Column("document_id", Id, primary_key=True),
    Column("type", String(40), nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("is_author", Boolean, nullable=False),
    Column(
        "is_reduced", Boolean, nullable=False, comment="a Task without the person: before acceptance or after the end"
    ),
    Column("from_version", Integer, nullable=False),
    Column("until", UtcDateTime, comment="the release ends by itself then"),
    Column("status", String(40)),
    Column("owner", String(110)),
    Column("requester", String(110)),
    Index(None, "viewer_id", "type", "last_updated", "document_id"),
    Index(None, "viewer_id", "type", "status", "last_updated", "document_id"),
    Index(None, "viewer_id", "type", "owner", "last_updated", "document_id"),
    Index(None, "document_id"),
)

HOT = ("status", "owner", "requester")
#  an address of ours fits whole; of one elsewhere so much is what it is found by
LONGEST_HOT = 110


@dataclass(frozen=True, slots=True)
class Document:
    """A stored resource. `body` is its JSON, opened; `last_updated` is in microseconds; `is_reduced` says that the
    viewer gets it without the person."""

    type: str
    id: str
    version: int
    last_updated: int
    author_id: str
    body: bytes
    is_reduced: bool = False


def place(document_id: str, version: int) -> str:
    """Return what a body is sealed to."""
    return f"document/{document_id}/{version}"


def is_visible(viewer_id: str | BindParameter[str], at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the visibility predicate: the one every query of documents holds."""
    return and_(
        visible_document.c.viewer_id == viewer_id,
        or_(visible_document.c.until.is_(None), visible_document.c.until > at),
    )


CURRENT = (
    document.c.type, document.c.id, document.c.version, document.c.last_updated,
    document.c.author_id, document.c.body, document.c.key_id, visible_document.c.is_reduced,
)  # fmt: skip


#  Built once: making a statement anew costs more than SQLite takes to answer it, and these run several times a request
#  (docs/decisions/0070-what-the-first-profile-said.md).
_VISIBLE = is_visible(bindparam("viewer_id"), bindparam("at"))
_ONE = and_(document.c.id == bindparam("document_id"), document.c.type == bindparam("type_name"))
_READ = select(*CURRENT).join(visible_document, visible_document.c.document_id == document.c.id).where(_ONE, _VISIBLE)
_STORED = select(*[column for column in CURRENT if column.table is document]).where(
    document.c.id == bindparam("document_id")
)
_VISIBLE_IDS = select(visible_document.c.type, visible_document.c.document_id).where(
    _VISIBLE,
    visible_document.c.document_id.in_(bindparam("ids", expanding=True)),
    visible_document.c.is_reduced.is_(False),
)
_ADD, _ADD_VISIBLE, _PUT_AWAY = insert(document), insert(visible_document), insert(document_version)
_OLD = (
    select(document.c.last_updated, document.c.body, document.c.key_id)
    .where(document.c.id == bindparam("document_id"), document.c.version == bindparam("before"))
    .with_for_update()
)
_REPLACE = (
    update(document)
    .where(document.c.id == bindparam("document_id"))
    .values({name: bindparam(name) for name in ("version", "last_updated", "body", "key_id")})
)
_REPLACE_VISIBLE = (
    update(visible_document)
    .where(visible_document.c.document_id == bindparam("of"))
    .values({name: bindparam(name) for name in ("last_updated", *HOT)})
)


def opened(session: Session, row: Any) -> Document:
    """Return a row of `CURRENT` (or of the same columns) with its body opened."""
    body = keys(session).open(Sealed(row.key_id, row.body), place(row.id, row.version))
    return Document(row.type, row.id, row.version, row.last_updated, row.author_id, body, bool(row.is_reduced))


def read(session: Session, type_name: str, document_id: str, *, viewer_id: str) -> Document | None:
    """Return the current version of a document the viewer may see."""
    asked = {"document_id": document_id, "type_name": type_name, "viewer_id": viewer_id, "at": now(session)}
    row = session.execute(_READ, asked).first()
    return None if row is None else opened(session, row)


def history(session: Session, type_name: str, document_id: str, *, viewer_id: str) -> list[Document]:
    """Return the versions the viewer may see, newest first: those that were current while it was released to it."""
    current = session.execute(
        select(*CURRENT, visible_document.c.from_version)
        .join(visible_document, visible_document.c.document_id == document.c.id)
        .where(document.c.id == document_id, document.c.type == type_name, is_visible(viewer_id, now(session)))
    ).first()
    if current is None:
        return []
    versions = [opened(session, current)]
    if current.is_reduced:
        return versions
    past = session.execute(
        select(document_version)
        .where(document_version.c.id == document_id, document_version.c.version >= current.from_version)
        .order_by(document_version.c.version.desc())
    )
    for row in past:
        body = keys(session).open(Sealed(row.key_id, row.body), place(document_id, row.version))
        versions.append(Document(type_name, document_id, row.version, row.last_updated, current.author_id, body))
    return versions


def stored(session: Session, type_name: str, document_id: str) -> Document | None:
    """Return the current version whoever may see it: for actions that have decided that already."""
    found = by_id(session, document_id)
    return found if found is not None and found.type == type_name else None


def by_id(session: Session, document_id: str) -> Document | None:
    """Return the current version of a document by its id alone, for actions that have decided who may see it.

    A transaction asks once: nobody else changes a document while it has the turn, and what it writes itself is noted.
    """
    known = _known(session)
    if document_id not in known:
        row = session.execute(_STORED, {"document_id": document_id}).first()
        known[document_id] = None if row is None else _whole(session, row)
    return known[document_id]


def _whole(session: Session, row: Any) -> Document:
    body = keys(session).open(Sealed(row.key_id, row.body), place(row.id, row.version))
    return Document(row.type, row.id, row.version, row.last_updated, row.author_id, body)


def _known(session: Session) -> dict[str, Document | None]:
    known: dict[str, Document | None] = session.info.setdefault("documents", {})
    return known


def batch(session: Session, type_name: str | None, *, after: str, limit: int) -> list[Document]:
    """Return current documents in the order of ids, for rebuilding what they are found by."""
    query = select(document).where(document.c.id > after).order_by(document.c.id).limit(limit)
    if type_name is not None:
        query = query.where(document.c.type == type_name)
    return [_whole(session, row) for row in session.execute(query)]


def count(session: Session, type_name: str | None) -> int:
    """Return how many documents there are, of one type or of all."""
    query = select(func.count()).select_from(document)
    return session.execute(query if type_name is None else query.where(document.c.type == type_name)).scalar_one()


def visible_ids(session: Session, wanted: Iterable[tuple[str, str]], *, viewer_id: str) -> set[tuple[str, str]]:
    """Return which of these (type, id) the viewer may see whole: the check of every reference that is written."""
    ids = sorted({document_id for _type, document_id in wanted})
    if not ids:
        return set()
    rows = session.execute(_VISIBLE_IDS, {"ids": ids, "viewer_id": viewer_id, "at": now(session)})
    return {(row.type, row.document_id) for row in rows}


def author_of(session: Session, document_id: str) -> str | None:
    """Return the organisation that wrote a document."""
    return session.execute(select(document.c.author_id).where(document.c.id == document_id)).scalar()


def add(
    session: Session, type_name: str, document_id: str, body: bytes, *, author_id: str, hot: dict[str, str]
) -> Document:
    """Keep a new document as version 1, visible to its writer."""
    at = stamp(session)
    sealed = keys(session).seal(body, place(document_id, 1))
    row = {
        "id": document_id, "type": type_name, "version": 1, "last_updated": at,
        "author_id": author_id, "body": sealed.body, "key_id": sealed.key_id,
    }  # fmt: skip
    view = {
        "viewer_id": author_id, "document_id": document_id, "type": type_name, "last_updated": at,
        "is_author": True, "is_reduced": False, "from_version": 1,
    }  # fmt: skip
    session.execute(_ADD, row)
    session.execute(_ADD_VISIBLE, view | {name: hot.get(name) for name in HOT})
    kept = Document(type_name, document_id, 1, at, author_id, body)
    _known(session)[document_id] = kept
    return kept


def replace(session: Session, before: Document, body: bytes, *, hot: dict[str, str]) -> Document:
    """Keep the next version of a document; the one before goes into its history."""
    at, version = stamp(session), before.version + 1
    old = session.execute(_OLD, {"document_id": before.id, "before": before.version}).one()
    session.execute(_PUT_AWAY, {"id": before.id, "version": before.version} | dict(old._mapping))
    sealed = keys(session).seal(body, place(before.id, version))
    written = {"version": version, "last_updated": at, "body": sealed.body, "key_id": sealed.key_id}
    session.execute(_REPLACE, {"document_id": before.id} | written)
    session.execute(_REPLACE_VISIBLE, {"of": before.id, "last_updated": at} | {name: hot.get(name) for name in HOT})
    kept = Document(before.type, before.id, version, at, before.author_id, body)
    _known(session)[before.id] = kept
    return kept
