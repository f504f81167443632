"""Repeats are caught: an `Idempotency-Key` gets the first answer again, for 24 hours; another body is refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, LargeBinary, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, Id, UtcDateTime
from exchange.db.sealing import Sealed
from exchange.db.session import keys

KEPT = timedelta(hours=24)


class FirstAnswerRow(Base):
    """The first answer to a key of an organisation; its body is sealed."""

    __tablename__ = "first_answer"
    organization_id: Mapped[str] = mapped_column(Id, primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(32))
    status: Mapped[int] = mapped_column(Integer)
    location: Mapped[str | None] = mapped_column(String(500))
    etag: Mapped[str | None] = mapped_column(String(40))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What was answered the first time."""

    request_hash: str
    status: int
    location: str | None
    etag: str | None
    body: bytes


def first_answer(session: Session, organization_id: str, key: str, now: datetime) -> FirstAnswer | None:
    """Return the answer an organisation got for this key in the last 24 hours."""
    hashed = keys(session).token("idempotency", key)
    row = session.get(FirstAnswerRow, (organization_id, hashed))
    if row is None or row.expires_at <= now:
        return None
    body = keys(session).open(Sealed(row.key_id, row.body), f"answer/{organization_id}/{hashed}")
    return FirstAnswer(row.request_hash, row.status, row.location, row.etag, body)


def keep_answer(session: Session, organization_id: str, key: str, answer: FirstAnswer, now: datetime) -> None:
    """Keep an answer for its key, over one that has run out."""
    hashed = keys(session).token("idempotency", key)
    sealed = keys(session).seal(answer.body, f"answer/{organization_id}/{hashed}")
    session.merge(
        FirstAnswerRow(
            organization_id=organization_id, key_hash=hashed, request_hash=answer.request_hash, status=answer.status,
            location=answer.location, etag=answer.etag, body=sealed.body, key_id=sealed.key_id, expires_at=now + KEPT,
        )
    )  # fmt: skip


def request_hash(session: Session, request: bytes) -> str:
    """Return the keyed hash by which two requests are told apart."""
    return keys(session).token("request", request.hex())


def forget_answers(session: Session, before: datetime) -> None:
    """Forget answers that have run out."""
    session.execute(delete(FirstAnswerRow).where(FirstAnswerRow.expires_at < before))
