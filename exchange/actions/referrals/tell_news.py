"""News without a move: a note to the other side, and for the agency how far it has come."""

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import find_organization
from exchange.actions.referrals.calendar_of import calendar_of
from exchange.actions.referrals.record_provenance import record_provenance
from exchange.actions.referrals.remember import remember
from exchange.db import referral
from exchange.db.session import now
from exchange.domain.actor import Actor
from exchange.domain.errors import Unprocessable
from exchange.domain.events import BY_VERB, Event
from exchange.domain.permissions import Permission, permit
from exchange.domain.referral import OPEN, amend
from exchange.domain.sides import side_for
from fhir_mapping.case_data.referral import Note, Referral, Stage


def tell_news(
    session: Session, actor: Actor, referral_id: str, *, stage: Stage | None = None, note: str | None = None
) -> Referral:
    """Add a note or a stage to an open referral and return it; news from the agency winds its clock again.

    Raises NotFound for strangers, Forbidden for a stage that is not the actor's to set, Unprocessable for no news or
    a referral that has ended.
    """
    before = referral.lock(session, referral_id, visible_to=actor)
    by_voice = actor.source in ("phone", "paper")
    permit(actor, Permission.RECORD_FOR_AGENCY if by_voice else Permission.ANSWER_REFERRAL)
    side, at = side_for(actor, before, "amend"), now(session)
    text = (note or "").strip()
    if stage is None and not text:
        raise Unprocessable("There is no news yet: write a note, or say how far you have come.", expression="note")
    if before.status not in OPEN:
        raise Unprocessable("This referral has ended: send a new one, or call the other side.", expression="note")
    calendar = calendar_of(find_organization(session, before.receiver_id or before.sender_id), at.year)
    notes = (Note(text, at, actor.name),) if text else ()
    after = amend(before, side, now=at, calendar=calendar, stage=stage, notes=notes)
    kept = remember(session, before, after, [Event(BY_VERB["amend"], at, side)], actor)
    if actor.source is not None:
        record_provenance(session, actor, before, kept)
    return after
