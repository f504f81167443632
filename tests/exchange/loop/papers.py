"""The documents that the loop sends: a person, a request, a consent, a Task; each sender writes its own."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from exchange.actions.documents.check_document import CheckedDocument, check_document
from exchange.actions.documents.create_document import create_document
from exchange.actions.documents.update_document import update_document
from exchange.db import document
from exchange.domain.actor import Actor
from fhir_mapping.json_text import Json, parse
from fhir_mapping.resources.consent import new_consent
from fhir_mapping.resources.reduced_task import task_without_person
from tests.exchange.conftest import House
from tests.exchange.web.fhir.conftest import a_patient, a_referral, a_request

SYSTEM = "urn:example:orders"
OUTCOME = [{"type": {"text": "Resulting activity"}, "valueCodeableConcept": {"text": "Food was given."}}]


def keep(session: Session, actor: Actor, body: Json) -> str:
    """Keep a document and return its address."""
    kept = create_document(session, actor, check_document(body)).document
    return f"{kept.type}/{kept.id}"


def a_consent(house: House, sender: str, patient: str, said: Mapping[str, Any]) -> Json:
    """Return a Consent that permits, or denies, for the organisations it names (None: for all)."""
    body = new_consent(
        patient=patient, organization=f"Organization/{house.ids[sender]}", given_at=house.clock(), how="Signed",
        recipients=[f"Organization/{house.ids[one]}" for one in said["recipients"] or ()],
    )  # fmt: skip
    if said["denies"]:
        body["provision"]["type"] = "deny"
    return body


def basis(session: Session, house: House, sender: str, consent: Mapping[str, Any] | None) -> dict[str, str]:
    """Keep Patient, Consent where there is one, and ServiceRequest, and return their addresses."""
    actor = house.client(sender)
    patient = keep(session, actor, a_patient())
    found = {"patient": patient}
    if consent is not None:
        found["consent"] = keep(session, actor, a_consent(house, sender, patient, consent))
    supporting = {"supportingInfo": [{"reference": found["consent"]}]} if consent is not None else {}
    return found | {"request": keep(session, actor, a_request(patient, **supporting))}


def a_task(house: House, sender: str, receiver: str | None, found: Mapping[str, str], **changes: Any) -> Json:
    """Return the Task of a referral on these documents."""
    owner = house.ids[receiver] if receiver else None
    return a_referral(found["patient"], found["request"], house.ids[sender], owner, **changes)


def identified(value: str | None) -> dict[str, Any]:
    """Return what a Task with this identifier has besides."""
    return {"identifier": [{"system": SYSTEM, "value": value}]} if value else {}


def as_read_by(session: Session, house: House, who: str, task_id: str) -> tuple[Json | None, bool]:
    """Return the Task as an organisation reads it at the FHIR door, and whether that is the form without the person."""
    found = document.read(session, "Task", task_id, viewer_id=house.ids[who])
    if found is None:
        return None, False
    body = parse(found.body)
    return (task_without_person(body) if found.is_reduced else body), found.is_reduced


def put_task(session: Session, actor: Actor, body: Json, *, is_reduced: bool, if_match: int | None) -> None:
    """Send a Task back as the FHIR door does; what was shown without the person may come back without it."""
    checked = CheckedDocument(body) if is_reduced else check_document(body)
    update_document(session, actor, "Task", body["id"], checked, if_match=if_match)


def edit(session: Session, actor: Actor, address: str, **changes: Any) -> None:
    """Keep the next version of one of the actor's own documents."""
    kind, _, document_id = address.partition("/")
    stored = document.stored(session, kind, document_id)
    assert stored is not None
    update_document(session, actor, kind, document_id, check_document(parse(stored.body) | changes))
