"""The ServiceRequest: what is asked for. SDOHCC 3.0.0, SDOHCC-ServiceRequest."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fhir_mapping import systems
from fhir_mapping.case_data.referral import Priority
from fhir_mapping.codes import task_codes
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from fhir_mapping.datatypes import (
    Ref,
    Token,
    codings,
    concept,
    has_coding,
    identifier,
    identifiers_of,
    instant,
    items,
    ref_of,
    reference,
    refs_of,
    text_of,
    without_nothing,
)
from fhir_mapping.json_text import Json

UNSPECIFIED = "sdoh-category-unspecified"


@dataclass(frozen=True, slots=True)
class ServiceRequestContent:
    """What a ServiceRequest says. `need` is a code of `SDOH_CATEGORIES` or None; `need_text` is for people."""

    status: str
    intent: str
    need: str | None
    need_text: str
    requested_text: str
    contact_prohibited: bool
    subject: Ref | None
    requester: Ref | None
    performers: tuple[Ref, ...]
    supporting_info: tuple[Ref, ...]
    reasons: tuple[Ref, ...]
    based_on: tuple[Ref, ...]
    identifiers: tuple[Token, ...]
    priority: Priority


def content(document: Json) -> ServiceRequestContent:
    """Return what the ServiceRequest says, tolerantly.

    The need is its SDOHCC category; without one, the words are the category's text or what is requested.
    """
    found = [token.value for token in codings(document.get("category")) if token.system == systems.SDOHCC_CODES]
    need = next((code for code in found if code in SDOH_CATEGORIES), None)
    requested = text_of(document.get("code")) or ""
    named = next(filter(None, map(text_of, reversed(items(document.get("category"))))), None)
    priority = document.get("priority")
    return ServiceRequestContent(
        status=str(document.get("status", "")),
        intent=str(document.get("intent", "")),
        need=need,
        need_text=SDOH_CATEGORIES[need] if need else requested or named or "",
        requested_text=requested,
        contact_prohibited=has_coding(
            document.get("orderDetail"), systems.SDOHCC_CODES, task_codes.CONTACTING_SUBJECT_PROHIBITED
        ),
        subject=ref_of(document.get("subject")),
        requester=ref_of(document.get("requester")),
        performers=refs_of(document.get("performer")),
        supporting_info=refs_of(document.get("supportingInfo")),
        reasons=refs_of(document.get("reasonReference")),
        based_on=refs_of(document.get("basedOn")),
        identifiers=identifiers_of(document),
        priority=Priority(priority) if priority in list(Priority) else Priority.ROUTINE,
    )


def new_service_request(
    *,
    need: str,
    requested: str,
    patient: str,
    requester: str,
    authored_on: datetime,
    performer: str | None = None,
    performer_name: str | None = None,
    priority: Priority = Priority.ROUTINE,
    contact_prohibited: bool = False,
    supporting_info: Iterable[str] = (),
    reasons: Iterable[str] = (),
    identifiers: Iterable[Token] = (),
    note: str | None = None,
) -> Json:
    """Return the ServiceRequest we author from a form; `need` is a code of `SDOH_CATEGORIES`, `requested` words."""
    prohibited = concept(
        systems.SDOHCC_CODES,
        task_codes.CONTACTING_SUBJECT_PROHIBITED,
        task_codes.CONTACTING_SUBJECT_PROHIBITED_DISPLAY,
    )
    return without_nothing(
        {
            "resourceType": "ServiceRequest",
            "meta": {"profile": [systems.SDOHCC_SERVICE_REQUEST]},
            "identifier": [identifier(token.system, token.value) for token in identifiers],
            "status": "active",
            "intent": "order",
            "category": [
                concept(systems.SNOMED, "410606002", "Social service procedure"),
                concept(systems.SDOHCC_CODES, need, SDOH_CATEGORIES[need]),
            ],
            "priority": str(priority),
            "code": {"text": requested},
            "orderDetail": [prohibited] if contact_prohibited else None,
            "subject": reference(patient),
            "authoredOn": instant(authored_on),
            "requester": reference(requester),
            "performer": [reference(performer, performer_name)] if performer else None,
            "reasonReference": [reference(target) for target in reasons],
            "supportingInfo": [reference(target) for target in supporting_info],
            "note": [{"text": note}] if note else None,
        }
    )
