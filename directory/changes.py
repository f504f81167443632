"""What an import would change: the staged records against the listed ones, by content hash."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory.errors import TooManyGone
from directory.records import KINDS, SERVICE
from directory.tables import LISTED, StagedRow

MOST_GONE = 0.2  # of a source's services; more looks like half a file rather than like news


@dataclass(frozen=True)
class Changes:
    """Ids by kind. `listed` is how many of the source were listed before; one that comes back counts as added."""

    added: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[str, list[str]] = field(default_factory=dict)
    unchanged: dict[str, list[str]] = field(default_factory=dict)
    gone: dict[str, list[str]] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)

    def fresh(self, kind: str) -> list[str]:
        """Return the ids whose record must be written."""
        return [*self.added[kind], *self.changed[kind]]


def compare(session: Session, run_id: str, source: str) -> Changes:
    """Return the differences between a staged run and what its source lists now."""
    changes = Changes()
    for kind in KINDS:
        table = LISTED[kind]
        held = select(table.id, table.content_hash).where(table.source == source, table.gone_at.is_(None))
        before = {id: digest for id, digest in session.execute(held)}
        staged = select(StagedRow.id, StagedRow.content_hash).where(StagedRow.run_id == run_id, StagedRow.kind == kind)
        after = {id: digest for id, digest in session.execute(staged.order_by(StagedRow.id))}
        changes.added[kind] = [id for id in after if id not in before]
        changes.changed[kind] = [id for id, digest in after.items() if before.get(id, digest) != digest]
        changes.unchanged[kind] = [id for id, digest in after.items() if before.get(id) == digest]
        changes.gone[kind] = sorted(before.keys() - after.keys())
        changes.listed[kind] = len(before)
    return changes


def refuse_if_too_much_is_gone(changes: Changes, source: str) -> None:
    """Raise TooManyGone when more than MOST_GONE of the source's services would vanish."""
    gone, listed = len(changes.gone[SERVICE]), changes.listed[SERVICE]
    if gone > listed * MOST_GONE:
        raise TooManyGone(
            f"Nothing was imported: {gone} of the {listed} services of {source} are missing from it, more than "
            f"{MOST_GONE:.0%}. Check the file, and repeat with --allow-removals if they have really gone."
        )
