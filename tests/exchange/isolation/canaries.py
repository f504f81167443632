"""Documents in which every free text is a canary: a word that one tenant has and nobody else may ever be shown."""

import itertools
from typing import Any, Final

from tests.exchange.web.fhir.conftest import Json, sample

#  in the order in which they can be written: a document refers to those before it
FILES: Final = {
    "Practitioner": "practitioner",
    "Patient": "patient",
    "PractitionerRole": "practitioner_role",
    "RelatedPerson": "related_person",
    "Device": "device",
    "Questionnaire": "questionnaire",
    "QuestionnaireResponse": "questionnaire_response",
    "DocumentReference": "document_reference",
    "Condition": "condition",
    "Observation": "observation",
    "Goal": "goal",
    "Consent": "consent",
    "Immunization": "immunization",
    "Group": "group",
    "ServiceRequest": "service_request",
    "Procedure": "procedure",
    "Task": "patient_task",
}
#  the texts of a document that no code system binds
_FREE: Final = frozenset(
    {
        "text", "display", "family", "given", "prefix", "title", "description", "line", "city", "valueString", "name",
        "publisher", "authorString",
    }
)  # fmt: skip
_SYSTEM: Final = "https://tenants.example/number"


def canary(tenant: str) -> str:
    """Return the word that every canary of a tenant begins with."""
    return f"canary{tenant}"


class Canaries:
    """What writes canaries of a tenant into documents, each with a number of its own."""

    def __init__(self, tenant: str) -> None:
        self._word, self._numbers = canary(tenant), itertools.count(1)

    def __call__(self) -> str:
        return f"{self._word}{next(self._numbers):05d}"

    def document(self, type_name: str) -> Json:
        """Return a valid document of a type, with the sample's references and a canary in each free text."""
        made: Json = self.written_into(sample(FILES[type_name]))
        identifier = {"system": _SYSTEM, "value": self()}
        made["identifier"] = identifier if type_name == "QuestionnaireResponse" else [identifier]
        made["extension"] = [*made.get("extension", ()), {"url": f"{_SYSTEM}/word", "valueString": self()}]
        return made

    def written_into(self, value: Any) -> Any:
        """Return a copy in which every free text is a canary."""
        if isinstance(value, list):
            return [self.written_into(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {name: self._element(name, one, value) for name, one in value.items()}

    def _element(self, name: str, value: Any, around: Json) -> Any:
        if name == "div":
            return f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{self()}</p></div>'
        if name in _FREE and isinstance(value, str):
            return self()
        if name in _FREE and isinstance(value, list) and all(isinstance(one, str) for one in value):
            return [self() for _one in value]
        if name == "value" and isinstance(value, str) and "system" in around:
            return self()
        return self.written_into(value)
