"""The Task without the person: what an agency may see before it accepts, and what it keeps after its release ended.

Status, reasons as codes, dates, priority, sender and owner; no reference to a patient, a request or a practitioner, no
note, no input, no output, no words somebody typed.
"""

from typing import Any, Final

from fhir_mapping.datatypes import items
from fhir_mapping.json_text import Json

SUBSETTED: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
LEFT_OUT: Final = frozenset({"Task.focus", "Task.for", "Task.requester"})
"""What the profile asks of a referral Task and its reduced form may not have: a client that sends it back has none."""
_KEPT: Final = ("resourceType", "id", "status", "intent", "priority", "authoredOn", "lastModified", "executionPeriod")
_CODED: Final = ("businessStatus", "statusReason", "code")
_ORGANIZATIONS: Final = ("requester", "owner")


def task_without_person(document: Json) -> Json:
    """Return a copy of the Task that says nothing about the person; tagged SUBSETTED, without profile or text."""
    meta = {name: document["meta"][name] for name in ("versionId", "lastUpdated") if name in document.get("meta", {})}
    reduced: Json = {name: document[name] for name in _KEPT if name in document}
    reduced["meta"] = meta | {"tag": [SUBSETTED]}
    for name in _CODED:
        codings = [_coding(one) for one in items((document.get(name) or {}).get("coding")) if isinstance(one, dict)]
        if codings:
            reduced[name] = {"coding": codings}
    for name in _ORGANIZATIONS:
        target = (document.get(name) or {}).get("reference")
        if isinstance(target, str) and target.startswith("Organization/"):
            reduced[name] = {"reference": target}
    return reduced


def _coding(written: dict[str, Any]) -> Json:
    """Keep system and code: a display is free text, and may say more."""
    return {name: written[name] for name in ("system", "code") if name in written}


def is_reduced(document: Json) -> bool:
    """Whether a Task says that it is a reduced form: a client sends back what it was shown."""
    meta = document.get("meta")
    return document.get("resourceType") == "Task" and isinstance(meta, dict) and SUBSETTED in items(meta.get("tag"))
