"""A resource as its reader may see it: stored bytes, a Task without the person, or a projection."""

import json
from dataclasses import dataclass

from exchange.actions.documents.keep_document import patient_of
from exchange.db.document import Document
from fhir_mapping.json_text import Json, dump, parse
from fhir_mapping.resources.reduced_task import task_without_person


@dataclass(frozen=True, slots=True)
class Shown:
    """What one reader gets. `version` is None for a projection, which keeps no versions; `last_updated` is in
    microseconds; `author_id` is the organisation that wrote it, None where nobody did."""

    type: str
    id: str
    version: int | None
    last_updated: int
    body: bytes
    author_id: str | None = None

    @property
    def etag(self) -> str | None:
        """The ETag of this version."""
        return None if self.version is None else f'W/"{self.version}"'

    @property
    def address(self) -> str:
        """`Type/id`."""
        return f"{self.type}/{self.id}"


def shown(document: Document) -> Shown | None:
    """Return a stored document as its viewer may see it; None for a preview of anything but a Task."""
    body = document.body
    if document.is_reduced:
        if document.type != "Task":
            return None
        body = dump(task_without_person(parse(body)))
    return Shown(document.type, document.id, document.version, document.last_updated, body, document.author_id)


def projected(resource: Json, last_updated: int) -> Shown:
    """Return a projection as everybody sees it."""
    return Shown(resource["resourceType"], resource["id"], None, last_updated, dump(resource))


def patient_shown(one: Shown) -> str | None:
    """Return the id of the Patient that a resource is about: for the audit."""
    return one.id if one.type == "Patient" else patient_of(json.loads(one.body))
