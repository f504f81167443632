"""A side makes a move: accept, reject, start, hold, resume, complete, fail, cancel, retract, send, claim.

Portal, link and CLI come here; a PUT at the FHIR door comes through `change_task`, to the same table of moves.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import find_organization
from exchange.actions.documents.body_of import body_of
from exchange.actions.documents.keep_document import keep_document
from exchange.actions.referrals.calendar_of import calendar_of
from exchange.actions.referrals.consent_for import refuse_claim_without_consent
from exchange.actions.referrals.record_provenance import record_provenance
from exchange.actions.referrals.remember import actor_writes_as, remember
from exchange.actions.referrals.send_referral import ready_to_go, sending_events
from exchange.db import document, referral
from exchange.db.session import now
from exchange.domain.actor import Actor
from exchange.domain.events import BY_VERB, Event
from exchange.domain.permissions import Permission, permit
from exchange.domain.referral import move, with_clock
from exchange.domain.sides import side_for
from fhir_mapping.case_data.referral import Note, Output, Reason, Referral
from fhir_mapping.json_text import Json
from fhir_mapping.resources import procedure, service_request

NEEDED = {"cancel": Permission.CANCEL_REFERRAL, "retract": Permission.CANCEL_REFERRAL, "send": Permission.SEND_REFERRAL}


def answer_referral(
    session: Session, actor: Actor, referral_id: str, verb: str, *, reason: Reason | None = None,
    note: str | None = None, outcome: str | None = None, hold_until: datetime | None = None,
) -> Referral:  # fmt: skip
    """Move a referral and return it as it stands then. `outcome` says what service was given (a Procedure).

    Raises NotFound for strangers, Forbidden for the wrong side, IllegalTransition, Unprocessable.
    """
    before = referral.lock(session, referral_id, visible_to=actor)
    permit(
        actor,
        Permission.RECORD_FOR_AGENCY
        if actor.source in ("phone", "paper")
        else NEEDED.get(verb, Permission.ANSWER_REFERRAL),
    )
    side = side_for(actor, before, verb)
    facts = find_organization(session, before.receiver_id or before.sender_id)
    at = now(session)
    calendar = calendar_of(facts, at.year)
    stored = document.stored(session, "Task", referral_id)
    assert stored is not None
    task = body_of(session, stored)
    #  the move is judged before anything is written for it
    promised = (Output("resulting-activity", text=outcome),) if outcome else ()
    after = move(
        before, verb, side, now=at, calendar=calendar, reason=reason, hold_until=hold_until, outputs=promised,
        notes=_notes(note, at, actor), claimed_by=actor.organization_id, has_output=bool(task.get("output")),
    )  # fmt: skip
    if outcome:
        after = replace(after, new_outputs=(_procedure(session, actor, before, outcome, at),))
    if verb == "claim":
        refuse_claim_without_consent(session, after, task)
        claimant = find_organization(session, after.receiver_id or "")
        after = replace(after, receiver_name=claimant.name if claimant else None)
    events = [Event(BY_VERB[verb], at, side)]
    if verb == "send":
        after, events = _sent(session, before, after, task, at)
    kept = remember(session, before, after, events, actor)
    if actor.source is not None:
        record_provenance(session, actor, before, kept)
    return after


def _sent(
    session: Session, before: Referral, after: Referral, task: Json, at: datetime
) -> tuple[Referral, list[Event]]:
    """Return a draft that goes out now: consent is asked, an agency without e-mail goes to the phone list."""
    sender = find_organization(session, before.sender_id)
    receiver = find_organization(session, before.receiver_id) if before.receiver_id else None
    assert sender is not None
    ready, _issues = ready_to_go(session, sender, receiver, after, task)
    ready = with_clock(ready, now=at, calendar=calendar_of(receiver or sender, at.year))
    return ready, sending_events(ready, at)


def _notes(text: str | None, at: datetime, actor: Actor) -> tuple[Note, ...]:
    return (Note(text.strip(), at, actor.name),) if text and text.strip() else ()


def _procedure(session: Session, actor: Actor, before: Referral, outcome: str, at: datetime) -> Output:
    """Author the Procedure that says what was done, in the receiver's name, and return the output that names it."""
    request = document.stored(session, "ServiceRequest", before.service_request_id)
    asked = service_request.content(body_of(session, request)) if request else None
    body = procedure.new_procedure(
        service_request=f"ServiceRequest/{before.service_request_id}",
        patient=f"Patient/{before.patient_id}",
        performer=f"Organization/{before.receiver_id}",
        description=outcome.strip(),
        performed_at=at,
        need=asked.need if asked else None,
    )
    kept = keep_document(session, actor, body, author_id=actor_writes_as(before, actor))
    return Output("resulting-activity", f"Procedure/{kept.id}")
