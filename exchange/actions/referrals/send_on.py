"""Sending on: a new attempt is a new Task on the same ServiceRequest, linked in the timeline."""

from sqlalchemy.orm import Session

from exchange.actions.documents.check_document import check_document
from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.send_referral import Sent, send_referral
from exchange.db import referral
from exchange.db.session import now
from exchange.domain.actor import Actor
from exchange.domain.errors import Forbidden
from exchange.domain.referral import OPEN
from fhir_mapping.case_data.referral import Note, Reason
from fhir_mapping.resources.task import new_referral_task


def send_on(session: Session, actor: Actor, referral_id: str, receiver_id: str, *, note: str | None = None) -> Sent:
    """Send the same request to another agency and return the new referral.

    One that is still open is cancelled first: the first agency is told that it was withdrawn.
    """
    before = referral.lock(session, referral_id, visible_to=actor)
    if actor.organization_id != before.sender_id:
        raise Forbidden("Only the sender may send a referral on.")
    if before.status in OPEN:
        answer_referral(
            session, actor, referral_id, "cancel", reason=Reason("sent-elsewhere", "Sent to another agency.")
        )
    at = now(session)
    task = new_referral_task(
        service_request=f"ServiceRequest/{before.service_request_id}",
        patient=f"Patient/{before.patient_id}",
        requester=f"Organization/{before.sender_id}",
        owner=f"Organization/{receiver_id}",
        authored_on=at,
        priority=before.priority,
        notes=[Note(note.strip(), at, actor.name)] if note and note.strip() else [],
    )
    return send_referral(session, actor, check_document(task))
