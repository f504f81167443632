"""What has to be told: the intent is a row in the transaction of the change; the relay leases, sends, records.

In order per lane (destination, referral), one in flight per lane. At least once: receivers deduplicate by message id.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    JSON,
    ColumnElement,
    Index,
    Integer,
    String,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from exchange.db.base import Base, BigId, Id, UtcDateTime
from exchange.db.ids import new_id

WAITING, SENT, PARKED, DROPPED = "waiting", "sent", "parked", "dropped"


class MessageRow(Base):
    """A message to one destination. It carries ids and a kind, never health data; the text is made when it is sent."""

    __tablename__ = "outbox_message"
    __table_args__ = (Index(None, "state", "due_at"), Index(None, "lane", "sequence"))
    sequence: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(Id, unique=True)
    kind: Mapped[str] = mapped_column(String(60))
    channel: Mapped[str] = mapped_column(String(20), comment="email | webhook")
    destination: Mapped[str] = mapped_column(String(2000), comment="an address, or a webhook's id")
    organization_id: Mapped[str | None] = mapped_column(Id, comment="who is told; the release is asked again for it")
    referral_id: Mapped[str | None] = mapped_column(Id, index=True)
    lane: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, comment="ids and codes only")
    state: Mapped[str] = mapped_column(String(10), default=WAITING)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease: Mapped[str | None] = mapped_column(Id, comment="fencing: only this lease may record the outcome")
    last_error: Mapped[str | None] = mapped_column(String(300))
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


_PUT = insert(Base.metadata.tables["outbox_message"])


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the relay and its channels see it."""

    id: str
    kind: str
    channel: str
    destination: str
    organization_id: str | None
    referral_id: str | None
    data: dict[str, str]
    attempts: int
    created_at: datetime
    lease: str


def put(
    session: Session,
    *,
    kind: str,
    channel: str,
    destination: str,
    now: datetime,
    organization_id: str | None = None,
    referral_id: str | None = None,
    data: dict[str, str] | None = None,
) -> str:
    """Write the intent to tell and return the message id."""
    message_id = new_id()
    row = {
        "id": message_id, "kind": kind, "channel": channel, "destination": destination,
        "organization_id": organization_id, "referral_id": referral_id,
        "lane": session.info["keys"].token("lane", f"{channel} {destination} {referral_id}"),
        "data": data or {}, "state": WAITING, "attempts": 0, "created_at": now, "due_at": now,
    }  # fmt: skip
    session.execute(_PUT, row)
    return message_id


def _ready(now: datetime, due_by: datetime) -> ColumnElement[bool]:
    """Return which messages may be leased: due, leased by nobody, and the oldest of their lane."""
    earlier = aliased(MessageRow)
    blocked = exists().where(
        earlier.lane == MessageRow.lane, earlier.sequence < MessageRow.sequence, earlier.state == WAITING
    )
    free = or_(MessageRow.leased_until.is_(None), MessageRow.leased_until <= now)
    return and_(MessageRow.state == WAITING, MessageRow.due_at <= due_by, free, ~blocked)


def is_due(session: Session, now: datetime, *, due_by: datetime | None = None) -> bool:
    """Return whether there is a message to lease: asked before a writing transaction is opened for nothing."""
    return session.scalar(select(MessageRow.sequence).where(_ready(now, due_by or now)).limit(1)) is not None


def oldest_due(session: Session, now: datetime) -> datetime | None:
    """Return since when the message that a worker would lease next is due: long ago, when no worker works."""
    return session.scalar(select(func.min(MessageRow.due_at)).where(_ready(now, now)))


def lease(
    session: Session, now: datetime, *, limit: int, seconds: int = 120, due_by: datetime | None = None
) -> list[Message]:
    """Lease due messages, the oldest of each lane only. The caller commits before it sends.

    A message whose last lease was never recorded may have ended its worker: that counts as a try, and it is leased
    alone. `due_by` moves only the comparison with the due times (the demo's virtual time); the lease itself is real.
    """
    rows = list(
        session.scalars(
            select(MessageRow)
            .where(_ready(now, due_by or now))
            .order_by(MessageRow.due_at, MessageRow.sequence)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    suspects = [row for row in rows if row.lease is not None][:1]
    for row in suspects:
        row.attempts += 1
    rows = suspects or rows
    token = new_id()
    for row in rows:
        row.lease, row.leased_until = token, now + timedelta(seconds=seconds)
    session.flush()
    return [
        Message(
            row.id, row.kind, row.channel, row.destination, row.organization_id, row.referral_id,
            dict(row.data), row.attempts, row.created_at, token,
        )
        for row in rows
    ]  # fmt: skip


def record_sent(session: Session, message: Message, now: datetime) -> bool:
    """Record that a message was handed over; False when the lease was lost to another relay."""
    return _record(session, message, state=SENT, sent_at=now, attempts=message.attempts + 1, last_error=None)


def record_retry(session: Session, message: Message, due_at: datetime, error: str) -> bool:
    """Record a failure that is tried again."""
    return _record(session, message, due_at=due_at, attempts=message.attempts + 1, last_error=error[:300])


def record_postponed(session: Session, message: Message, due_at: datetime) -> bool:
    """Record that a message was not tried: its turn comes later, and this counts as no try."""
    return _record(session, message, due_at=due_at)


def record_parked(session: Session, message: Message, error: str) -> bool:
    """Record that a message is given up; it no longer blocks its lane and is listed for a person."""
    return _record(session, message, state=PARKED, attempts=message.attempts + 1, last_error=error[:300])


def record_dropped(session: Session, message: Message, why: str) -> bool:
    """Record that a message must no longer be told: its release has ended."""
    return _record(session, message, state=DROPPED, last_error=why[:300])


def give_back(session: Session, message: Message) -> bool:
    """Record that a message was leased and not begun: it waits as before."""
    return _record(session, message)


def _record(session: Session, message: Message, **values: object) -> bool:
    changed = session.execute(
        update(MessageRow)
        .where(MessageRow.id == message.id, MessageRow.lease == message.lease)
        .values(lease=None, leased_until=None, **values)
    )
    return bool(getattr(changed, "rowcount", 0))


def is_told_otherwise(session: Session, message: Message) -> bool:
    """Return whether the same organisation was, or will be, told the same by another message than this one."""
    query = select(MessageRow.sequence).where(
        MessageRow.referral_id == message.referral_id,
        MessageRow.organization_id == message.organization_id,
        MessageRow.kind == message.kind,
        MessageRow.id != message.id,
        MessageRow.state.in_((WAITING, SENT)),
    )
    return session.scalar(query.limit(1)) is not None


def parked_ids(session: Session) -> list[str]:
    """Return the ids of every message that was given up, oldest first."""
    return list(session.scalars(select(MessageRow.id).where(MessageRow.state == PARKED).order_by(MessageRow.sequence)))


def messages(
    session: Session, *, states: Iterable[str] = (WAITING, PARKED), referral_id: str | None = None, limit: int = 100
) -> list[MessageRow]:
    """Return messages for a person to look at, oldest first."""
    query = select(MessageRow).where(_looked_for(states, referral_id)).order_by(MessageRow.sequence).limit(limit)
    return list(session.scalars(query))


def counts(session: Session, *, states: Iterable[str], referral_id: str | None = None) -> dict[str, int]:
    """Return how many messages there are in each of these states."""
    query = select(MessageRow.state, func.count()).where(_looked_for(states, referral_id)).group_by(MessageRow.state)
    return {state: count for state, count in session.execute(query)}


def _looked_for(states: Iterable[str], referral_id: str | None) -> ColumnElement[bool]:
    wanted = MessageRow.state.in_(list(states))
    return wanted if referral_id is None else and_(wanted, MessageRow.referral_id == referral_id)


def replay(session: Session, message_ids: Iterable[str], now: datetime) -> int:
    """Let parked messages go out again and return how many."""
    changed = session.execute(
        update(MessageRow)
        .where(MessageRow.id.in_(list(message_ids)), MessageRow.state == PARKED)
        .values(state=WAITING, due_at=now, attempts=0, last_error=None)
    )
    return int(getattr(changed, "rowcount", 0))


def forget_messages(session: Session, states: Iterable[str], *, before: datetime, limit: int) -> int:
    """Forget messages in one of these states that were due before a time, at most so many; return how many."""
    old = select(MessageRow.sequence).where(MessageRow.state.in_(list(states)), MessageRow.due_at < before).limit(limit)
    gone = session.execute(delete(MessageRow).where(MessageRow.sequence.in_(list(session.scalars(old)))))
    return int(getattr(gone, "rowcount", 0))
