"""The timeline of a referral: facts in the past tense, appended, never changed. No health data."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, BigId, Id, UtcDateTime, Words
from exchange.domain.actor import Actor
from exchange.domain.events import Event, EventKind
from fhir_mapping.case_data.referral import Referral, ReferralStatus, Side, Stage


class ReferralEventRow(Base):
    """A line of the timeline, with where the referral stood after it."""

    __tablename__ = "referral_event"
    __table_args__ = (Index(None, "referral_id", "id"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    referral_id: Mapped[str] = mapped_column(ForeignKey("referral.id"))
    kind: Mapped[EventKind] = mapped_column(Words(EventKind))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    side: Mapped[Side] = mapped_column(Words(Side))
    organization_id: Mapped[str | None] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(
        String(200), comment="a worker, program or clock; never the person referred"
    )
    source: Mapped[str | None] = mapped_column(String(20), comment="phone, paper, link")
    status: Mapped[ReferralStatus] = mapped_column(Words(ReferralStatus))
    stage: Mapped[Stage | None] = mapped_column(Words(Stage))
    next_step: Mapped[Side | None] = mapped_column(Words(Side))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)
    detail: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)


_APPEND = insert(Base.metadata.tables["referral_event"])


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a timeline as it is shown."""

    referral_id: str
    kind: EventKind
    at: datetime
    side: Side
    organization_id: str | None
    actor_name: str
    source: str | None
    status: ReferralStatus
    stage: Stage | None
    next_step: Side | None
    due_at: datetime | None
    detail: dict[str, str]


def write(session: Session, referral: Referral, events: Iterable[Event], actor: Actor) -> None:
    """Append what happened to a referral."""
    rows = [
        {
            "referral_id": referral.id, "kind": event.kind, "at": event.at, "side": event.side,
            "organization_id": actor.organization_id, "actor_name": actor.name[:200], "source": actor.source,
            "status": referral.status, "stage": referral.stage, "next_step": referral.next_step,
            "due_at": referral.due_at, "version": referral.version, "detail": event.detail,
        }
        for event in events
    ]  # fmt: skip
    if rows:
        session.execute(_APPEND, rows)


def timeline(session: Session, referral_ids: Iterable[str]) -> list[TimelineEntry]:
    """Return the lines of these referrals in the order they were written. The caller has checked who may see them."""
    query = (
        select(ReferralEventRow)
        .where(ReferralEventRow.referral_id.in_(list(referral_ids)))
        .order_by(ReferralEventRow.id)
    )
    return [
        TimelineEntry(
            row.referral_id, row.kind, row.at, row.side, row.organization_id, row.actor_name,
            row.source, row.status, row.stage, row.next_step, row.due_at, dict(row.detail),
        )
        for row in session.scalars(query)
    ]  # fmt: skip
