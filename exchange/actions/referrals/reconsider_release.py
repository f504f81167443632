"""A ServiceRequest names more, or a Consent changed: the release of the open referrals it concerns is asked again."""

from dataclasses import replace

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import find_organization
from exchange.actions.documents.body_of import body_of
from exchange.actions.documents.keep_document import patient_of
from exchange.actions.referrals.calendar_of import calendar_of
from exchange.actions.referrals.consent_for import ConsentFound, consent_for
from exchange.actions.referrals.release_documents import release_documents
from exchange.actions.referrals.remember import remember
from exchange.actions.referrals.send_referral import ready_to_go, sending_events
from exchange.db import document, referral, release
from exchange.db.document import Document
from exchange.db.session import now
from exchange.domain.actor import Actor
from exchange.domain.errors import Unprocessable
from exchange.domain.events import Event, EventKind
from exchange.domain.referral import hand_to_sender, with_clock
from fhir_mapping.case_data.referral import Referral, ReferralStatus, Side, Stage
from fhir_mapping.json_text import Json


def reconsider_release(session: Session, actor: Actor, kept: Document, body: Json) -> None:
    """Release what may go out now, and end at once what a Consent no longer covers."""
    sender_id = actor.organization_id or ""
    if kept.type == "Consent":
        concerned = referral.open_for_person(session, sender_id, patient_of(body) or "")
    else:
        concerned = [one for one in referral.open_attempts(session, kept.id) if one.sender_id == sender_id]
    for one in concerned:
        task = document.stored(session, "Task", one.id)
        if task is not None and one.status is not ReferralStatus.DRAFT:
            _ask_again(session, actor, one, body_of(session, task))


def _ask_again(session: Session, actor: Actor, one: Referral, task: Json) -> None:
    sender = find_organization(session, one.sender_id)
    assert sender is not None
    try:
        found = consent_for(session, sender, one, task)
    except Unprocessable:
        found = ConsentFound(is_given=False)
    is_given = found.is_given
    if not is_given and one.stage is not Stage.CONSENT_NEEDED:
        _withdraw(session, actor, one)
    elif is_given and one.stage is Stage.CONSENT_NEEDED:
        _let_go(session, actor, replace(one, consent_id=found.consent_id), task)
    elif is_given:
        release_documents(session, one, task)


def _withdraw(session: Session, actor: Actor, one: Referral) -> None:
    """End the release: the receiver keeps its Task without the person, the next step is the sender's."""
    at = now(session)
    sender = find_organization(session, one.sender_id)
    after = hand_to_sender(one, Stage.CONSENT_NEEDED, now=at, calendar=calendar_of(sender, at.year))
    remember(session, one, after, [Event(EventKind.CONSENT_NEEDED, at, Side.SENDER)], actor)
    if one.receiver_id is not None:
        release.end_releases(session, one.id, one.receiver_id, at)


def _let_go(session: Session, actor: Actor, one: Referral, task: Json) -> None:
    """Release it again: one that waits for its answer is sent, one that was answered goes on where it stood."""
    at = now(session)
    sender = find_organization(session, one.sender_id)
    receiver = find_organization(session, one.receiver_id) if one.receiver_id else None
    assert sender is not None
    ready = replace(one, stage=None)
    is_sent = one.status is ReferralStatus.REQUESTED
    if is_sent:
        ready, _issues = ready_to_go(session, sender, receiver, ready, task)
    ready = replace(ready, changed_at=at, version=one.version + 1)
    ready = with_clock(ready, now=at, calendar=calendar_of(receiver or sender, at.year))
    events = sending_events(ready, at) if is_sent else [Event(EventKind.AMENDED, at, Side.SENDER)]
    remember(session, one, ready, events, actor)
