"""The rows of the search parameter table: per type the code, the kind, the elements, and what differs from the usual.

Names and expressions: http://hl7.org/fhir/R4/searchparameter-registry.html; `Task.output` and
`ServiceRequest.supporting-info` are SDOHCC 3.0.0's own. What the columns mean: `search_parameters.SearchParameter`.
"""

from typing import Final

from fhir_mapping import systems

TOKEN: Final = "token"
REFERENCE: Final = "reference"
STRING: Final = "string"
DATE: Final = "date"
URI: Final = "uri"

Row = tuple[str, str, str, dict[str, object]]


def row(code: str, kind: str, elements: str, **more: object) -> Row:
    return code, kind, elements, more


_PATIENT: Final = row("patient", REFERENCE, "subject", targets="Patient")
_PATIENT_ELEMENT: Final = row("patient", REFERENCE, "patient", targets="Patient")
_IDENTIFIER: Final = row("identifier", TOKEN, "identifier")


def _subject(targets: str) -> Row:
    return row("subject", REFERENCE, "subject", targets=targets)


_PERSON: Final = (
    row("identifier", TOKEN, "identifier", sealed=True),
    row("name", STRING, "name.family name.given name.text name.prefix name.suffix", sealed=True, path="name"),
    row("family", STRING, "name.family", sealed=True),
    row("given", STRING, "name.given", sealed=True),
    row("gender", TOKEN, "gender", system=systems.ADMINISTRATIVE_GENDER),
    row("phone", TOKEN, "telecom[system=phone]", sealed=True),
    row("email", TOKEN, "telecom[system=email]", sealed=True),
    row("telecom", TOKEN, "telecom", sealed=True),
    row("address-postalcode", STRING, "address.postalCode", sealed=True),
    row("active", TOKEN, "active"),
)
# RelatedPerson and Practitioner have no family and given of their own in every release; name finds them all.
_RELATED: Final = tuple(row for row in _PERSON if row[0] not in {"family", "given"})

SEARCH_ROWS: Final[dict[str, tuple[Row, ...]]] = {
    "Patient": (
        *_PERSON,
        row("birthdate", DATE, "birthDate", sealed=True),
        row("language", TOKEN, "communication.language"),
        row("organization", REFERENCE, "managingOrganization", targets="Organization"),
        row(
            "general-practitioner",
            REFERENCE,
            "generalPractitioner",
            targets="Organization Practitioner PractitionerRole",
        ),
    ),
    "Practitioner": _PERSON,
    "PractitionerRole": (
        _IDENTIFIER,
        row("practitioner", REFERENCE, "practitioner", targets="Practitioner"),
        row("organization", REFERENCE, "organization", targets="Organization"),
        row("role", TOKEN, "code"),
        row("specialty", TOKEN, "specialty"),
        row("active", TOKEN, "active"),
    ),
    "RelatedPerson": (
        *_RELATED,
        _PATIENT_ELEMENT,
        row("birthdate", DATE, "birthDate", sealed=True),
        row("relationship", TOKEN, "relationship"),
    ),
    "Organization": (
        _IDENTIFIER,
        row("name", STRING, "name alias"),
        row("active", TOKEN, "active"),
        row("type", TOKEN, "type"),
        row("partof", REFERENCE, "partOf", targets="Organization"),
        row("address-postalcode", STRING, "address.postalCode"),
        row("address-city", STRING, "address.city"),
        row("address-state", STRING, "address.state"),
    ),
    "Location": (
        _IDENTIFIER,
        row("name", STRING, "name alias"),
        row("status", TOKEN, "status", system="http://hl7.org/fhir/location-status"),
        row("organization", REFERENCE, "managingOrganization", targets="Organization"),
        row("address-postalcode", STRING, "address.postalCode"),
        row("address-city", STRING, "address.city"),
        row("address-state", STRING, "address.state"),
    ),
    "HealthcareService": (
        _IDENTIFIER,
        row("name", STRING, "name"),
        row("active", TOKEN, "active"),
        row("service-category", TOKEN, "category"),
        row("service-type", TOKEN, "type"),
        row("location", REFERENCE, "location", targets="Location"),
        row("organization", REFERENCE, "providedBy", targets="Organization"),
    ),
    "Condition": (
        _IDENTIFIER,
        _PATIENT,
        _subject("Patient Group"),
        row("category", TOKEN, "category"),
        row("code", TOKEN, "code"),
        row("clinical-status", TOKEN, "clinicalStatus"),
        row("verification-status", TOKEN, "verificationStatus"),
        row("onset-date", DATE, "onsetDateTime onsetPeriod", path="onset.as(dateTime) onset.as(Period)"),
        row("recorded-date", DATE, "recordedDate"),
    ),
    "Observation": (
        _IDENTIFIER,
        _PATIENT,
        _subject("Patient Group Device Location"),
        row("category", TOKEN, "category"),
        row("code", TOKEN, "code"),
        row("status", TOKEN, "status", system="http://hl7.org/fhir/observation-status"),
        row("date", DATE, "effectiveDateTime effectivePeriod effectiveInstant effectiveTiming", path="effective"),
        row("value-concept", TOKEN, "valueCodeableConcept", path="value.as(CodeableConcept)"),
        row(
            "derived-from",
            REFERENCE,
            "derivedFrom",
            targets="DocumentReference ImagingStudy Media QuestionnaireResponse Observation MolecularSequence",
        ),
        row(
            "performer",
            REFERENCE,
            "performer",
            targets="Practitioner PractitionerRole Organization CareTeam Patient RelatedPerson",
        ),
    ),
    "Goal": (
        _IDENTIFIER,
        _PATIENT,
        _subject("Patient Group Organization"),
        row("category", TOKEN, "category"),
        row("lifecycle-status", TOKEN, "lifecycleStatus", system="http://hl7.org/fhir/goal-status"),
        row("achievement-status", TOKEN, "achievementStatus"),
        row("start-date", DATE, "startDate", path="start.as(date)"),
        row("target-date", DATE, "target.dueDate", path="target.due.as(date)"),
    ),
    "Consent": (
        _IDENTIFIER,
        _PATIENT_ELEMENT,
        row("status", TOKEN, "status", system="http://hl7.org/fhir/consent-state-codes"),
        row("category", TOKEN, "category"),
        row("scope", TOKEN, "scope"),
        row("date", DATE, "dateTime"),
        row("organization", REFERENCE, "organization", targets="Organization"),
        row("actor", REFERENCE, "provision.actor.reference"),
        row(
            "source-reference",
            REFERENCE,
            "sourceReference",
            targets="Consent DocumentReference Contract QuestionnaireResponse",
            path="source.as(Reference)",
        ),
    ),
    "DocumentReference": (
        _IDENTIFIER,
        _PATIENT,
        _subject("Patient Practitioner Group Device"),
        row("status", TOKEN, "status", system="http://hl7.org/fhir/document-reference-status"),
        row("type", TOKEN, "type"),
        row("category", TOKEN, "category"),
        row("date", DATE, "date"),
        row("period", DATE, "context.period"),
    ),
    "QuestionnaireResponse": (
        _IDENTIFIER,
        _PATIENT,
        _subject(""),
        row("status", TOKEN, "status", system="http://hl7.org/fhir/questionnaire-answers-status"),
        row("questionnaire", REFERENCE, "questionnaire", targets="Questionnaire"),
        row("authored", DATE, "authored"),
        row(
            "author",
            REFERENCE,
            "author",
            targets="Device Practitioner PractitionerRole Patient RelatedPerson Organization",
        ),
        row("based-on", REFERENCE, "basedOn", targets="CarePlan ServiceRequest"),
    ),
    "ServiceRequest": (
        _IDENTIFIER,
        _PATIENT,
        _subject("Patient Group Location Device"),
        row("status", TOKEN, "status", system=systems.REQUEST_STATUS),
        row("intent", TOKEN, "intent", system=systems.REQUEST_INTENT),
        row("priority", TOKEN, "priority", system=systems.REQUEST_PRIORITY),
        row("category", TOKEN, "category"),
        row("code", TOKEN, "code"),
        row("authored", DATE, "authoredOn"),
        row("occurrence", DATE, "occurrenceDateTime occurrencePeriod occurrenceTiming", path="occurrence"),
        row("based-on", REFERENCE, "basedOn", targets="CarePlan ServiceRequest MedicationRequest"),
        row(
            "requester",
            REFERENCE,
            "requester",
            targets="Practitioner PractitionerRole Organization Patient RelatedPerson Device",
        ),
        row(
            "performer",
            REFERENCE,
            "performer",
            targets="Practitioner PractitionerRole Organization CareTeam HealthcareService Patient Device"
            " RelatedPerson",
        ),
        row("supporting-info", REFERENCE, "supportingInfo", definition=systems.SDOHCC_SUPPORTING_INFO_PARAMETER),
    ),
    "Task": (
        _IDENTIFIER,
        row("patient", REFERENCE, "for", targets="Patient"),
        row("subject", REFERENCE, "for"),
        row("code", TOKEN, "code"),
        row("status", TOKEN, "status", system=systems.TASK_STATUS),
        row("business-status", TOKEN, "businessStatus"),
        row("intent", TOKEN, "intent", system="http://hl7.org/fhir/task-intent"),
        row("priority", TOKEN, "priority", system=systems.REQUEST_PRIORITY),
        row("authored-on", DATE, "authoredOn"),
        row("modified", DATE, "lastModified"),
        row("focus", REFERENCE, "focus"),
        row("part-of", REFERENCE, "partOf", targets="Task"),
        row(
            "requester",
            REFERENCE,
            "requester",
            targets="Practitioner PractitionerRole Organization Patient RelatedPerson Device",
        ),
        row(
            "owner",
            REFERENCE,
            "owner",
            targets="Practitioner PractitionerRole Organization CareTeam HealthcareService Patient Device"
            " RelatedPerson",
        ),
        row(
            "output",
            REFERENCE,
            "output.valueReference",
            path="output.value.ofType(Reference)",
            definition=systems.SDOHCC_TASK_OUTPUT_PARAMETER,
        ),
    ),
    "Procedure": (
        _IDENTIFIER,
        _PATIENT,
        _subject("Patient Group"),
        row("status", TOKEN, "status", system=systems.EVENT_STATUS),
        row("category", TOKEN, "category"),
        row("code", TOKEN, "code"),
        row("date", DATE, "performedDateTime performedPeriod", path="performed"),
        row("based-on", REFERENCE, "basedOn", targets="CarePlan ServiceRequest"),
        row(
            "performer",
            REFERENCE,
            "performer.actor",
            targets="Practitioner PractitionerRole Organization Patient RelatedPerson Device",
        ),
    ),
    "Device": (
        _IDENTIFIER,
        _PATIENT_ELEMENT,
        row("status", TOKEN, "status", system="http://hl7.org/fhir/device-status"),
        row("type", TOKEN, "type"),
        row("organization", REFERENCE, "owner", targets="Organization"),
    ),
    "Immunization": (
        _IDENTIFIER,
        _PATIENT_ELEMENT,
        row("status", TOKEN, "status", system=systems.EVENT_STATUS),
        row("vaccine-code", TOKEN, "vaccineCode"),
        row("date", DATE, "occurrenceDateTime", path="occurrence.as(dateTime)"),
    ),
    "Group": (
        _IDENTIFIER,
        row("type", TOKEN, "type", system="http://hl7.org/fhir/group-type"),
        row("actual", TOKEN, "actual"),
        row("characteristic", TOKEN, "characteristic.code"),
        row("managing-entity", REFERENCE, "managingEntity"),
        row("member", REFERENCE, "member.entity"),
    ),
    "Questionnaire": (
        _IDENTIFIER,
        row("url", URI, "url"),
        row("version", TOKEN, "version"),
        row("status", TOKEN, "status", system="http://hl7.org/fhir/publication-status"),
        row("title", STRING, "title"),
        row("publisher", STRING, "publisher"),
        row("code", TOKEN, "item.code"),
        row("subject-type", TOKEN, "subjectType", system="http://hl7.org/fhir/resource-types"),
    ),
    "Provenance": (
        row("target", REFERENCE, "target"),
        row("patient", REFERENCE, "target", targets="Patient"),
        row("recorded", DATE, "recorded"),
        row("agent", REFERENCE, "agent.who"),
    ),
    "AuditEvent": (
        row("date", DATE, "recorded"),
        row("type", TOKEN, "type"),
        row("subtype", TOKEN, "subtype"),
        row("action", TOKEN, "action", system="http://hl7.org/fhir/audit-event-action"),
        row("outcome", TOKEN, "outcome", system="http://hl7.org/fhir/audit-event-outcome"),
        row("agent", REFERENCE, "agent.who"),
        row("entity", REFERENCE, "entity.what"),
        row("patient", REFERENCE, "agent.who entity.what", targets="Patient"),
    ),
}

EVERYWHERE: Final = (
    row("_id", TOKEN, "id", definition="http://hl7.org/fhir/SearchParameter/Resource-id"),
    row(
        "_lastUpdated",
        DATE,
        "meta.lastUpdated",
        definition="http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
    ),
)
