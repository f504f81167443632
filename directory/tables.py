"""The tables of the directory: a document per record, with the columns that are searched beside it.

A record (organization, service, location) is kept whole as an HSDS document in `document`; the columns next to it are
taken out of that document and can be made again from it. A record that its source no longer lists stays as a tombstone
(`gone_at`), because referrals keep its id. Nothing outside the directory has a foreign key into these tables.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, DateTime, Index, Integer, MetaData, String, Text, UniqueConstraint, Uuid
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from directory.records import LOCATION, ORGANIZATION, SERVICE

Json = dict[str, Any]


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC time; a naive one is refused, and SQLite's naive answer is given its zone back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return `value` in UTC. Raises ValueError for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time must carry its zone; give an aware UTC datetime.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of the directory's own tables; ids are UUIDs, read and written as their canonical text."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime(), Json: JSON()}


class SourceRow(Base):
    """A publisher of a directory; several stand side by side and each import replaces only its own records."""

    __tablename__ = "directory_source"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    format: Mapped[str] = mapped_column(String(40))
    first_imported_at: Mapped[datetime]
    last_imported_at: Mapped[datetime]


class ImportRunRow(Base):
    """One reading of a source: staged in batches, then applied or refused."""

    __tablename__ = "directory_import_run"
    __table_args__ = (CheckConstraint("status IN ('staging', 'applied', 'refused')", name="status"),)
    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    source: Mapped[str] = mapped_column(String(100), index=True)
    format: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(10))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    report: Mapped[Json | None] = mapped_column(comment="the import report as JSON, problems cut at 1000")


class StagedRow(Base):
    """A record as read, waiting to be compared; rows of a run are removed when it has ended."""

    __tablename__ = "directory_staged"
    run_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True, comment="organization, location or service")
    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    source_id: Mapped[str] = mapped_column(String(200))
    content_hash: Mapped[str] = mapped_column(String(64))
    document: Mapped[Json]


class Listed:
    """The columns that every listed record has: where it came from, what it says, and since when."""

    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    source: Mapped[str] = mapped_column(String(100))
    source_id: Mapped[str] = mapped_column(String(200), comment="the record's id as its source writes it")
    content_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the document's canonical JSON")
    document: Mapped[Json] = mapped_column(comment="the HSDS record with its children, as directory.records reads it")
    name: Mapped[str] = mapped_column(Text)
    name_folded: Mapped[str] = mapped_column(Text, comment="lower case, without accents; starts the name search")
    first_seen_at: Mapped[datetime]
    last_updated: Mapped[datetime] = mapped_column(comment="when an import last changed it; the paging key with id")
    gone_at: Mapped[datetime | None] = mapped_column(comment="when its source stopped listing it; never deleted")


class OrganizationRow(Listed, Base):
    """An agency."""

    __tablename__ = "directory_organization"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        Index(None, "last_updated", "id"),
        Index(None, "name_folded"),
    )


class LocationRow(Listed, Base):
    """A place where services are offered."""

    __tablename__ = "directory_location"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        Index(None, "last_updated", "id"),
        Index(None, "name_folded"),
        Index(None, "organization_id"),
    )
    organization_id: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))
    city: Mapped[str | None] = mapped_column(Text)
    state_province: Mapped[str | None] = mapped_column(Text)
    postal_code: Mapped[str | None] = mapped_column(String(20))
    latitude: Mapped[float | None] = mapped_column(comment="degrees, WGS 84")
    longitude: Mapped[float | None] = mapped_column(comment="degrees, WGS 84")
    is_approximate: Mapped[bool] = mapped_column(comment="the coordinates are the centre of the ZIP, not the door")


class ServiceRow(Listed, Base):
    """What an agency offers."""

    __tablename__ = "directory_service"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        Index(None, "last_updated", "id"),
        Index(None, "name_folded"),
        Index(None, "organization_id"),
        CheckConstraint("status IN ('active', 'inactive', 'defunct', 'temporarily closed')", name="status"),
    )
    organization_id: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    status: Mapped[str] = mapped_column(String(20))


LISTED: dict[str, type[OrganizationRow] | type[LocationRow] | type[ServiceRow]] = {
    ORGANIZATION: OrganizationRow,
    LOCATION: LocationRow,
    SERVICE: ServiceRow,
}


class ServiceAtLocationRow(Base):
    """Which service is offered at which location."""

    __tablename__ = "directory_service_at_location"
    service_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    location_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True, index=True)


class ServicePlaceRow(Base):
    """The search side table: a service by what it is found under, then by where it is.

    `term` is `any`, `need:<need>`, `domain:<SDOHCC code>` or `word:<word>`; `cell` is directory.geography's grid cell,
    NOWHERE where no place is known. The primary key answers "this term in these cells" from the index alone, and the
    row carries the coordinates, so that the distance is checked without opening the service.
    """

    __tablename__ = "directory_service_place"
    term: Mapped[str] = mapped_column(String(80), primary_key=True)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    service_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True, index=True)
    place: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, comment="counts the places of one service, from 0"
    )
    location_id: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    is_approximate: Mapped[bool]
