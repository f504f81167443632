"""What the hospital's EHR sends: Patient, Condition, Consent, ServiceRequest and Task of SDOHCC 3.0.0, as plain JSON.

Nobody in it is real. The names are rare on purpose: a mail or a log that holds one of them is found.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from directory.geography import ZipPlace
from fhir_mapping import systems
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES

Json = dict[str, Any]
MRN = "https://ehr.hospital.invalid/mrn"
REFERRAL_NUMBER = "https://ehr.hospital.invalid/referral"


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """A person of the story, as the EHR knows them."""

    number: str
    given: str
    family: str
    birth_date: str
    gender: str
    phone: str
    street: str
    language: str
    language_name: str

    @property
    def canaries(self) -> tuple[str, ...]:
        """What must stand in no mail and in no log."""
        return (self.given, self.family, self.birth_date, self.phone, self.street, self.number)


PATIENTS = (
    PatientFacts(
        "MRN-80417", "Marisolina", "Quintanilla-Voss", "1984-07-09", "female", "(618) 555-0171", "1407 Halcyon Row",
        "es", "Spanish",
    ),
    PatientFacts(
        "MRN-80533", "Thaddeusz", "Okonkwo-Lind", "1951-02-28", "male", "(618) 555-0172", "22 Peregrine Mews",
        "en", "English",
    ),
    PatientFacts(
        "MRN-80688", "Wilhelmine", "Fairweather-Amadi", "1996-11-30", "female", "(618) 555-0173", "9 Zinnia Close",
        "en", "English",
    ),
)  # fmt: skip


def concept(system: str, code: str, display: str | None = None) -> Json:
    """Return a CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def ref(target: str, display: str | None = None) -> Json:
    """Return a Reference."""
    return {"reference": target, **({"display": display} if display else {})}


def patient(one: PatientFacts, zip_code: str, place: ZipPlace | None) -> Json:
    """Return the Patient; where the ZIP code is unknown the address has no city."""
    where = {"city": place.city, "state": place.state} if place else {}
    spoken = concept(systems.LANGUAGE, one.language, one.language_name)
    return {
        "resourceType": "Patient",
        "meta": {"profile": [systems.US_CORE + "us-core-patient"]},
        "extension": [{"url": systems.INTERPRETER_REQUIRED, "valueBoolean": one.language != "en"}],
        "identifier": [{"system": MRN, "value": one.number}],
        "name": [{"use": "official", "family": one.family, "given": [one.given]}],
        "telecom": [{"system": "phone", "value": one.phone, "use": "mobile"}],
        "gender": one.gender,
        "birthDate": one.birth_date,
        "address": [{"line": [one.street], **where, "postalCode": zip_code}],
        "communication": [{"language": spoken, "preferred": True}],
    }


def condition(patient_at: str, category: str, at: datetime) -> Json:
    """Return the Condition that says what is amiss."""
    return {
        "resourceType": "Condition",
        "meta": {"profile": [systems.SDOHCC_CONDITION]},
        "clinicalStatus": concept(systems.CONDITION_CLINICAL, "active"),
        "verificationStatus": concept(systems.CONDITION_VERIFICATION, "confirmed"),
        "category": [
            concept(systems.CONDITION_CATEGORY, "problem-list-item"),
            concept(systems.US_CORE_CATEGORY, "sdoh", "SDOH"),
            concept(systems.SDOHCC_CODES, category, SDOH_CATEGORIES[category]),
        ],
        "code": {"text": SDOH_CATEGORIES[category]},
        "subject": ref(patient_at),
        "recordedDate": at.date().isoformat(),
    }


def consent(patient_at: str, hospital_at: str, receiver_at: str | None, at: datetime) -> Json:
    """Return the Consent to share, for a year; with a receiver for that one only."""
    recipient = {"role": concept(systems.PARTICIPATION_TYPE, "IRCP"), "reference": ref(receiver_at or "")}
    period = {"start": at.date().isoformat(), "end": (at + timedelta(days=364)).date().isoformat()}
    return {
        "resourceType": "Consent",
        "meta": {"profile": [systems.SDOHCC_CONSENT]},
        "status": "active",
        "scope": concept(systems.CONSENT_SCOPE, "patient-privacy"),
        "category": [concept(systems.ACT_CODE, "IDSCL")],
        "patient": ref(patient_at),
        "dateTime": instant(at),
        "organization": [ref(hospital_at)],
        "sourceAttachment": {"contentType": "text/plain", "title": "Signed at the discharge desk"},
        "policyRule": concept(systems.CONSENT_POLICY, "hipaa-auth"),
        "provision": {"type": "permit", "period": period, **({"actor": [recipient]} if receiver_at else {})},
    }


def service_request(
    patient_at: str, hospital_at: str, condition_at: str, consent_at: str, category: str, asked: str, at: datetime
) -> Json:
    """Return the ServiceRequest: what is asked, why, and on what consent."""
    return {
        "resourceType": "ServiceRequest",
        "meta": {"profile": [systems.SDOHCC_SERVICE_REQUEST]},
        "status": "active",
        "intent": "order",
        "category": [
            concept(systems.SNOMED, "410606002", "Social service procedure"),
            concept(systems.SDOHCC_CODES, category, SDOH_CATEGORIES[category]),
        ],
        "priority": "routine",
        "code": {"text": asked},
        "subject": ref(patient_at),
        "authoredOn": instant(at),
        "requester": ref(hospital_at),
        "reasonReference": [ref(condition_at)],
        "supportingInfo": [ref(consent_at)],
    }


def task(
    number: str, request_at: str, patient_at: str, hospital_at: str, receiver: tuple[str, str], at: datetime
) -> Json:
    """Return the Task that makes a referral of it. `receiver` is an address `Organization/id` and a name."""
    return {
        "resourceType": "Task",
        "meta": {"profile": [systems.SDOHCC_TASK]},
        "identifier": [{"system": REFERRAL_NUMBER, "value": number}],
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": concept(systems.TASK_CODE, "fulfill", "Fulfill the focal request"),
        "focus": ref(request_at),
        "for": ref(patient_at),
        "authoredOn": instant(at),
        "lastModified": instant(at),
        "requester": ref(hospital_at),
        "owner": ref(*receiver),
    }


def transaction(documents: dict[str, Json], *, only_once: str) -> Json:
    """Return the Bundle that sends documents together, by their `urn:uuid` names; the Patient is created only once."""
    entries = []
    for name, document in documents.items():
        request = {"method": "POST", "url": document["resourceType"]}
        if document["resourceType"] == "Patient":
            request["ifNoneExist"] = only_once
        entries.append({"fullUrl": name, "resource": document, "request": request})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def instant(at: datetime) -> str:
    """Return a FHIR instant in whole seconds."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
