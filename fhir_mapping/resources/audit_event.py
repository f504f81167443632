"""The AuditEvent of one line of the audit. IHE BALP (Basic Audit Log Patterns), RESTful patterns."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from fhir_mapping import systems
from fhir_mapping.datatypes import coding, concept, instant, reference, without_nothing
from fhir_mapping.json_text import Json

# BALP profile by action; a patient's makes it the Patient variant. On a read or query the data flow to the client.
_PROFILES: Final = {"C": "Create", "R": "Read", "U": "Update", "D": "Delete", "E": "Query"}
_SOURCE: Final = coding(systems.DICOM, "110153", "Source Role ID")
_DESTINATION: Final = coding(systems.DICOM, "110152", "Destination Role ID")
_REST: Final = coding(systems.AUDIT_EVENT_TYPE, "rest", "RESTful Operation")
RESTFUL: Final = frozenset(
    {"read", "vread", "update", "patch", "delete", "create", "history-instance", "batch", "transaction"}
)


def audit_event(row: Mapping[str, Any], *, server: str) -> Json:
    """Return the AuditEvent of an audit row; `server` is our own base URL.

    Keys of the row, all but the first five may be None: id, at (aware), action (C R U D E), interaction, outcome
    (0 4 8), organization_id, actor_id, actor_name, type, document_id, version, patient_id, address, request_id, query,
    purpose. The query is health data; give it only to those who may read it.
    """
    action = str(row["action"])
    to_client = action in {"R", "E"}
    patient = row.get("patient_id")
    profile = f"{systems.BALP}IHE.BasicAudit.{'Patient' if patient else ''}{_PROFILES[action]}"
    return without_nothing(
        {
            "resourceType": "AuditEvent",
            "id": row["id"],
            "meta": {"profile": [profile]},
            "type": _REST,
            "subtype": [_subtype(str(row["interaction"]))],
            "action": action,
            "recorded": instant(row["at"]),
            "outcome": str(row["outcome"]),
            "purposeOfEvent": [{"text": row["purpose"]}] if row.get("purpose") else None,
            "agent": [
                _client(row, _DESTINATION if to_client else _SOURCE),
                _us(server, _SOURCE if to_client else _DESTINATION),
            ],
            "source": {"observer": {"display": server}},
            "entity": [entity for entity in (_document(row), _patient(patient), _request(row)) if entity],
        }
    )


def _subtype(interaction: str) -> Json:
    """Return the interaction as FHIR names it; joining, inviting and the like are codes of our own."""
    is_restful = interaction in RESTFUL or interaction.startswith("search")
    return coding(systems.RESTFUL_INTERACTION if is_restful else systems.AUDIT_INTERACTION, interaction)


def _client(row: Mapping[str, Any], role: Json) -> Json:
    who = {"display": str(row.get("actor_name") or "unknown")}
    if row.get("organization_id"):
        who["reference"] = f"Organization/{row['organization_id']}"
    network = {"address": row["address"], "type": "2"} if row.get("address") else None
    return without_nothing(
        {"type": {"coding": [role]}, "who": who, "altId": row.get("actor_id"), "requestor": True, "network": network}
    )


def _us(server: str, role: Json) -> Json:
    return {
        "type": {"coding": [role]},
        "who": {"display": server},
        "requestor": False,
        "network": {"address": server, "type": "5"},
    }


def _document(row: Mapping[str, Any]) -> Json:
    """Return what was read or written, or the query that searched."""
    kind = coding(systems.AUDIT_ENTITY_TYPE, "2", "System Object")
    query = row.get("query")
    if query:
        encoded = base64.b64encode(str(query).encode()).decode()
        return {"type": kind, "role": coding(systems.AUDIT_OBJECT_ROLE, "24", "Query"), "query": encoded}
    if not row.get("type") or not row.get("document_id"):
        return {}
    target = f"{row['type']}/{row['document_id']}"
    target += f"/_history/{row['version']}" if row.get("version") else ""
    return {
        "what": reference(target),
        "type": kind,
        "role": coding(systems.AUDIT_OBJECT_ROLE, "4", "Domain Resource"),
    }


def _patient(patient_id: Any) -> Json:
    if not patient_id:
        return {}
    return {
        "what": reference(f"Patient/{patient_id}"),
        "type": coding(systems.AUDIT_ENTITY_TYPE, "1", "Person"),
        "role": coding(systems.AUDIT_OBJECT_ROLE, "1", "Patient"),
    }


def _request(row: Mapping[str, Any]) -> Json:
    if not row.get("request_id"):
        return {}
    return {
        "what": {"identifier": {"value": str(row["request_id"])}},
        "type": concept(systems.BALP_ENTITY_TYPE, "XrequestId")["coding"][0],
    }
