"""Programs that call: their keys, tokens and used assertions. Secrets are kept as hashes only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, Text, bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, Id, UtcDateTime
from exchange.db.organization import OrganizationRow
from exchange.db.sealing import digest
from exchange.domain.actor import OrganizationKind


class ClientRow(Base):
    """A SMART Backend Services client: public keys inline or by URL, and what it may at most ask for."""

    __tablename__ = "client"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    scope: Mapped[str] = mapped_column(Text, comment="space-separated SMART v2 scopes")
    jwks: Mapped[dict[str, object] | None] = mapped_column(JSON)
    jwks_url: Mapped[str | None] = mapped_column(String(2000))
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccessTokenRow(Base):
    """A token that was handed out; only its hash is here."""

    __tablename__ = "access_token"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.id"), index=True)
    scope: Mapped[str] = mapped_column(Text, comment="as granted, SMART v2")
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UsedAssertionRow(Base):
    """A `jti` that a client has used: never again while it could still be valid (SMART App Launch 2.2)."""

    __tablename__ = "used_assertion"
    client_id: Mapped[str] = mapped_column(ForeignKey("client.id"), primary_key=True)
    jti_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Who holds a token: what the guard asks on every request, in one question."""

    client_id: str
    client_name: str
    organization_id: str
    organization_kind: OrganizationKind
    network_id: str | None
    scope: str
    expires_at: datetime
    is_revoked: bool


#  Core, and built once: it runs before every request of a client (docs/decisions/0070-what-the-first-profile-said.md)
_TOKEN, _CLIENT, _MEMBER = AccessTokenRow.__table__.c, ClientRow.__table__.c, OrganizationRow.__table__.c
_HOLDER = (
    select(
        _CLIENT.id, _CLIENT.name, _CLIENT.organization_id, _MEMBER.kind, _MEMBER.network_id, _TOKEN.scope,
        _TOKEN.expires_at, _TOKEN.revoked_at, _CLIENT.revoked_at.label("client_revoked_at"),
    )
    .join_from(AccessTokenRow.__table__, ClientRow.__table__, _CLIENT.id == _TOKEN.client_id)
    .join(OrganizationRow.__table__, _MEMBER.id == _CLIENT.organization_id)
    .where(_TOKEN.token_hash == bindparam("token_hash"))
)  # fmt: skip


def token_holder(session: Session, token: str) -> TokenHolder | None:
    """Return who holds a token that was handed out, alive or not."""
    row = session.execute(_HOLDER, {"token_hash": digest(token)}).first()
    if row is None:
        return None
    is_revoked = row.revoked_at is not None or row.client_revoked_at is not None
    return TokenHolder(
        row.id, row.name, row.organization_id, row.kind, row.network_id, row.scope, row.expires_at, is_revoked
    )


def client(session: Session, client_id: str) -> ClientRow | None:
    """Return a client that is registered and not revoked."""
    row = session.get(ClientRow, client_id)
    return row if row is not None and row.revoked_at is None else None


def clients_of(session: Session, organization_id: str | None = None) -> list[ClientRow]:
    """Return the clients of an organisation, or all."""
    query = select(ClientRow).order_by(ClientRow.registered_at, ClientRow.id)
    return list(
        session.scalars(query.where(ClientRow.organization_id == organization_id) if organization_id else query)
    )


def access_token(session: Session, token: str) -> tuple[AccessTokenRow, ClientRow] | None:
    """Return a token that was handed out, with its client, alive or not."""
    found = session.execute(
        select(AccessTokenRow, ClientRow).join(ClientRow).where(AccessTokenRow.token_hash == digest(token))
    ).first()
    return None if found is None else (found[0], found[1])


def use_assertion(session: Session, client_id: str, jti: str, expires_at: datetime) -> bool:
    """Return whether this is the first use of a `jti`; the primary key decides between two at once."""
    if session.get(UsedAssertionRow, (client_id, digest(jti))) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(UsedAssertionRow(client_id=client_id, jti_hash=digest(jti), expires_at=expires_at))
    except IntegrityError:
        return False
    return True


def forget_expired(session: Session, before: datetime) -> None:
    """Forget tokens and assertions that can no longer be used."""
    session.execute(delete(AccessTokenRow).where(AccessTokenRow.expires_at < before))
    session.execute(delete(UsedAssertionRow).where(UsedAssertionRow.expires_at < before))
