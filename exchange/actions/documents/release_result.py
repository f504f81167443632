"""What a receiver writes for a referral reaches its sender: a Procedure that is `basedOn` the ServiceRequest."""

from sqlalchemy.orm import Session

from exchange.actions.documents.keep_document import patient_of
from exchange.db import referral, release
from exchange.db.document import Document
from exchange.db.session import fhir_base, now
from exchange.domain.actor import Actor
from fhir_mapping.datatypes import refs_of
from fhir_mapping.json_text import Json
from fhir_mapping.references import local_reference


def release_result(session: Session, actor: Actor, kept: Document, body: Json) -> None:
    """Release a Procedure to the sender of the referral that its author received, when it is about the same person."""
    if kept.type != "Procedure":
        return
    patient_id = patient_of(body)
    for ref in refs_of(body.get("basedOn")):
        local = local_reference(ref.reference or "", fhir_base(session))
        if local is None or local[0] != "ServiceRequest":
            continue
        for one in referral.attempts(session, local[1], visible_to=actor):
            if one.receiver_id == kept.author_id and one.patient_id == patient_id:
                release.release(session, [kept.id], one.sender_id, one.id, now(session))
