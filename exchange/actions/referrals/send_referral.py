"""A referral is born when a Task with code `fulfill` and intent `order` is stored: the one action for every door."""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import OrganizationFacts, find_organization
from exchange.actions.documents.body_of import body_of
from exchange.actions.documents.check_document import CheckedDocument
from exchange.actions.documents.keep_document import keep_document
from exchange.actions.referrals.calendar_of import calendar_of
from exchange.actions.referrals.consent_for import consent_for
from exchange.actions.referrals.release_documents import release_documents
from exchange.actions.referrals.resolve_receiver import organization_named, resolve_receiver
from exchange.actions.referrals.tell import tell
from exchange.db import document, referral, timeline
from exchange.db.document import Document
from exchange.db.ids import new_id
from exchange.db.session import fhir_base, now
from exchange.domain.actor import Actor
from exchange.domain.errors import NotFound, Unprocessable
from exchange.domain.events import Event, EventKind
from exchange.domain.permissions import Permission, permit
from exchange.domain.referral import with_clock
from fhir_mapping.case_data.referral import Referral, ReferralStatus, Side, Stage
from fhir_mapping.datatypes import Ref
from fhir_mapping.json_text import Json
from fhir_mapping.mapped import Issue
from fhir_mapping.references import local_reference
from fhir_mapping.resources import patient, service_request
from fhir_mapping.resources.service_request import ServiceRequestContent
from fhir_mapping.resources.task import TaskContent, task_to_referral, task_with

BIRTH = frozenset({ReferralStatus.DRAFT, ReferralStatus.REQUESTED})


@dataclass(frozen=True, slots=True)
class Sent:
    """A referral that was stored, its Task, and what there was to say about it (warnings)."""

    referral: Referral
    document: Document
    issues: tuple[Issue, ...] = ()


def send_referral(
    session: Session, actor: Actor, checked: CheckedDocument, *, task_id: str | None = None,
    also: Set[tuple[str, str]] = frozenset(),
) -> Sent:  # fmt: skip
    """Store a referral Task as `draft` or `requested`, release what it reaches, start its clock and tell the receiver.

    Raises Unprocessable naming the element, Conflict for an identifier its sender has used before.
    """
    permit(actor, Permission.SEND_REFERRAL)
    sender = find_organization(session, actor.organization_id or "")
    if sender is None or not sender.is_member:
        raise NotFound("The sending organisation is not a member of this exchange.")
    content = task_to_referral(checked.document).value
    asked = what_is_asked(session, actor, content)
    before = _attempt_before(session, actor, asked[0])
    fresh, issues = decide(session, sender, checked.document, content, asked, task_id or new_id(), before and before.id)
    written = task_with(checked.document, fresh, owner_reference=_owner(content, fresh))
    kept = keep_document(session, actor, written, document_id=fresh.id, also=also)
    referral.insert(session, fresh)
    referral.claim_identifier(
        session, sender.id, fresh.id, [(token.system, token.value) for token in content.identifiers]
    )
    events = list(_events(fresh, now(session)))
    timeline.write(session, fresh, events, actor)
    if before is not None:
        sent_on = Event(EventKind.SENT_ON, now(session), Side.SENDER, {"task": fresh.id})
        timeline.write(session, before, [sent_on], actor)
    if fresh.status is ReferralStatus.REQUESTED and fresh.stage is not Stage.CONSENT_NEEDED:
        release_documents(session, fresh, body_of(session, kept))
        tell(session, fresh, events, actor)
    return Sent(fresh, kept, (*checked.issues, *issues))


def _attempt_before(session: Session, actor: Actor, request_id: str) -> Referral | None:
    """Return the last attempt on the same ServiceRequest: a new Task on it is that referral, sent on."""
    attempts = referral.attempts(session, request_id, visible_to=actor)
    return attempts[-1] if attempts else None


def what_is_asked(session: Session, actor: Actor, content: TaskContent) -> tuple[str, str, ServiceRequestContent]:
    """Return the ids of the ServiceRequest and the Patient, and what is asked; both are the sender's own documents."""
    reader = actor.organization_id or ""
    request_id, request = _own(session, reader, content.focus, "ServiceRequest", "Task.focus")
    patient_id, _person = _own(session, reader, content.for_, "Patient", "Task.for")
    asked = service_request.content(request)
    subject = local_reference(asked.subject.reference or "", fhir_base(session)) if asked.subject else None
    if subject != ("Patient", patient_id):
        raise Unprocessable(
            "Task.for and ServiceRequest.subject name different people: correct one of them.",
            expression="Task.for",
            code="value",
        )
    requester = content.requester
    employer = organization_named(session, reader, requester, "Task.requester").id if requester else None
    if employer != reader:
        raise Unprocessable(
            "Task.requester must be your own organisation, or a PractitionerRole of it.",
            expression="Task.requester",
            code="value",
        )
    return request_id, patient_id, asked


def _own(session: Session, reader: str, ref: Ref | None, kind: str, path: str) -> tuple[str, Json]:
    local = local_reference(ref.reference or "", fhir_base(session)) if ref else None
    #  its author sees a document always, so who wrote it is the whole question
    found = document.stored(session, kind, local[1]) if local and local[0] == kind else None
    if found is None or found.author_id != reader:
        raise Unprocessable(
            f"{path} must be a {kind} that your organisation has sent here: send it first, or in the same transaction.",
            expression=path,
            code="not-found",
        )
    return found.id, body_of(session, found)


def decide(
    session: Session, sender: OrganizationFacts, task: Json, content: TaskContent,
    asked: tuple[str, str, ServiceRequestContent], task_id: str, previous_id: str | None,
) -> tuple[Referral, list[Issue]]:  # fmt: skip
    """Return what the exchange decides about a new referral Task, or about a draft that its sender changed."""
    request_id, patient_id, request = asked
    if content.status not in BIRTH:
        raise Unprocessable(
            "A new referral is `draft` or `requested`: send it so, then move it.",
            expression="Task.status",
            code="business-rule",
        )
    receiver = resolve_receiver(session, sender, content.owner, request.performers)
    at, status, facts = now(session), ReferralStatus(content.status), receiver.facts
    person = patient.person(_own(session, sender.id, content.for_, "Patient", "Task.for")[1]).value
    duplicates = referral.open_for_patient(session, sender.id, patient_id, request.need)
    fresh = Referral(
        id=task_id,
        status=status,
        sender_id=sender.id,
        receiver_id=facts.id if facts else None,
        service_request_id=request_id,
        patient_id=patient_id,
        priority=content.priority,
        previous_id=previous_id,
        network_id=receiver.network_id,
        need=request.need,
        zip_code=(person.zip_code or "")[:3] or None,
        language=person.language or None,
        receiver_name=facts.name if facts else None,
        receiver_phone=facts.phone if facts else None,
        contact_prohibited=request.contact_prohibited,
        created_at=at,
        changed_at=at,
    )
    issues = [_possible_duplicate(one) for one in duplicates if one.id not in (previous_id, task_id)]
    if status is ReferralStatus.REQUESTED:
        fresh, more = ready_to_go(session, sender, facts, fresh, task)
        issues += more
    calendar = calendar_of(facts or sender, at.year)
    return with_clock(fresh, now=at, calendar=calendar), issues


def ready_to_go(
    session: Session, sender: OrganizationFacts, facts: OrganizationFacts | None, fresh: Referral, task: Json
) -> tuple[Referral, list[Issue]]:
    """Return the referral with what holds it back when it is sent: consent that is needed, an agency to be phoned."""
    consent = consent_for(session, sender, fresh, task)
    fresh = replace(fresh, consent_id=consent.consent_id)
    if not consent.is_given:
        issue = Issue(
            "warning",
            "business-rule",
            "The referral is stored but not released: it needs an active Consent that covers the receiver. "
            "Add one to ServiceRequest.supportingInfo.",
            "ServiceRequest.supportingInfo",
        )
        return replace(fresh, stage=Stage.CONSENT_NEEDED), [issue]
    if facts is not None and not facts.can_be_told:
        number = facts.phone or "no number is known"
        issue = Issue(
            "information", "informational", f"The agency has no e-mail: it must be phoned: {number}.", "Task.owner"
        )
        return replace(fresh, stage=Stage.MUST_BE_PHONED), [issue]
    return fresh, []


def _possible_duplicate(one: Referral) -> Issue:
    return Issue(
        "warning",
        "duplicate",
        f"Task/{one.id} is an open referral of this person for the same need: cancel one if they are the same.",
        "Task.for",
    )


def _owner(content: TaskContent, fresh: Referral) -> str | None:
    """Return the owner to write where the sender named none, or named it by identifier only."""
    if fresh.receiver_id is None or (content.owner and content.owner.reference):
        return None
    return f"Organization/{fresh.receiver_id}"


def _events(fresh: Referral, at: datetime) -> list[Event]:
    return (
        sending_events(fresh, at)
        if fresh.status is ReferralStatus.REQUESTED
        else [Event(EventKind.DRAFTED, at, Side.SENDER)]
    )


def sending_events(fresh: Referral, at: datetime) -> list[Event]:
    """Return the facts of a referral that goes out now."""
    events = [Event(EventKind.SENT, at, Side.SENDER)]
    if fresh.stage is Stage.CONSENT_NEEDED:
        return [Event(EventKind.CONSENT_NEEDED, at, Side.SENDER)]
    if fresh.stage is Stage.MUST_BE_PHONED:
        detail = {"phone": fresh.receiver_phone} if fresh.receiver_phone else {}
        events.append(Event(EventKind.MUST_BE_PHONED, at, Side.SYSTEM, detail))
    if fresh.receiver_id is None:
        events.append(Event(EventKind.QUEUED, at, Side.SYSTEM))
    return events
