"""A great stock: what sending one referral left in the tables, copied row by row under new ids.

Sending a million referrals by the real actions takes hours. A copy has its own ids, bodies sealed to their places, and
a patient with every tenth referral. What no copy has: names that differ (its words are hashes of their own, so that no
word is rarer or commoner than it would be), and a block of the audit.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Integer, Table, insert, or_, select, update
from sqlalchemy.orm import Session

from exchange.db.base import Base
from exchange.db.document import place
from exchange.db.ids import new_id
from exchange.db.sealing import KeyRing, Sealed
from exchange.db.session import Database
from exchange.db.setting import write_order

Row = dict[str, Any]
REFERRALS_OF_A_PATIENT: Final = 10
AT_ONCE: Final = 2_000
#  the transaction that was begun is ended: its settings cannot be changed inside
_FAST: Final = ("ROLLBACK", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-2000000")
_FULL: Final = ("ROLLBACK", "PRAGMA synchronous=FULL")
_OWN: Final = ("id", "document_id", "referral_id")
_STAMPS: Final = ("last_updated", "changed", "at")


@dataclass(frozen=True)
class Sent:
    """One referral that was sent: the ids of its documents."""

    patient: str
    request: str
    task: str


@dataclass(frozen=True)
class Pattern:
    """A row to be copied: what is the same in each copy, which texts name an id, and what else becomes its own."""

    table: Table
    fixed: Row
    naming: dict[str, str]
    stamps: tuple[str, ...]
    has_own_id: bool
    plain: str | None
    is_word: bool


def multiply(database: Database, sent: Sent, count: int, progress: Callable[[int, int], None]) -> None:
    """Copy a referral `count` times. The stamps of the copies go on from the last one."""
    with database.read() as session:
        of_patient = list(_patterns(session, database.keys, {sent.patient}))
        of_referral = list(_patterns(session, database.keys, {sent.request, sent.task}, besides={sent.patient}))
        last = session.execute(select(write_order.c.stamp)).scalar_one()
    names = {sent.patient: sent.patient}
    with database.engine.connect() as connection:
        for statement in _FAST if database.is_sqlite else ("SET synchronous_commit = off",):
            connection.exec_driver_sql(statement)
        connection.commit()
        for first in range(0, count, AT_ONCE):
            waiting: dict[Table, list[Row]] = {}
            for number in range(first, min(first + AT_ONCE, count)):
                if number % REFERRALS_OF_A_PATIENT == 0:
                    names = {sent.patient: new_id()}
                    _copy(of_patient, names, last + number, database.keys, waiting)
                names |= {sent.request: new_id(), sent.task: new_id()}
                _copy(of_referral, names, last + number, database.keys, waiting)
            for table in Base.metadata.sorted_tables:
                if waiting.get(table):
                    connection.execute(insert(table), waiting[table])
            connection.execute(update(write_order).values(stamp=last + count))
            connection.commit()
            progress(min(first + AT_ONCE, count), count)
        if database.is_sqlite:
            for statement in _FULL:
                connection.exec_driver_sql(statement)


def _patterns(
    session: Session, keys: KeyRing, ids: set[str], besides: Collection[str] = frozenset()
) -> Iterator[Pattern]:
    """Yield the rows that belong to these documents. Ids of `besides` are renamed in them too."""
    for table in Base.metadata.sorted_tables:
        columns = [table.c[name] for name in _OWN if name in table.c and not isinstance(table.c[name].type, Integer)]
        if not columns:
            continue
        for found in session.execute(select(table).where(or_(*[column.in_(ids) for column in columns]))):
            yield _pattern(table, dict(found._mapping), keys, {*ids, *besides})


def _pattern(table: Table, row: Row, keys: KeyRing, ids: Collection[str]) -> Pattern:
    plain = None
    if table.name == "document":
        plain = keys.open(Sealed(row["key_id"], row["body"]), place(row["id"], row["version"])).decode()
    if table.name == "outbox_message":
        row |= {"state": "sent", "sent_at": row["created_at"]}
    if table.name == "audit_event":
        row |= {"block_id": 1}
    numbered = {name for name in ("id", "sequence") if isinstance(row.get(name), int)}
    naming = {name: value for name, value in row.items() if isinstance(value, str) and any(id in value for id in ids)}
    return Pattern(
        table,
        {name: value for name, value in row.items() if name not in naming and name not in numbered},
        naming,
        tuple(name for name in _STAMPS if isinstance(row.get(name), int)),
        isinstance(row.get("id"), str) and row["id"] not in ids,
        plain,
        table.name == "parameter_patient" and len(row["value"]) == 32,
    )


def _copy(
    patterns: list[Pattern], names: dict[str, str], stamp: int, keys: KeyRing, waiting: dict[Table, list[Row]]
) -> None:
    def renamed(text: str) -> str:
        for old, new in names.items():
            text = text.replace(old, new)
        return text

    for one in patterns:
        copy = one.fixed | {name: renamed(value) for name, value in one.naming.items()}
        for name in one.stamps:
            copy[name] = stamp
        if one.has_own_id:
            copy["id"] = new_id()
        if one.plain is not None:
            copy["body"] = keys.seal(renamed(one.plain).encode(), place(copy["id"], copy["version"])).body
        if one.is_word:
            copy["value"] = hashlib.blake2s(f"{copy['value']}{stamp}".encode(), digest_size=16).hexdigest()
        waiting.setdefault(one.table, []).append(copy)
