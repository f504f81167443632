"""Organisations that have joined. What the directory merely lists has its rows there; both share one id space."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, BigId, Id, UtcDateTime, Words
from exchange.domain.actor import OrganizationKind


class OrganizationRow(Base):
    """A member: an organisation with people or clients here."""

    __tablename__ = "organization"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    kind: Mapped[OrganizationKind] = mapped_column(Words(OrganizationKind))
    email: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(60))
    consent_rule: Mapped[str] = mapped_column(String(10), default="attested", comment="attested | required")
    network_id: Mapped[str | None] = mapped_column(ForeignKey("organization.id"), index=True)
    time_zone: Mapped[str] = mapped_column(String(60), default="America/Chicago")
    closed_days: Mapped[list[str]] = mapped_column(JSON, default=list, comment="ISO dates besides federal holidays")
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OrganizationIdentifierRow(Base):
    """By what others know an organisation: the only way a receiver is matched besides its id."""

    __tablename__ = "organization_identifier"
    __table_args__ = (Index(None, "system", "value"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    system: Mapped[str] = mapped_column(String(300))
    value: Mapped[str] = mapped_column(String(300))


def member(session: Session, organization_id: str) -> OrganizationRow | None:
    """Return a member by its id."""
    return session.get(OrganizationRow, organization_id)


def members(session: Session, *, kind: OrganizationKind | None = None) -> list[OrganizationRow]:
    """Return all members, by name."""
    query = select(OrganizationRow).order_by(OrganizationRow.name, OrganizationRow.id)
    return list(session.scalars(query.where(OrganizationRow.kind == kind) if kind else query))


def with_identifier(session: Session, system: str, value: str) -> list[str]:
    """Return the ids of the members known by this identifier."""
    query = select(OrganizationIdentifierRow.organization_id).where(
        OrganizationIdentifierRow.system == system, OrganizationIdentifierRow.value == value
    )
    return sorted(set(session.scalars(query)))


def identifiers(session: Session, organization_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Return (system, value) pairs by organisation."""
    rows = session.scalars(
        select(OrganizationIdentifierRow).where(OrganizationIdentifierRow.organization_id.in_(list(organization_ids)))
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row.organization_id, []).append((row.system, row.value))
    return found
