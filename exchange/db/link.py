"""Links by which an agency answers without an account: one referral, one agency, 14 days, revocable."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Integer, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, Id, UtcDateTime
from exchange.db.ids import new_secret
from exchange.db.sealing import digest
from exchange.db.session import keys

LINK_DAYS = 14
CODE_MINUTES = 15


class AnswerLinkRow(Base):
    """A link; only the hash of its 128 random bits is here. `code_hash` is the code sent to the listed address."""

    __tablename__ = "answer_link"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    referral_id: Mapped[str] = mapped_column(ForeignKey("referral.id"), index=True)
    organization_id: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    code_hash: Mapped[str | None] = mapped_column(String(64))
    code_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    code_tries: Mapped[int] = mapped_column(Integer, default=0)
    proved_until: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="details may be shown until then")


def make_link(session: Session, referral_id: str, organization_id: str, now: datetime) -> str:
    """Make a link and return its secret, which is kept nowhere: it is made when the mail is sent."""
    token = new_secret()
    session.add(
        AnswerLinkRow(
            token_hash=digest(token),
            referral_id=referral_id,
            organization_id=organization_id,
            created_at=now,
            expires_at=now + timedelta(days=LINK_DAYS),
        )
    )
    return token


def living_link(session: Session, token: str, now: datetime) -> AnswerLinkRow | None:
    """Return a link that is neither revoked nor run out."""
    query = select(AnswerLinkRow).where(
        AnswerLinkRow.token_hash == digest(token), AnswerLinkRow.revoked_at.is_(None), AnswerLinkRow.expires_at > now
    )
    return session.scalar(query)


def make_code(session: Session, link: AnswerLinkRow, now: datetime) -> str:
    """Give a link a new six-digit code, good for a few minutes, and return it: it is kept as a keyed hash only."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    link.code_hash = code_hash(session, link, code)
    link.code_expires_at, link.code_tries = now + timedelta(minutes=CODE_MINUTES), 0
    return code


def code_hash(session: Session, link: AnswerLinkRow, code: str) -> str:
    """Return how a code of a link is kept; keyed, because six digits alone are guessed from any plain hash."""
    return keys(session).token("link-code", f"{link.token_hash} {code.strip()}")


def revoke_links(session: Session, referral_id: str, now: datetime) -> None:
    """Revoke every link of a referral: it was sent on, cancelled or retracted."""
    session.execute(
        update(AnswerLinkRow)
        .where(AnswerLinkRow.referral_id == referral_id, AnswerLinkRow.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def forget_links(session: Session, *, before: datetime, limit: int) -> int:
    """Forget links that ran out before a time, at most so many; return how many."""
    old = select(AnswerLinkRow.token_hash).where(AnswerLinkRow.expires_at < before).limit(limit)
    gone = session.execute(delete(AnswerLinkRow).where(AnswerLinkRow.token_hash.in_(list(session.scalars(old)))))
    return int(getattr(gone, "rowcount", 0))
