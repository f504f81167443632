"""The codes of every required binding on an element of type `code`, for the types we keep and their data types.

Source: HL7 FHIR R4 4.0.1, the page of each type (http://hl7.org/fhir/R4/task.html and so on). Keys are paths from the
type, or from the data type, that defines the element; backbone elements are spelled as in the models (`TaskInput`).
"""

from typing import Final

_GENDERS = "male female other unknown"
_PUBLICATION = "draft active retired unknown"
_DAYS = "mon tue wed thu fri sat sun"
_PRIORITY = "routine urgent asap stat"
_REQUEST_INTENT = "proposal plan directive order original-order reflex-order filler-order instance-order option"
_EVENT = "preparation in-progress not-done on-hold stopped completed entered-in-error unknown"
_COMPARATORS = "< <= >= >"
_UNITS_OF_TIME = "s min h d wk mo a"

_ROWS: Final = {
    "Address.type": "postal physical both",
    "Address.use": "home work temp old billing",
    "Age.comparator": _COMPARATORS,
    "AuditEvent.action": "C R U D E",
    "AuditEvent.outcome": "0 4 8 12",
    "AuditEventAgentNetwork.type": "1 2 3 4 5",
    "Bundle.type": "document message transaction transaction-response batch batch-response history searchset"
    " collection",
    "BundleEntryRequest.method": "GET HEAD POST PUT DELETE PATCH",
    "BundleEntrySearch.mode": "match include outcome",
    "Consent.status": "draft proposed active rejected inactive entered-in-error",
    "ConsentProvision.type": "deny permit",
    "ConsentProvisionData.meaning": "instance related dependents authoredby",
    "ContactPoint.system": "phone fax email pager url sms other",
    "ContactPoint.use": "home work temp old mobile",
    "Contributor.type": "author editor reviewer endorser",
    "Count.comparator": _COMPARATORS,
    "DataRequirementSort.direction": "ascending descending",
    "Device.status": "active inactive entered-in-error unknown",
    "DeviceDeviceName.type": "udi-label-name user-friendly-name patient-reported-name manufacturer-name model-name"
    " other",
    "DeviceUdiCarrier.entryType": "barcode rfid manual card self-reported unknown",
    "Distance.comparator": _COMPARATORS,
    "DocumentReference.docStatus": "preliminary final amended entered-in-error",
    "DocumentReference.status": "current superseded entered-in-error",
    "DocumentReferenceRelatesTo.code": "replaces transforms signs appends",
    "Duration.comparator": _COMPARATORS,
    "Goal.lifecycleStatus": "proposed planned accepted active on-hold completed cancelled entered-in-error rejected",
    "Group.type": "person animal practitioner device medication substance",
    "HealthcareServiceAvailableTime.daysOfWeek": _DAYS,
    "HumanName.use": "usual official temp nickname anonymous old maiden",
    "Identifier.use": "usual official temp secondary old",
    "Immunization.status": "completed entered-in-error not-done",
    "Location.mode": "instance kind",
    "Location.status": "active suspended inactive",
    "LocationHoursOfOperation.daysOfWeek": _DAYS,
    "Narrative.status": "generated extensions additional empty",
    "Observation.status": "registered preliminary final amended corrected cancelled entered-in-error unknown",
    "ParameterDefinition.use": "in out",
    "Patient.gender": _GENDERS,
    "PatientContact.gender": _GENDERS,
    "PatientLink.type": "replaced-by replaces refer seealso",
    "Practitioner.gender": _GENDERS,
    "PractitionerRoleAvailableTime.daysOfWeek": _DAYS,
    "Procedure.status": _EVENT,
    "ProvenanceEntity.role": "derivation revision quotation source removal",
    "Quantity.comparator": _COMPARATORS,
    "Questionnaire.status": _PUBLICATION,
    "QuestionnaireItem.enableBehavior": "all any",
    "QuestionnaireItem.type": "group display question boolean decimal integer date dateTime time string text url choice"
    " open-choice attachment reference quantity",
    "QuestionnaireItemEnableWhen.operator": "exists = != > < >= <=",
    "QuestionnaireResponse.status": "in-progress completed amended entered-in-error stopped",
    "RelatedArtifact.type": "documentation justification citation predecessor successor derived-from depends-on"
    " composed-of",
    "RelatedPerson.gender": _GENDERS,
    "ServiceRequest.intent": _REQUEST_INTENT,
    "ServiceRequest.priority": _PRIORITY,
    "ServiceRequest.status": "draft active on-hold revoked completed entered-in-error unknown",
    "Task.intent": "unknown proposal plan order original-order reflex-order filler-order instance-order option",
    "Task.priority": _PRIORITY,
    "Task.status": "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed"
    " entered-in-error",
    "TimingRepeat.dayOfWeek": _DAYS,
    "TimingRepeat.durationUnit": _UNITS_OF_TIME,
    "TimingRepeat.periodUnit": _UNITS_OF_TIME,
    "TimingRepeat.when": "MORN MORN.early MORN.late NOON AFT AFT.early AFT.late EVE EVE.early EVE.late NIGHT PHS HS"
    " WAKE C CM CD CV AC ACM ACD ACV PC PCM PCD PCV",
    "TriggerDefinition.type": "named-event periodic data-changed data-added data-modified data-removed data-accessed"
    " data-access-ended",
}

REQUIRED_CODES: Final = {path: tuple(codes.split()) for path, codes in _ROWS.items()}
"""Path to the codes allowed there, in the order of the specification."""
