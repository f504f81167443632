"""A mail bounced or was given up: the agency was not told, and the next step is the sender's at once."""

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import find_organization
from exchange.actions.referrals.calendar_of import calendar_of
from exchange.actions.referrals.remember import remember
from exchange.db import referral
from exchange.db.session import now
from exchange.domain.actor import SYSTEM
from exchange.domain.events import Event, EventKind
from exchange.domain.referral import REQUESTED, hand_to_sender
from fhir_mapping.case_data.referral import Side, Stage


def mark_undeliverable(session: Session, referral_id: str) -> None:
    """Record that a referral could not be told to its receiver; one that was answered meanwhile stays as it is."""
    before = referral.lock(session, referral_id, visible_to=SYSTEM)
    if before.status is not REQUESTED or before.next_step is Side.SENDER:
        return
    at = now(session)
    sender = find_organization(session, before.sender_id)
    after = hand_to_sender(before, Stage.UNDELIVERABLE, now=at, calendar=calendar_of(sender, at.year))
    remember(session, before, after, [Event(EventKind.UNDELIVERABLE, at, Side.SYSTEM)], SYSTEM)
