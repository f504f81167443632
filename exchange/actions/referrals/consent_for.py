"""Asks the release policy for a referral: which Consents speak, what they say for its receiver."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import OrganizationFacts, find_organization
from exchange.actions.documents.body_of import body_of
from exchange.actions.referrals.release_documents import reached
from exchange.db import document
from exchange.db.session import fhir_base, now
from exchange.domain.consent import Answer, ConsentFacts, covers, denies, release_policy
from exchange.domain.errors import Unprocessable
from fhir_mapping.case_data.referral import Referral
from fhir_mapping.json_text import Json
from fhir_mapping.references import local_reference
from fhir_mapping.resources import consent as consents


@dataclass(frozen=True, slots=True)
class ConsentFound:
    """Whether the referral may be released, and by which Consent (None where the sender attests)."""

    is_given: bool
    consent_id: str | None = None


class Whom(TypedDict):
    """Whose documents, to whom, when: what each question to the policy is about."""

    patient_id: str
    recipient_id: str
    now: datetime


def consent_for(session: Session, sender: OrganizationFacts, referral: Referral, task: Json) -> ConsentFound:
    """Return whether this referral may be released to its receiver. Raises Unprocessable when a Consent denies it.

    An open referral has no receiver yet: only a Consent that names nobody covers it, and a named one is asked again
    when somebody claims it.
    """
    whom: Whom = {
        "patient_id": referral.patient_id,
        "recipient_id": referral.receiver_id or "",
        "now": now(session),
    }
    documents = list(_documents(session, task, referral))
    spoken = [_facts(session, kind_id, body) for kind_id, body in documents if body["resourceType"] == "Consent"]
    for one in spoken:
        if denies(one, **whom):
            raise Unprocessable(
                "The person's Consent denies this disclosure: the referral cannot be sent to this agency.",
                expression="ServiceRequest.supportingInfo",
                code="business-rule",
            )
    allowed = all(
        release_policy(_labels(body), rule=sender.consent_rule, consents=spoken, **whom) is Answer.ALLOW
        for _id, body in documents
    )
    covering = next((one.id for one in spoken if covers(one, **whom)), None)
    return ConsentFound(allowed, covering)


def refuse_claim_without_consent(session: Session, claimed: Referral, task: Json) -> None:
    """Raise Unprocessable unless the person's consent lets whoever claims an open referral see it."""
    sender = find_organization(session, claimed.sender_id)
    if sender is None or not consent_for(session, sender, claimed, task).is_given:
        raise Unprocessable(
            "The person's consent does not cover your organisation: ask the sender to name you in it.",
            expression="Task.owner",
            code="business-rule",
        )


def _documents(session: Session, task: Json, referral: Referral) -> Iterator[tuple[str, Json]]:
    """Yield the Task and every document that the referral would release."""
    yield referral.id, task
    for document_id in reached(session, task, author_id=referral.sender_id, patient_id=referral.patient_id):
        found = document.by_id(session, document_id)
        if found is not None:
            yield document_id, body_of(session, found)


def _labels(body: Json) -> list[str]:
    security = body.get("meta", {}).get("security", [])
    return [str(label.get("code")) for label in security if isinstance(label, dict)]


def _facts(session: Session, document_id: str, body: Json) -> ConsentFacts:
    said = consents.consent(body).value
    base = fhir_base(session)
    patient = local_reference(said.patient or "", base)
    return ConsentFacts(
        id=document_id,
        patient_id=patient[1] if patient and patient[0] == "Patient" else None,
        is_active=said.status == "active",
        denies=said.denies,
        begins=said.period_start,
        ends=said.period_end,
        recipients=_organizations(said.recipients, base),
        names_recipients=bool(said.recipients),
        denied_recipients=_organizations(said.denied_recipients, base),
    )


def _organizations(references: Iterable[str], base: str) -> frozenset[str]:
    local = [local_reference(text, base) for text in references]
    return frozenset(found[1] for found in local if found and found[0] == "Organization")
