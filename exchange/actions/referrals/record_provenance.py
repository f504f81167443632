"""Who recorded for whom: a Provenance of each answer that came by phone, on paper or by link."""

from sqlalchemy.orm import Session

from exchange.actions.documents.keep_document import keep_document
from exchange.db import release
from exchange.db.document import Document
from exchange.db.session import now
from exchange.domain.actor import Actor
from fhir_mapping.case_data.referral import Referral
from fhir_mapping.resources import provenance


def record_provenance(session: Session, actor: Actor, referral: Referral, task: Document) -> None:
    """Author a Provenance of this version of the Task; both sides may read it."""
    agency = referral.receiver_id or ""
    recorder = actor.organization_id or agency
    body = provenance.provenance(
        targets=[f"Task/{task.id}/_history/{task.version}"],
        recorded=now(session),
        organization=f"Organization/{recorder}",
        author=actor.name,
        on_behalf_of=f"Organization/{agency}",
        activity="UPDATE",
        reason=f"The answer came by {actor.source}.",
    )
    kept = keep_document(session, actor, body, author_id=recorder, also={("Task", task.id)})
    for side in {referral.sender_id, agency} - {recorder}:
        release.release(session, [kept.id], side, referral.id, now(session))
