"""Searching documents: from what the caller may see, by hot columns first, then by the child table; keyset paging.

A reduced document (a Task without the person) is found only by what its reduced form shows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    String,
    Table,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import Session

from exchange.db.document import CURRENT, Document, document, is_visible, opened, visible_document
from exchange.db.parameter import TABLES, sealed_value
from exchange.db.session import now
from fhir_mapping.search_parameters import DATE, REFERENCE, STRING, SearchParameter

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
    last, document_id = page.after or (None, None)
    asked = _asked(session, type_name, criteria, viewer_id)
    asked |= {"watermark": page.watermark, "limit": page.limit + 1, "last": last, "last_id": document_id}
    shape = _shapes(type_name, criteria)
    query = _page(type_name, shape, is_further=page.after is not None, descending=page.descending)
    return [opened(session, row) for row in session.execute(query, asked)]


def count(session: Session, type_name: str, criteria: tuple[Criterion, ...], *, viewer_id: str, watermark: int) -> int:
    """Return how many documents match: only asked for with `_total=accurate` or `_summary=count`."""
    asked = _asked(session, type_name, criteria, viewer_id) | {"watermark": watermark}
    query = select(func.count()).select_from(visible_document)
    query = query.where(*_conditions(type_name, _shapes(type_name, criteria)), _NOT_NEWER)
    return int(session.execute(query, asked).scalar_one())


def matching_own(
    session: Session, type_name: str, criteria: tuple[Criterion, ...], *, author_id: str, limit: int = 2
) -> list[str]:
    """Return ids of documents that the caller's own organisation wrote: what a conditional create may match."""
    conditions = _conditions(type_name, _shapes(type_name, criteria))
    query = select(visible_document.c.document_id).where(*conditions, visible_document.c.is_author.is_(True))
    query = query.order_by(visible_document.c.document_id).limit(limit)
    return list(session.execute(query, _asked(session, type_name, criteria, author_id)).scalars())


def included(session: Session, wanted: Collection[tuple[str, str]], *, viewer_id: str) -> list[Document]:
    """Return the current versions of those of the (type, id) that the viewer may see: what an `_include` brings."""
    ids = sorted({document_id for _type, document_id in wanted})
    rows = session.execute(_INCLUDED, {"ids": ids, "viewer_id": viewer_id, "at": now(session)})
    return [opened(session, row) for row in rows if (row.type, row.id) in wanted]


#  A search is built once for each shape: which parameters, modifiers and prefixes, how many alternatives. Its values
#  come beside it (docs/decisions/0071-what-the-second-profile-said.md).
Shape = tuple[SearchParameter, str, tuple[tuple[str, bool, bool], ...], bool]
#  the beginning of a word stands for few people from so many letters on
LETTERS_OF_FEW: Final = 3
_VISIBLE: Final = is_visible(bindparam("viewer_id"), bindparam("at"))
_NOT_NEWER: Final = visible_document.c.last_updated <= bindparam("watermark")
_INCLUDED: Final = (
    select(*CURRENT)
    .join(visible_document, visible_document.c.document_id == document.c.id)
    .where(document.c.id.in_(bindparam("ids", expanding=True)), _VISIBLE)
    .order_by(document.c.last_updated, document.c.id)
)


def _shapes(type_name: str, criteria: tuple[Criterion, ...]) -> tuple[Shape, ...]:
    return tuple(
        (
            one.parameter,
            one.modifier,
            tuple((value.prefix, value.system is None, value.value is None) for value in one.alternatives),
            (type_name, one.parameter.code) not in HOT_COLUMNS and _is_of_few(one),
        )
        for one in criteria
    )


def _column(name: str, shape: tuple[Shape, ...]) -> ColumnElement[Any]:
    """Return a column of the view: for a search of few as an expression, which no index serves.

    SQLite would walk all that a viewer sees in order, and look for each document among the few: 160 ms in a million.
    """
    column = visible_document.c[name]
    return column + ("" if name == "type" else 0) if any(one[3] for one in shape) else column


def _is_of_few(criterion: Criterion) -> bool:
    """Return whether few documents are likely to hold what is asked: an identifier, a reference, a word of a person."""
    parameter = criterion.parameter
    if criterion.modifier not in ("", "exact"):
        return False
    if parameter.sealed and parameter.kind == STRING:
        return all(len(one.value or "") >= LETTERS_OF_FEW for one in criterion.alternatives)
    return parameter.sealed or parameter.code == "identifier" or parameter.kind == REFERENCE


@lru_cache(maxsize=512)
def _page(type_name: str, shape: tuple[Shape, ...], *, is_further: bool, descending: bool) -> Select[Any]:
    view, updated = visible_document.c, _column("last_updated", shape)
    key = (updated, view.document_id)
    query = (
        select(*CURRENT)
        .join(document, document.c.id == view.document_id)
        .where(*_conditions(type_name, shape), updated <= bindparam("watermark"))
        .order_by(*[column.desc() if descending else column for column in key])
        .limit(bindparam("limit", type_=Integer))
    )
    if is_further:
        last, last_id = bindparam("last", type_=BigInteger), bindparam("last_id", type_=String)
        later = updated < last if descending else updated > last
        beyond = view.document_id < last_id if descending else view.document_id > last_id
        query = query.where(or_(later, and_(updated == last, beyond)))
    return query


def _asked(session: Session, type_name: str, criteria: tuple[Criterion, ...], viewer_id: str) -> dict[str, object]:
    """Return the values of a search, by the names that its statement has for them."""
    values: dict[str, object] = {"viewer_id": viewer_id, "at": now(session)}
    for place, criterion in enumerate(criteria):
        parameter, alternatives = criterion.parameter, criterion.alternatives
        if parameter.code == "_id" or (type_name, parameter.code) in HOT_COLUMNS:
            system = parameter.code_system
            known = [one.value for one in alternatives if one.system in (None, system) or not system]
            values[f"values_{place}"] = known
        for number, one in enumerate(alternatives):
            mark = f"{place}_{number}"
            values |= {f"low_{mark}": one.low, f"high_{mark}": one.high, f"system_{mark}": one.system}
            if parameter.kind != DATE or parameter.sealed:
                values[f"value_{mark}"] = _value(session, criterion, one)
    return values


def _value(session: Session, criterion: Criterion, one: Alternative) -> str:
    parameter, value = criterion.parameter, one.value or ""
    if parameter.sealed:
        word = f"={value}" if criterion.modifier == "exact" and parameter.kind == STRING else value
        return sealed_value(session, parameter.code, word)
    if parameter.kind == STRING and criterion.modifier != "exact":
        return value.replace("/", "//").replace("%", "/%").replace("_", "/_") + "%"
    return value


def _conditions(type_name: str, shape: tuple[Shape, ...]) -> list[ColumnElement[bool]]:
    conditions = [_VISIBLE, _column("type", shape) == type_name]
    for place, one in enumerate(shape):
        conditions.append(_condition(type_name, one, place))
        if one[0].code not in SHOWN_WHEN_REDUCED:
            conditions.append(visible_document.c.is_reduced.is_(False))
    return conditions


def _condition(type_name: str, shape: Shape, place: int) -> ColumnElement[bool]:
    parameter, modifier, alternatives, is_of_few = shape
    code, view = parameter.code, visible_document.c
    values = bindparam(f"values_{place}", expanding=True)
    if code == "_id":
        return view.document_id.in_(values)
    if code == "_lastUpdated":
        return or_(*[_instant(view.last_updated, one[0], f"{place}_{n}") for n, one in enumerate(alternatives)])
    hot = HOT_COLUMNS.get((type_name, code))
    if hot and modifier in ("", "not", "missing-true", "missing-false"):
        return _hot(view[hot], modifier, values)
    table = TABLES[type_name]
    here = and_(table.c.document_id == view.document_id, table.c.parameter == code)
    if modifier == "missing-true":
        return ~exists().where(here)
    if modifier == "missing-false":
        return exists().where(here)
    rows = [_row(table, parameter, modifier, one, f"{place}_{number}") for number, one in enumerate(alternatives)]
    if is_of_few:
        #  start from the few that hold it; `exists` would look at each document of the viewer
        return view.document_id.in_(select(table.c.document_id).where(table.c.parameter == code, or_(*rows)))
    found = exists().where(here, or_(*rows))
    return not_(found) if modifier == "not" else found


def _hot(column: ColumnElement[str], modifier: str, values: BindParameter[Any]) -> ColumnElement[bool]:
    if modifier.startswith("missing"):
        return column.is_(None) if modifier == "missing-true" else column.is_not(None)
    is_one = column.in_(values)
    return or_(column.is_(None), not_(is_one)) if modifier == "not" else is_one


def _row(
    table: Table, parameter: SearchParameter, modifier: str, one: tuple[str, bool, bool], mark: str
) -> ColumnElement[bool]:
    prefix, any_system, no_value = one
    if parameter.kind == DATE and not parameter.sealed:
        return _range(table, prefix, mark)
    value, system = (
        bindparam(f"value_{mark}", type_=String),
        table.c.system == bindparam(f"system_{mark}", type_=String),
    )
    if parameter.kind == STRING and not parameter.sealed and modifier != "exact":
        matches: ColumnElement[bool] = table.c.value.like(value, escape="/")
    else:
        matches = table.c.value == value
    if any_system:
        return matches
    return system if no_value else and_(matches, system)


def _range(table: Table, prefix: str, mark: str) -> ColumnElement[bool]:
    """Compare the range a document holds with the range that was asked for (R4 search §3.1.1.5.7, prefixes)."""
    low, high = table.c.low, table.c.high
    asked_low, asked_high = _bounds(mark)
    return {
        "eq": and_(low >= asked_low, high <= asked_high),
        "ne": or_(low < asked_low, high > asked_high),
        "gt": high > asked_high,
        "lt": low < asked_low,
        "ge": high > asked_low,
        "le": low < asked_high,
        "sa": low >= asked_high,
        "eb": high <= asked_low,
    }[prefix]


def _instant(column: ColumnElement[int], prefix: str, mark: str) -> ColumnElement[bool]:
    low, high = _bounds(mark)
    return {
        "eq": and_(column >= low, column < high),
        "ne": or_(column < low, column >= high),
        "gt": column >= high,
        "lt": column < low,
        "ge": column >= low,
        "le": column < high,
        "sa": column >= high,
        "eb": column < low,
    }[prefix]


def _bounds(mark: str) -> tuple[BindParameter[int], BindParameter[int]]:
    return bindparam(f"low_{mark}", type_=BigInteger), bindparam(f"high_{mark}", type_=BigInteger)
