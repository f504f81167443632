"""What an operator watches, counted when it is asked for: numbers by status and channel, never an id or a name.

Each question walks an index: waiting and parked messages are few, and what was sent is looked at for a quarter of an
hour only. The count by status walks the index of senders whole; at a million referrals that is the dearest of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.db.audit import oldest_unsealed
from exchange.db.base import moment
from exchange.db.outbox import PARKED, SENT, WAITING, MessageRow, oldest_due
from exchange.db.referral import ReferralRow
from exchange.db.setting import LeaseRow
from exchange.domain.referral import OPEN
from fhir_mapping.case_data.referral import ReferralStatus

RECENT: Final = timedelta(minutes=15)
MOST_TOLD: Final = 10_000


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and ages at one moment; ages are seconds, 0 where nothing waits."""

    referrals: dict[str, int]
    past_due: int
    messages: dict[tuple[str, str], int]
    oldest_waiting: dict[str, float]
    late_seconds: float
    told_seconds: tuple[float, ...]
    unsealed_seconds: float
    lease_seconds: dict[str, float]


def figures(session: Session, now: datetime) -> Figures:
    """Return what an operator watches."""
    by_status = select(ReferralRow.status, func.count()).group_by(ReferralRow.status)
    past_due = select(func.count()).where(ReferralRow.due_at <= now, ReferralRow.status.in_(OPEN))
    counted = {status.value: 0 for status in ReferralStatus}
    counted |= {status.value: count for status, count in session.execute(by_status)}
    unsealed, late = oldest_unsealed(session), oldest_due(session, now)
    return Figures(
        counted,
        session.execute(past_due).scalar_one(),
        _messages(session),
        _oldest_waiting(session, now),
        _age(late, now) if late is not None else 0.0,
        _told(session, now),
        _age(moment(unsealed), now) if unsealed is not None else 0.0,
        {
            name: max(0.0, (until - now).total_seconds()) if until else 0.0
            for name, until in session.execute(select(LeaseRow.name, LeaseRow.until))
        },
    )


def _messages(session: Session) -> dict[tuple[str, str], int]:
    """Return how many messages wait or were given up, by (state, channel)."""
    query = (
        select(MessageRow.state, MessageRow.channel, func.count())
        .where(MessageRow.state.in_((WAITING, PARKED)))
        .group_by(MessageRow.state, MessageRow.channel)
    )
    return {(state, channel): count for state, channel, count in session.execute(query)}


def _oldest_waiting(session: Session, now: datetime) -> dict[str, float]:
    """Return for each channel how long the oldest message waits, whether it is due or will be tried again."""
    query = (
        select(MessageRow.channel, func.min(MessageRow.created_at))
        .where(MessageRow.state == WAITING)
        .group_by(MessageRow.channel)
    )
    return {channel: _age(created_at, now) for channel, created_at in session.execute(query)}


def _told(session: Session, now: datetime) -> tuple[float, ...]:
    """Return how long each message took from its intent to being handed over, of those that were due just now."""
    query = (
        select(MessageRow.created_at, MessageRow.sent_at)
        .where(MessageRow.state == SENT, MessageRow.due_at >= now - RECENT)
        .order_by(MessageRow.due_at.desc())
        .limit(MOST_TOLD)
    )
    return tuple(sorted(_age(created_at, sent_at or now) for created_at, sent_at in session.execute(query)))


def _age(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
