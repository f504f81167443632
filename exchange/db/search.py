"""Searching documents: from what the caller may see, by hot columns first, then by the child table; keyset paging.

A reduced document (a Task without the person) is found only by what its reduced form shows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Table, and_, bindparam, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from exchange.db.document import CURRENT, Document, document, is_visible, opened, visible_document
from exchange.db.parameter import TABLES, sealed_value
from exchange.db.session import now
from fhir_mapping.search_parameters import DATE, STRING, SearchParameter

SHOWN_WHEN_REDUCED: Final = frozenset(
    {"_id", "_lastUpdated", "status", "business-status", "code", "intent", "owner", "priority"}
)
HOT_COLUMNS: Final = {("Task", "status"): "status", ("Task", "owner"): "owner", ("Task", "requester"): "requester"}


@dataclass(frozen=True, slots=True)
class Alternative:
    """One value of a parameter. Token: `system` None means any, "" means none; reference: `value` is "Type/id".

    Date: `prefix` (eq ne gt lt ge le sa eb) with `low` and `high` in microseconds, half-open.
    """

    value: str | None = None
    system: str | None = None
    prefix: str = "eq"
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter of a search, any of its alternatives; `modifier`: "", not, exact, missing-true, missing-false."""

    parameter: SearchParameter
    alternatives: tuple[Alternative, ...] = ()
    modifier: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Which slice: after a key (last_updated, id), not newer than the watermark; ascending by last_updated."""

    limit: int
    watermark: int
    after: tuple[int, str] | None = None
    descending: bool = False


_NEWEST = select(func.max(visible_document.c.last_updated)).where(
    visible_document.c.viewer_id == bindparam("viewer_id"), visible_document.c.type == bindparam("type_name")
)


def newest(session: Session, type_name: str, *, viewer_id: str) -> int:
    """Return the newest stamp of the documents of a type that the viewer sees, 0 without any: its own watermark.

    What is written later is stamped later than all that is committed, so a poller that asks `ge` it misses nothing;
    and it tells nothing of what others write (docs/decisions/0084-the-watermark-is-the-readers-own.md).
    """
    return session.execute(_NEWEST, {"viewer_id": viewer_id, "type_name": type_name}).scalar() or 0


def search(
    session: Session, type_name: str, criteria: tuple[Criterion, ...], page: Page, *, viewer_id: str
) -> list[Document]:
    """Return one more document than the page holds, when there is more, in the order of (last_updated, id)."""
    view = visible_document.c
    key = (view.last_updated, view.document_id)
    query = (
        select(*CURRENT)
        .join(document, document.c.id == view.document_id)
        .where(*_conditions(session, type_name, criteria, viewer_id), view.last_updated <= page.watermark)
        .order_by(*[column.desc() if page.descending else column for column in key])
        .limit(page.limit + 1)
    )
    if page.after is not None:
        last, document_id = page.after
        later = view.last_updated < last if page.descending else view.last_updated > last
        beyond = view.document_id < document_id if page.descending else view.document_id > document_id
        query = query.where(or_(later, and_(view.last_updated == last, beyond)))
    return [opened(session, row) for row in session.execute(query)]


def count(session: Session, type_name: str, criteria: tuple[Criterion, ...], *, viewer_id: str, watermark: int) -> int:
    """Return how many documents match: only asked for with `_total=accurate` or `_summary=count`."""
    conditions = _conditions(session, type_name, criteria, viewer_id)
    query = select(func.count()).select_from(visible_document)
    return int(session.execute(query.where(*conditions, visible_document.c.last_updated <= watermark)).scalar_one())


def matching_own(
    session: Session, type_name: str, criteria: tuple[Criterion, ...], *, author_id: str, limit: int = 2
) -> list[str]:
    """Return ids of documents that the caller's own organisation wrote: what a conditional create may match."""
    conditions = _conditions(session, type_name, criteria, author_id)
    query = select(visible_document.c.document_id).where(*conditions, visible_document.c.is_author.is_(True))
    return list(session.execute(query.order_by(visible_document.c.document_id).limit(limit)).scalars())


def included(session: Session, wanted: Collection[tuple[str, str]], *, viewer_id: str) -> list[Document]:
    """Return the current versions of those of the (type, id) that the viewer may see: what an `_include` brings."""
    ids = sorted({document_id for _type, document_id in wanted})
    rows = session.execute(
        select(*CURRENT)
        .join(visible_document, visible_document.c.document_id == document.c.id)
        .where(document.c.id.in_(ids), is_visible(viewer_id, now(session)))
        .order_by(document.c.last_updated, document.c.id)
    )
    return [opened(session, row) for row in rows if (row.type, row.id) in wanted]


def _conditions(
    session: Session, type_name: str, criteria: tuple[Criterion, ...], viewer_id: str
) -> list[ColumnElement[bool]]:
    conditions = [is_visible(viewer_id, now(session)), visible_document.c.type == type_name]
    for criterion in criteria:
        conditions.append(_condition(session, type_name, criterion))
        if criterion.parameter.code not in SHOWN_WHEN_REDUCED:
            conditions.append(visible_document.c.is_reduced.is_(False))
    return conditions


def _condition(session: Session, type_name: str, criterion: Criterion) -> ColumnElement[bool]:
    code, view = criterion.parameter.code, visible_document.c
    if code == "_id":
        return view.document_id.in_([one.value for one in criterion.alternatives])
    if code == "_lastUpdated":
        return or_(*[_instant(view.last_updated, one) for one in criterion.alternatives])
    hot = HOT_COLUMNS.get((type_name, code))
    if hot and criterion.modifier in ("", "not", "missing-true", "missing-false"):
        return _hot(view[hot], criterion)
    table = TABLES[type_name]
    here = and_(table.c.document_id == view.document_id, table.c.parameter == code)
    if criterion.modifier == "missing-true":
        return ~exists().where(here)
    if criterion.modifier == "missing-false":
        return exists().where(here)
    found = exists().where(here, or_(*[_row(session, table, criterion, one) for one in criterion.alternatives]))
    return not_(found) if criterion.modifier == "not" else found


def _hot(column: ColumnElement[str], criterion: Criterion) -> ColumnElement[bool]:
    if criterion.modifier.startswith("missing"):
        return column.is_(None) if criterion.modifier == "missing-true" else column.is_not(None)
    system = criterion.parameter.code_system
    values = [one.value for one in criterion.alternatives if one.system in (None, system) or not system]
    is_one = column.in_(values)
    return or_(column.is_(None), not_(is_one)) if criterion.modifier == "not" else is_one


def _row(session: Session, table: Table, criterion: Criterion, one: Alternative) -> ColumnElement[bool]:
    parameter = criterion.parameter
    if parameter.kind == DATE and not parameter.sealed:
        return _range(table, one)
    value = one.value or ""
    if parameter.sealed:
        word = f"={value}" if criterion.modifier == "exact" and parameter.kind == STRING else value
        matches = table.c.value == sealed_value(session, parameter.code, word)
    elif parameter.kind == STRING and criterion.modifier != "exact":
        matches = table.c.value.startswith(value, autoescape=True)
    else:
        matches = table.c.value == value
    if one.system is None:
        return matches
    return and_(matches, table.c.system == one.system) if one.value is not None else table.c.system == one.system


def _range(table: Table, one: Alternative) -> ColumnElement[bool]:
    """Compare the range a document holds with the range that was asked for (R4 search §3.1.1.5.7, prefixes)."""
    low, high = table.c.low, table.c.high
    return {
        "eq": and_(low >= one.low, high <= one.high),
        "ne": or_(low < one.low, high > one.high),
        "gt": high > one.high,
        "lt": low < one.low,
        "ge": high > one.low,
        "le": low < one.high,
        "sa": low >= one.high,
        "eb": high <= one.low,
    }[one.prefix]


def _instant(column: ColumnElement[int], one: Alternative) -> ColumnElement[bool]:
    return {
        "eq": and_(column >= one.low, column < one.high),
        "ne": or_(column < one.low, column >= one.high),
        "gt": column >= one.high,
        "lt": column < one.low,
        "ge": column >= one.low,
        "le": column < one.high,
        "sa": column >= one.high,
        "eb": column < one.low,
    }[one.prefix]
