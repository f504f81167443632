"""Send, from the portal: the form's words become the same four documents that an EHR would send."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from directory import lookup
from exchange.actions.directory.find_organization import find_organization
from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.create_document import create_document
from exchange.actions.referrals.send_referral import Sent, send_referral
from exchange.db import document
from exchange.db.session import now
from exchange.domain.actor import Actor
from exchange.domain.errors import NotFound, Unprocessable
from exchange.domain.permissions import Permission, permit
from fhir_mapping.case_data.person import Person
from fhir_mapping.case_data.referral import Note, Priority
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from fhir_mapping.json_text import Json
from fhir_mapping.resources.consent import new_consent
from fhir_mapping.resources.patient import new_patient
from fhir_mapping.resources.service_request import new_service_request
from fhir_mapping.resources.task import new_referral_task

#  how consent was given → the words that stand in the Consent; `attested` asserts the legal basis without one
CONSENT_GIVEN = {"written": "Signed on paper.", "verbal": "Given in conversation.", "attested": None}


@dataclass(frozen=True, slots=True)
class ReferralRequest:
    """What the form says: a new `person` or a known `patient_id`; `receiver_id`, `service_id`, or neither (open)."""

    need: str
    requested: str
    consent: str
    person: Person | None = None
    patient_id: str | None = None
    receiver_id: str | None = None
    service_id: str | None = None
    priority: Priority = Priority.ROUTINE
    note: str | None = None
    contact_prohibited: bool = False


def compose_referral(session: Session, actor: Actor, request: ReferralRequest) -> Sent:
    """Store Patient, Consent, ServiceRequest and Task and send the referral.

    Raises Unprocessable naming the form's field.
    """
    permit(actor, Permission.SEND_REFERRAL)
    if request.need not in SDOH_CATEGORIES:
        raise Unprocessable("Choose what the person needs.", expression="need", code="required")
    if request.consent not in CONSENT_GIVEN:
        raise Unprocessable("Say how the person agreed to be referred.", expression="consent", code="required")
    at, own = now(session), f"Organization/{actor.organization_id}"
    patient = f"Patient/{_patient(session, actor, request)}"
    receiver_id = _receiver(session, request)
    words = CONSENT_GIVEN[request.consent]
    supporting = []
    if words is not None:
        recipients = [f"Organization/{receiver_id}"] if receiver_id else []
        supporting = [
            _keep(
                session,
                actor,
                new_consent(patient=patient, organization=own, given_at=at, how=words, recipients=recipients),
            )
        ]
    receiver = f"Organization/{receiver_id}" if receiver_id else None
    receiver_facts = find_organization(session, receiver_id) if receiver_id else None
    receiver_name = receiver_facts.name if receiver_facts else None
    order = new_service_request(
        need=request.need,
        requested=request.requested.strip() or SDOH_CATEGORIES[request.need],
        patient=patient,
        requester=own,
        authored_on=at,
        performer=receiver,
        performer_name=receiver_name,
        priority=request.priority,
        contact_prohibited=request.contact_prohibited,
        supporting_info=supporting,
    )
    task = new_referral_task(
        service_request=_keep(session, actor, order), patient=patient, requester=own, authored_on=at, owner=receiver,
        owner_name=receiver_name, requester_name=actor.name,
        priority=request.priority,
        notes=[Note(request.note.strip(), at, actor.name)] if request.note and request.note.strip() else [],
    )  # fmt: skip
    return send_referral(session, actor, check_document(task))


def _patient(session: Session, actor: Actor, request: ReferralRequest) -> str:
    if request.patient_id is not None:
        known = document.read(session, "Patient", request.patient_id, viewer_id=actor.organization_id or "")
        if known is None or known.author_id != actor.organization_id:
            raise NotFound("This person is not known to your organisation.")
        return known.id
    if request.person is None or not request.person.name:
        raise Unprocessable("Give the name of the person.", expression="name", code="required")
    return _keep(session, actor, new_patient(request.person)).partition("/")[2]


def _receiver(session: Session, request: ReferralRequest) -> str | None:
    if request.receiver_id or not request.service_id:
        return request.receiver_id or None
    listing = lookup.service(session, request.service_id)
    if listing is None or listing.is_gone:
        raise Unprocessable(
            "This service is no longer in the directory: choose another.", expression="service", code="not-found"
        )
    return listing.record.organization_id


def _keep(session: Session, actor: Actor, body: Json) -> str:
    kept = create_document(session, actor, check_document(body)).document
    return f"{kept.type}/{kept.id}"
