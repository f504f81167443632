"""Which id a record has with us: its own UUID if it may keep it, else one made from its source and its source's id."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory.records import KINDS, LOCATION, ORGANIZATION, Organization, Read, Record, Service, kind_of
from directory.tables import LISTED

NAMESPACE = UUID("6f0e0b3a-95c1-5d53-8f39-0d6a1c5b7e21")  # ours; it must never change, or every id would
CHUNK = 500


def uuid_text(text: str) -> str | None:
    """Return the canonical text of a UUID, None if it is none (or the nil UUID)."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return str(found) if found.int else None


class Identities:
    """The ids of one source's records: those it has already, and for new ones its own UUIDs where nobody holds them."""

    def __init__(self, session: Session, source: str, reads: Iterable[Read]) -> None:
        self._source = source
        self._ids: dict[tuple[str, str], str] = {}
        wanted: dict[str, list[str]] = {kind: [] for kind in KINDS}
        for read in reads:
            wanted[kind_of(read.record)].append(read.record.id)
        for kind in KINDS:
            table = LISTED[kind]
            known = select(table.source_id, table.id).where(table.source == source)
            self._ids |= {(kind, source_id): id for source_id, id in session.execute(known)}
            self._claim(session, kind, wanted[kind])

    def _claim(self, session: Session, kind: str, source_ids: list[str]) -> None:
        table = LISTED[kind]
        new = {s: own for s in source_ids if (kind, s) not in self._ids and (own := uuid_text(s))}
        taken: set[str] = set()
        own_ids = list(new.values())
        for start in range(0, len(own_ids), CHUNK):
            taken |= set(session.scalars(select(table.id).where(table.id.in_(own_ids[start : start + CHUNK]))))
        self._ids |= {(kind, source_id): own for source_id, own in new.items() if own not in taken}

    def of(self, kind: str, source_id: str) -> str:
        """Return the id of a record of this source."""
        made = self._ids.get((kind, source_id))
        if made is None:
            made = str(uuid5(NAMESPACE, f"{self._source}|{kind}|{source_id}"))
            self._ids[kind, source_id] = made
        return made

    def rewrite(self, record: Record) -> Record:
        """Return the record with its own id, and the ids of the records it refers to, as we know them."""
        changes: dict[str, Any] = {"id": self.of(kind_of(record), record.id)}
        organization = getattr(record, "organization_id", None)
        if organization:
            changes["organization_id"] = self.of(ORGANIZATION, organization)
        if isinstance(record, Organization) and record.parent_organization_id:
            changes["parent_organization_id"] = self.of(ORGANIZATION, record.parent_organization_id)
        if isinstance(record, Service):
            changes["service_at_locations"] = tuple(
                replace(link, location_id=self.of(LOCATION, link.location_id)) for link in record.service_at_locations
            )
        return replace(record, **changes)
