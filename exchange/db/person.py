"""People who sign in: their accounts, invitations, sessions and failed tries. Not the people who are referred."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, BigId, Id, UtcDateTime, Words
from exchange.db.ids import new_secret
from exchange.db.sealing import digest
from exchange.domain.actor import Role

INVITATION_DAYS = 7


class UserRow(Base):
    """A person of an organisation. Without a password yet: invited."""

    __tablename__ = "user_account"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    email: Mapped[str] = mapped_column(String(320), unique=True, comment="lower case")
    name: Mapped[str] = mapped_column(String(200), default="")
    role: Mapped[Role] = mapped_column(Words(Role))
    password_hash: Mapped[str | None] = mapped_column(String(200), comment="argon2id")
    invited_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class InvitationRow(Base):
    """A link by which an invited person chooses a password; once, within its days."""

    __tablename__ = "invitation"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PortalSessionRow(Base):
    """A signed-in browser."""

    __tablename__ = "portal_session"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignInFailureRow(Base):
    """A failed try, by keyed hash of account or address: what throttles the next one."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index(None, "subject_hash", "at"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject_hash: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


def user_by_email(session: Session, email: str) -> UserRow | None:
    """Return the account of an address, in any case of letters."""
    return session.scalar(select(UserRow).where(UserRow.email == email.strip().lower()))


def coordinators_of(session: Session, organization_id: str) -> list[UserRow]:
    """Return the people who may record for an agency."""
    return list(
        session.scalars(
            select(UserRow).where(
                UserRow.organization_id == organization_id,
                UserRow.role != Role.CASE_WORKER,
                UserRow.disabled_at.is_(None),
            )
        )
    )


def portal_session(session: Session, token: str) -> PortalSessionRow | None:
    """Return a signed-in browser by the secret in its cookie."""
    return session.get(PortalSessionRow, digest(token))


def sessions_of(session: Session, user_id: str) -> list[PortalSessionRow]:
    """Return the signed-in browsers of a person that were not signed out."""
    query = select(PortalSessionRow).where(PortalSessionRow.user_id == user_id, PortalSessionRow.ended_at.is_(None))
    return list(session.scalars(query))


def people_of(session: Session, organization_id: str | None) -> list[UserRow]:
    """Return the accounts of an organisation, or of all, by address."""
    query = select(UserRow).order_by(UserRow.email)
    return list(session.scalars(query.where(UserRow.organization_id == organization_id) if organization_id else query))


def invitation(session: Session, token: str) -> InvitationRow | None:
    """Return an invitation by the secret in its link."""
    return session.get(InvitationRow, digest(token))


def make_invitation(session: Session, user_id: str, now: datetime) -> str:
    """Make an invitation and return its secret, which is kept nowhere."""
    token = new_secret()
    session.add(
        InvitationRow(token_hash=digest(token), user_id=user_id, expires_at=now + timedelta(days=INVITATION_DAYS))
    )
    return token


def forget_old(session: Session, *, failures_before: datetime, sessions_before: datetime) -> None:
    """Forget failed tries, browsers nobody uses any more, and invitations that have run out."""
    session.execute(delete(SignInFailureRow).where(SignInFailureRow.at < failures_before))
    session.execute(delete(PortalSessionRow).where(PortalSessionRow.seen_at < sessions_before))
    session.execute(delete(InvitationRow).where(InvitationRow.expires_at < sessions_before))


def failures_since(session: Session, subject_hash: str, since: datetime) -> list[datetime]:
    """Return when this account or address failed to sign in, oldest first."""
    query = select(SignInFailureRow.at).where(
        SignInFailureRow.subject_hash == subject_hash, SignInFailureRow.at >= since
    )
    return list(session.scalars(query.order_by(SignInFailureRow.at)))


def forget_failures(session: Session, subject_hash: str) -> None:
    """Forget failed tries after a good one."""
    session.execute(delete(SignInFailureRow).where(SignInFailureRow.subject_hash == subject_hash))
