"""Each kind of fault that the check refuses, with its place and the remedy it names."""

from collections.abc import Callable
from typing import Any

import pytest

from fhir_mapping.conformance import check
from fhir_mapping.json_text import JsonNumber
from tests.fhir_mapping.edits import Document, both, change, drop, put

NUMBER = JsonNumber("1")
ENTERED_IN_ERROR = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "entered-in-error"}]
}
SCRIPT = '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>'

# name, edit, code of the issue, FHIRPath, a part of the sentence
FAULTS = [
    ("task", put("status", "bogus"), "code-invalid", "Task.status", "one of draft, requested"),
    ("task", put("status", NUMBER), "value", "Task.status", "text in quotation marks"),
    ("task", put("priority", "high"), "code-invalid", "Task.priority", "routine, urgent, asap, stat"),
    ("task", put("intent", "plan"), "code-invalid", "Task.intent", "only as one of order"),
    ("task", put("status", "ready"), "code-invalid", "Task.status", "only as one of draft"),
    ("task", put("colour", "red"), "structure", "Task.colour", "no element of this name"),
    ("task", drop("intent"), "required", "Task.intent", "intent is missing"),
    ("task", drop("focus"), "required", "Task.focus", "requires focus"),
    ("task", drop("for"), "required", "Task.for", "requires for"),
    ("task", drop("requester"), "required", "Task.requester", "requires requester"),
    ("task", drop("authoredOn"), "required", "Task.authoredOn", "requires authoredOn"),
    ("task", put("focus.reference", "Patient/1"), "value", "Task.focus", "type ServiceRequest"),
    ("task", put("requester.reference", "Patient/1"), "value", "Task.requester", "Organization or PractitionerRole"),
    ("task", put("owner.reference", "Medication/1"), "value", "Task.owner.reference", "must name a document of type"),
    ("task", put("owner.reference", "not a reference"), "value", "Task.owner.reference", "write it as Type/id"),
    ("task", put("owner.reference", "javascript:alert(1)"), "value", "Task.owner.reference", "write it as Type/id"),
    ("task", put("owner.reference", "#gone"), "invariant", "Task", "contained document that is not there"),
    ("task", put("owner", {"type": "Organization"}), "required", "Task.owner", "names nothing"),
    ("task", put("lastModified", "2026-11-01T00:00:00Z"), "invariant", "Task.lastModified", "inv-1"),
    ("task", put("statusReason", {"coding": [{"code": "x"}]}), "required", "Task.statusReason", "must have a text"),
    ("task", put("authoredOn", "2026-02-30"), "value", "Task.authoredOn", "the calendar does not have"),
    ("task", put("authoredOn", "2026-11-20T15:12:00"), "value", "Task.authoredOn", "with seconds and zone"),
    ("task", put("authoredOn", NUMBER), "value", "Task.authoredOn", "text in quotation marks"),
    ("task", put("authoredOn", None), "structure", "Task.authoredOn", "is null"),
    ("task", put("note", []), "structure", "Task.note", "array is empty"),
    ("task", put("note", {"text": "x"}), "structure", "Task.note", "send it as an array"),
    ("task", put("owner", [{"display": "x"}]), "structure", "Task.owner", "without an array"),
    ("task", put("owner", "Organization/1"), "structure", "Task.owner", "send it as an object"),
    ("task", put("owner", {}), "structure", "Task.owner", "is empty"),
    ("task", put("note.0.text", ""), "value", "Task.note[0].text", "is empty"),
    ("task", put("note.0.text", "\x01"), "value", "Task.note[0].text", "control character"),
    ("task", put("input.0.valueString", "x"), "structure", "Task.input[0].value", "more than one type"),
    ("task", lambda d: d["input"][0].pop("valueReference"), "required", "Task.input[0].value", "value is missing"),
    ("task", put("extension.0.valueDecimal", "1.5"), "value", "Task.extension[0].value", "must be a number"),
    ("task", put("extension.0.url", "has space"), "value", "Task.extension[0].url", "without spaces"),
    ("task", lambda d: d["extension"][0].pop("url"), "required", "Task.extension[0].url", "url is missing"),
    ("task", put("extension.0.extension", [{"url": "a", "valueCode": "b"}]), "invariant", "Task.extension[0]", "ext-1"),
    ("task", put("id", "x" * 65), "value", "Task.id", "at most 64"),
    ("task", put("id", "org_1"), "value", "Task.id", "letters, digits"),
    ("task", put("_owner", {"id": "a"}), "structure", "Task._owner", "no element of this name"),
    ("task", put("fhir_comments", ["x"]), "structure", "Task.fhir_comments", "no element of this name"),
    ("task", put("implicitRules", "javascript:alert(1)"), "value", "Task.implicitRules", "not one that runs"),
    ("task", put("meta.lastUpdated", "2026-11-20"), "value", "Task.meta.lastUpdated", "with seconds and zone"),
    ("task", put("restriction.repetitions", "1"), "value", "Task.restriction.repetitions", "above zero"),
    ("task", put("restriction.repetitions", JsonNumber("0")), "value", "Task.restriction.repetitions", "above zero"),
    ("task", put("restriction.repetitions", JsonNumber("1.0")), "value", "Task.restriction.repetitions", "whole"),
    ("patient", put("active", "true"), "value", "Patient.active", "true or false"),
    ("patient", put("active", NUMBER), "value", "Patient.active", "true or false"),
    ("patient", put("gender", "f"), "code-invalid", "Patient.gender", "male, female"),
    ("patient", put("birthDate", "1984-07-09T00:00:00Z"), "value", "Patient.birthDate", "like 2026-11-23"),
    ("patient", put("birthDate", "1984-13-09"), "value", "Patient.birthDate", "like 2026-11-23"),
    ("patient", put("_birthDate", {"extension": []}), "structure", "Patient.birthDate.extension", "array is empty"),
    ("patient", put("_birthDate", []), "structure", "Patient.birthDate", "shape of the primitive"),
    ("patient", put("contact", [{"gender": "male"}]), "invariant", "Patient.contact[0]", "pat-1"),
    ("patient", put("name.1.given", ["Rosa", None]), "structure", "Patient.name[1].given[1]", "is null"),
    ("patient", put("name.1.use", "main"), "code-invalid", "Patient.name[1].use", "usual, official"),
    ("patient", put("telecom.0", {"value": "1"}), "invariant", "Patient.telecom[0]", "cpt-2"),
    ("patient", put("telecom.0.system", "tel"), "code-invalid", "Patient.telecom[0].system", "phone, fax"),
    ("patient", put("identifier.0.use", "x"), "code-invalid", "Patient.identifier[0].use", "usual, official"),
    ("patient", put("address.0.use", "x"), "code-invalid", "Patient.address[0].use", "home, work"),
    (
        "patient",
        put("address.0.period", {"start": "2026-02", "end": "2026-01"}),
        "invariant",
        "Patient.address[0].period",
        "per-1",
    ),
    ("patient", put("photo", [{"data": "!"}]), "value", "Patient.photo[0].data", "base64"),
    (
        "patient",
        put("photo", [{"contentType": "image/png", "data": "abc"}]),
        "value",
        "Patient.photo[0].data",
        "base64",
    ),
    ("patient", put("photo", [{"data": "aGk="}]), "invariant", "Patient.photo[0]", "att-1"),
    ("patient", put("text.status", "ok"), "code-invalid", "Patient.text.status", "generated"),
    ("patient", put("text.div", SCRIPT), "security", "Patient.text.div", "an element that a narrative may not have"),
    ("patient", put("name.1", {"use": "official"}), "invariant", "Patient.name", "us-core-6"),
    (
        "patient",
        both(put("deceasedBoolean", True), put("deceasedDateTime", "2026")),
        "structure",
        "Patient.deceased",
        "more than one type",
    ),
    (
        "patient",
        put("contained", [{"resourceType": "Device", "id": "d"}]),
        "invariant",
        "Patient.contained[0]",
        "Nothing refers",
    ),
    ("patient", put("contained", [{"id": "d"}]), "structure", "Patient.contained[0]", "no FHIR R4 resource"),
    ("condition", put("verificationStatus", ENTERED_IN_ERROR), "invariant", "Condition.clinicalStatus", "con-5"),
    ("condition", put("clinicalStatus", {"text": "on"}), "invariant", "Condition.clinicalStatus", "must hold one of"),
    ("condition", put("verificationStatus", {"text": "sure"}), "invariant", "Condition.verificationStatus", "hold one"),
    ("condition", put("abatementString", "over"), "invariant", "Condition.clinicalStatus", "con-4"),
    (
        "condition",
        put("evidence", [{"id": "a", "extension": [{"url": "u", "valueCode": "c"}]}]),
        "invariant",
        "Condition.evidence[0]",
        "con-2",
    ),
    ("condition", put("stage", [{"type": {"text": "x"}}]), "invariant", "Condition.stage[0]", "con-1"),
    ("condition", lambda d: d["category"].pop(0), "invariant", "Condition.category", "SDOH-Con-2"),
    ("condition", lambda d: d["category"].pop(1), "code-invalid", "Condition.category", "sdoh"),
    ("condition", put("bodySite", [{"text": "x"}]), "structure", "Condition.bodySite", "does not allow bodySite"),
    ("condition", put("subject.reference", "Group/1"), "value", "Condition.subject", "type Patient"),
    ("consent", drop("policyRule"), "invariant", "Consent", "ppc-1"),
    ("consent", drop("patient"), "invariant", "Consent.patient", "ppc-2"),
    ("consent", drop("dateTime"), "required", "Consent.dateTime", "requires dateTime"),
    ("consent", drop("sourceAttachment"), "required", "Consent.source", "requires source"),
    ("consent", put("status", "on"), "code-invalid", "Consent.status", "draft, proposed"),
    ("consent", put("provision.type", "maybe"), "code-invalid", "Consent.provision.type", "deny, permit"),
    ("service_request", drop("code"), "invariant", "ServiceRequest.orderDetail", "prr-1"),
    ("service_request", drop("code", "orderDetail"), "required", "ServiceRequest.code", "requires code"),
    ("service_request", put("status", "requested"), "code-invalid", "ServiceRequest.status", "draft, active"),
    ("service_request", put("bodySite", [{"text": "x"}]), "structure", "ServiceRequest.bodySite", "does not allow"),
    ("observation", put("dataAbsentReason", {"text": "x"}), "invariant", "Observation.dataAbsentReason", "obs-6"),
    ("observation", put("status", "done"), "code-invalid", "Observation.status", "registered"),
    (
        "observation",
        put("referenceRange", [{"type": {"text": "x"}}]),
        "invariant",
        "Observation.referenceRange[0]",
        "obs-3",
    ),
    ("observation", drop("valueCodeableConcept"), "invariant", "Observation.value", "us-core-2"),
    ("goal", put("target.0.detailString", "x"), "invariant", "Goal.target[0]", "gol-1"),
    ("procedure", drop("performedPeriod"), "invariant", "Procedure.performed", "us-core-7"),
    ("procedure", put("status", "done"), "code-invalid", "Procedure.status", "preparation"),
    ("organization", drop("name", "identifier"), "invariant", "Organization", "org-1"),
    ("organization", put("address.0.use", "home"), "invariant", "Organization.address", "org-2"),
    ("organization", put("telecom.0.use", "home"), "invariant", "Organization.telecom", "org-3"),
    ("immunization", put("doseQuantity.system", "bad uri"), "value", "Immunization.doseQuantity.system", "spaces"),
    ("immunization", lambda d: d["doseQuantity"].pop("system"), "invariant", "Immunization.doseQuantity", "qty-3"),
    (
        "immunization",
        put("education", [{"presentationDate": "2026"}]),
        "invariant",
        "Immunization.education[0]",
        "imm-1",
    ),
    ("group", put("actual", False), "invariant", "Group.member", "grp-1"),
    ("questionnaire", put("item.1.item.0.linkId", "1"), "invariant", "Questionnaire.item", "que-2"),
    ("questionnaire", lambda d: d["item"][1].pop("item"), "invariant", "Questionnaire.item[1]", "que-1"),
    (
        "questionnaire",
        lambda d: d["item"][1]["item"][0]["enableWhen"].append(
            {"question": "1", "operator": "exists", "answerBoolean": False}
        ),
        "invariant",
        "Questionnaire.item[1].item[0].enableBehavior",
        "que-12",
    ),
    (
        "questionnaire_response",
        put("item.0.item", [{"linkId": "9"}]),
        "invariant",
        "QuestionnaireResponse.item[0]",
        "qrs-1",
    ),
    ("patient_task", drop("description"), "invariant", "Task.description", "SDOH-Task-7"),
    ("patient_task", drop("input"), "invariant", "Task.input", "SDOH-Task-4"),
    ("patient_task", put("priority", "stat"), "code-invalid", "Task.priority", "routine, urgent"),
    (
        "referral_bundle",
        put("entry.0.request.method", "MERGE"),
        "code-invalid",
        "Bundle.entry[0].request.method",
        "GET",
    ),
    (
        "referral_bundle",
        put("entry.4.resource.status", "bogus"),
        "code-invalid",
        "Bundle.entry[4].resource.status",
        "draft",
    ),
]


@pytest.mark.parametrize(("name", "edit", "code", "expression", "words"), FAULTS)
def test_each_fault_is_an_error_with_its_place_and_a_remedy(
    name: str, edit: Callable[[Document], Any], code: str, expression: str, words: str
) -> None:
    issues = check(change(name, edit))

    found = [issue for issue in issues if issue.expression == expression and words in issue.sentence]
    assert [(issue.severity, issue.code) for issue in found] == [("error", code)], issues
