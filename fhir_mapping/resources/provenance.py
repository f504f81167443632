"""The Provenance: who brought a document in, by whose hand, and how. US Core 7.0.0, us-core-provenance."""

from collections.abc import Iterable
from datetime import datetime

from fhir_mapping import systems
from fhir_mapping.datatypes import concept, instant, reference, without_nothing
from fhir_mapping.json_text import Json


def provenance(
    *,
    targets: Iterable[str],
    recorded: datetime,
    organization: str,
    organization_name: str | None = None,
    author: str | None = None,
    on_behalf_of: str | None = None,
    activity: str = "CREATE",
    reason: str | None = None,
) -> Json:
    """Return a Provenance of `targets` (`Type/id`, a version where it matters).

    `organization` transmitted them; `author` names who wrote (words, a person by phone for instance), `on_behalf_of`
    the organisation that was acted for. `activity` is a code of v3-DataOperation: CREATE, UPDATE.
    """
    sent = {
        "type": concept(systems.US_CORE_PROVENANCE, "transmitter", "Transmitter"),
        "who": reference(organization, organization_name),
    }
    wrote = without_nothing(
        {
            "type": concept(systems.PROVENANCE_PARTICIPANT, "author", "Author"),
            "who": {"display": author} if author else None,
            "onBehalfOf": reference(on_behalf_of) if on_behalf_of else None,
        }
    )
    return without_nothing(
        {
            "resourceType": "Provenance",
            "target": [reference(target) for target in targets],
            "recorded": instant(recorded),
            "activity": concept(systems.DOCUMENT_OPERATION, activity),
            "reason": [{"text": reason}] if reason else None,
            "agent": [wrote, sent] if author else [sent],
        }
    )
