"""The documents of one referral, for clients that answer it; the official examples are in `examples.py`."""

from dataclasses import dataclass
from typing import Any

from tests.contract.backend_client import BackendClient, Json, address

TEMPORARY = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"


@dataclass(frozen=True)
class SentReferral:
    """A referral that the hospital has sent, by the references of its documents."""

    task: str
    request: str
    patient: str
    receiver: str

    @property
    def task_id(self) -> str:
        """The id of its Task."""
        return self.task.partition("/")[2]


def send_referral(sender: BackendClient, receiver: str) -> SentReferral:
    """Let a program send a person, a need and the Task, one POST each, to `Organization/id`."""
    patient = address(sender.create(a_patient()))
    request = address(sender.create(a_request(patient)))
    task = address(sender.create(a_task(patient, request, sender.organization, receiver)))
    return SentReferral(task, request, patient, receiver)


def a_patient() -> Json:
    """Return a person nobody is."""
    return {
        "resourceType": "Patient", "gender": "female", "birthDate": "1980-01-02",
        "name": [{"family": "Canaryname", "given": ["Zoelle"]}],
        "address": [{"city": "Springfield", "state": "IL", "postalCode": "62701"}],
    }  # fmt: skip


def a_request(patient: str) -> Json:
    """Return what is asked for a person."""
    return {
        "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": patient},
        "category": [{"coding": [coded(TEMPORARY, "food-insecurity")]}], "code": {"text": "A food box each week"},
    }  # fmt: skip


def a_task(patient: str, request: str, requester: str, owner: str) -> Json:
    """Return the Task that asks an organisation to fulfill a request."""
    return {
        "resourceType": "Task", "status": "requested", "intent": "order", "priority": "routine",
        "code": {"coding": [coded(TASK_CODE, "fulfill")]}, "focus": {"reference": request},
        "for": {"reference": patient}, "authoredOn": "2026-11-20T15:12:00-08:00",
        "requester": {"reference": requester}, "owner": {"reference": owner},
    }  # fmt: skip


def a_procedure(patient: str, request: str) -> Json:
    """Return the record of what was done for a request."""
    return {
        "resourceType": "Procedure", "status": "completed", "subject": {"reference": patient},
        "basedOn": [{"reference": request}], "performedDateTime": "2026-11-23",
        "category": {"coding": [coded(TEMPORARY, "food-insecurity")]}, "code": {"text": "A food box was handed over"},
    }  # fmt: skip


def an_output(procedure: str) -> Json:
    """Return the output of a Task that names a Procedure."""
    return {
        "type": {"coding": [coded(TEMPORARY, "resulting-activity")]}, "valueReference": {"reference": procedure},
    }  # fmt: skip


def coded(system: str, code: str) -> dict[str, Any]:
    """Return a coding."""
    return {"system": system, "code": code}
