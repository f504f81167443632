"""A clock ran out, or a reminder is due: the system actor records it. Silence is not a status."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import find_organization
from exchange.actions.referrals.calendar_of import calendar_of
from exchange.actions.referrals.remember import remember
from exchange.actions.referrals.tell import tell
from exchange.db import referral, timeline
from exchange.db.session import now as clock_now
from exchange.domain.actor import SYSTEM
from exchange.domain.events import Event, EventKind
from exchange.domain.referral import OPEN, expire, remind
from fhir_mapping.case_data.referral import Referral, Side


def expire_clock(session: Session, referral_id: str, *, now: datetime) -> Referral | None:
    """Remind, or record that nobody answered, as is due at `now`; None when nothing is due any more.

    `now` moves only the comparison with the due times: stamps and new clocks are real, counted from whichever is later.
    """
    before = referral.lock(session, referral_id, visible_to=SYSTEM)
    if before.status not in OPEN or before.due_at is None:
        return None
    at = clock_now(session)
    if before.due_at <= now:
        return _expire(session, before, max(at, now))
    if before.remind_at is not None and before.remind_at <= now and not before.reminded:
        return _remind(session, before, at)
    return None


def _remind(session: Session, before: Referral, at: datetime) -> Referral:
    after = remind(before)
    referral.save(session, after, decided=False)
    events = [Event(EventKind.REMINDED, at, Side.SYSTEM)]
    timeline.write(session, after, events, SYSTEM)
    tell(session, after, events, SYSTEM)
    return after


def _expire(session: Session, before: Referral, at: datetime) -> Referral:
    sender = find_organization(session, before.sender_id)
    after = replace(expire(before, now=at, calendar=calendar_of(sender, at.year)), changed_at=clock_now(session))
    kind = EventKind.SENDER_REMINDED if before.next_step is Side.SENDER else EventKind.NO_ANSWER
    remember(session, before, after, [Event(kind, clock_now(session), Side.SYSTEM)], SYSTEM)
    return after
