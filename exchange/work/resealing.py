"""A rotation of the keys: what is sealed is sealed anew in small batches, while the exchange runs.

Each batch is a transaction of its own, so a rotation that was killed anywhere goes on where it was: what is left to do
is what still has another key.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from exchange.db import audit
from exchange.db.audit import AuditEntry
from exchange.db.ring_file import RingFile, number_of, read_ring_file, write_ring_file
from exchange.db.sealed_columns import Resealed, SealedColumn, needed, reseal, sealed_columns, waiting
from exchange.db.session import Database, now
from exchange.db.setting import set_setting, setting
from exchange.domain.actor import Actor
from exchange.domain.errors import Conflict

BATCH: Final = 100
#  between two batches the other writers have their turn
BREATH_SECONDS: Final = 0.01
#  rows that others sealed with the old key while a pass went by are met by the next one
MOST_PASSES: Final = 10
#  what was sealed with a key and handed out (the token of a search's next page) lives a day
RESTS_BEFORE_RETIRED: Final = timedelta(days=1)
NEWEST: Final = "newest-key"
UNFINISHED: Final = "unfinished-rotation"
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Rotation:
    """What a rotation did: the key that seals now, how many values of each table were sealed anew, how many broken."""

    current: str
    went_on: bool
    values: dict[str, int] = field(default_factory=dict)
    broken: int = 0

    @property
    def sealed(self) -> int:
        """How many values were sealed anew."""
        return sum(self.values.values())


def add_key(database: Database, path: Path, actor: Actor) -> str:
    """Put a new key on the ring and return its id. It opens, and seals nothing until a rotation takes it up."""
    with database.write() as session:
        ring = _ring(session, path).with_new_key()
        _keep(session, path, ring, actor, "add-key")
    return ring.newest


def begin_rotation(database: Database, path: Path, actor: Actor) -> Rotation:
    """Let a new key seal from now on, or find the rotation that was not finished. Raises Conflict for an old ring.

    The file is changed while the write turn is held, so that two rotations cannot write over each other's key.
    """
    with database.write() as session:
        ring = _ring(session, path)
        if setting(session, UNFINISHED) == ring.current:
            return Rotation(ring.current, went_on=True)
        if ring.newest == ring.current or ring.newest in ring.retired:
            ring = ring.with_new_key()
        ring = ring.with_current(ring.newest, database.clock())
        set_setting(session, UNFINISHED, ring.current)
        _keep(session, path, ring, actor, "rotate-keys")
    return Rotation(ring.current, went_on=False)


def finish_rotation(
    database: Database,
    rotation: Rotation,
    progress: Progress = lambda _stage, _done, _total: None,
    *,
    batch: int = BATCH,
    breath_seconds: float = BREATH_SECONDS,
) -> None:
    """Seal anew whatever has another key than the current one; safe to be killed and run again, by anybody."""
    with database.read() as session:
        total = waiting(session, rotation.current)
    for _pass in range(MOST_PASSES):
        before, rotation.broken = rotation.sealed, 0
        for column in sealed_columns():
            for done in _batches(database, column, batch):
                rotation.values[column.table.name] = rotation.values.get(column.table.name, 0) + done.values
                rotation.broken += done.broken
                if done.values:
                    progress("values sealed anew", rotation.sealed, max(total, rotation.sealed))
                    time.sleep(breath_seconds)
        if rotation.sealed == before:
            break
    with database.write() as session:
        set_setting(session, UNFINISHED, "")


def _batches(database: Database, column: SealedColumn, size: int) -> Iterator[Resealed]:
    """Seal a column anew, each batch in a transaction of its own, and yield what each did."""
    after = None
    while True:
        with database.write() as session:
            done = reseal(session, column, after=after, limit=size)
        yield done
        after = done.last
        if after is None:
            return


def retire_keys(database: Database, path: Path, actor: Actor) -> list[str]:
    """Take from the ring the keys that no row needs and that have rested for a day; return their ids."""
    with database.write() as session:
        ring = _ring(session, path)
        gone = tuple(unneeded(session, ring, database.clock()))
        if gone:
            _keep(session, path, ring.without(gone), actor, "retire-keys")
    return list(gone)


def unneeded(session: Session, ring: RingFile, at: datetime) -> list[str]:
    """Return the ids of keys that may be retired."""
    used = needed(session)
    return [
        key_id
        for key_id in ring.opening
        if key_id != ring.current
        and key_id not in used
        and key_id in ring.superseded
        and ring.superseded[key_id] <= at - RESTS_BEFORE_RETIRED
    ]


def refuse_old_ring(session: Session, newest_id: str) -> None:
    """Raise Conflict when this database knows of a newer key than the ring: what it seals would not open."""
    known = setting(session, NEWEST)
    if known and number_of(known) > number_of(newest_id):
        raise Conflict(
            f"This ring file is older than the database: {known} is not in it. Put its newest copy in place."
        )


def _ring(session: Session, path: Path) -> RingFile:
    """Return what the ring file says. Raises Conflict when it is older than the database."""
    ring = read_ring_file(path)
    refuse_old_ring(session, ring.newest)
    return ring


def _keep(session: Session, path: Path, ring: RingFile, actor: Actor, interaction: str) -> None:
    """Write the file, and into the transaction what others have to know of it."""
    set_setting(session, NEWEST, ring.newest)
    entry = AuditEntry(
        at=now(session), action="E", interaction=interaction, outcome="0", actor_kind=actor.kind.value,
        actor_name=actor.name, request_id=actor.request_id,
    )  # fmt: skip
    audit.write(session, [entry])
    session.flush()
    write_ring_file(path, ring)
