"""The Procedure: the service that was given. SDOHCC 3.0.0, SDOHCC-Procedure."""

from datetime import datetime

from fhir_mapping import systems
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from fhir_mapping.datatypes import concept, instant, reference, without_nothing
from fhir_mapping.json_text import Json


def new_procedure(
    *,
    patient: str,
    service_request: str,
    performed_at: datetime,
    description: str,
    need: str | None = None,
    performer: str | None = None,
    performer_name: str | None = None,
    note: str | None = None,
) -> Json:
    """Return the completed Procedure that we author when an agency records what it did, in its own words."""
    category = concept(systems.SNOMED, "410606002", "Social service procedure")
    if need in SDOH_CATEGORIES:
        category["coding"] += concept(systems.SDOHCC_CODES, need, SDOH_CATEGORIES[need])["coding"]
    return without_nothing(
        {
            "resourceType": "Procedure",
            "meta": {"profile": [systems.SDOHCC_PROCEDURE]},
            "basedOn": [reference(service_request)],
            "status": "completed",
            "category": category,
            "code": {"text": description},
            "subject": reference(patient),
            "performedDateTime": instant(performed_at),
            "performer": [{"actor": reference(performer, performer_name)}] if performer else None,
            "note": [{"text": note}] if note else None,
        }
    )
