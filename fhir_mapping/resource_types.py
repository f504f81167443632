"""The one table of resource types: what may be done with each, and what it promises.

It drives routing, scopes, `_include` and the CapabilityStatement, so that the statement cannot lie.
"""

from dataclasses import dataclass
from typing import Final

from fhir_mapping import systems

_READING: Final = frozenset({"read", "search-type"})
_KEPT: Final = frozenset({"read", "vread", "history-instance", "search-type"})
_WRITING: Final = _KEPT | {"create", "update"}

# SMART App Launch 2.2, "Scopes for requesting FHIR Resources": vread and instance history count as reading,
# patch as updating, the histories of a type and of the system as searching.
_SCOPE_LETTERS: Final = {
    "create": "c",
    "read": "r",
    "vread": "r",
    "history-instance": "r",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "search-type": "s",
    "search-system": "s",
    "history-type": "s",
    "history-system": "s",
}


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One type at the FHIR door.

    `interactions` are codes of http://hl7.org/fhir/R4/valueset-type-restful-interaction.html.
    `includes` are search parameter codes that `_include=Type:code` may follow. `patient_path` is the element that says
    whose document it is, None where a document of the type is about nobody. `stored_in_bundle` marks a read-only type
    of which a sender's own document, inside a Bundle, is kept privately.
    """

    name: str
    interactions: frozenset[str]
    includes: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    patient_path: str | None = None
    conditional_create: bool = False
    conditional_update: bool = False
    stored_in_bundle: bool = False

    @property
    def writable(self) -> bool:
        """Whether clients may create documents of this type on its own address."""
        return "create" in self.interactions


def _written(
    name: str, patient_path: str | None, includes: tuple[str, ...] = (), profiles: tuple[str, ...] = ()
) -> ResourceType:
    return ResourceType(name, _WRITING, includes, profiles, patient_path, True, True)


def _us_core(name: str) -> tuple[str, ...]:
    return (f"{systems.US_CORE}us-core-{name}",)


RESOURCE_TYPES: Final[dict[str, ResourceType]] = {
    kind.name: kind
    for kind in (
        _written("Patient", "id", ("general-practitioner", "organization"), _us_core("patient")),
        _written("Practitioner", None, (), _us_core("practitioner")),
        _written("PractitionerRole", None, ("practitioner", "organization"), (systems.SDOHCC_PRACTITIONER_ROLE,)),
        _written("RelatedPerson", "patient", ("patient",), _us_core("relatedperson")),
        ResourceType("Organization", _KEPT, ("partof",), _us_core("organization"), stored_in_bundle=True),
        ResourceType("Location", _READING, ("organization",), (systems.SDOHCC_LOCATION,)),
        ResourceType("HealthcareService", _READING, ("location", "organization"), (systems.SDOHCC_HEALTHCARE_SERVICE,)),
        _written("Condition", "subject", ("patient", "subject"), (systems.SDOHCC_CONDITION,)),
        _written(
            "Observation",
            "subject",
            ("patient", "subject", "derived-from", "performer"),
            (systems.SDOHCC_SCREENING_RESPONSE, systems.SDOHCC_ASSESSMENT, systems.SDOHCC_ENROLLMENT),
        ),
        _written("Goal", "subject", ("patient", "subject"), (systems.SDOHCC_GOAL,)),
        _written("Consent", "patient", ("patient", "source-reference"), (systems.SDOHCC_CONSENT,)),
        _written("DocumentReference", "subject", ("patient", "subject"), _us_core("documentreference")),
        _written("QuestionnaireResponse", "subject", ("patient", "subject", "author", "based-on")),
        _written(
            "ServiceRequest",
            "subject",
            ("patient", "subject", "requester", "performer", "supporting-info", "based-on"),
            (systems.SDOHCC_SERVICE_REQUEST,),
        ),
        _written(
            "Task",
            "for",
            ("focus", "output", "patient", "requester", "owner", "part-of"),
            (systems.SDOHCC_TASK, systems.SDOHCC_PATIENT_TASK),
        ),
        _written("Procedure", "subject", ("patient", "subject", "based-on", "performer"), (systems.SDOHCC_PROCEDURE,)),
        _written("Device", "patient", ("patient",)),
        _written("Immunization", "patient", ("patient",), _us_core("immunization")),
        _written("Group", None, ("member", "managing-entity"), (systems.SDOHCC_GROUP,)),
        _written("Questionnaire", None),
        ResourceType("Provenance", _READING, ("target", "agent"), _us_core("provenance")),
        ResourceType("AuditEvent", _READING, ("entity",)),
    )
}


def scope_letter(interaction: str) -> str:
    """Return the letter of the SMART v2 scope that `interaction` needs: c, r, u, d or s.

    Raises ValueError for an interaction that needs no scope of its own (`capabilities`, `batch`, `transaction`).
    """
    letter = _SCOPE_LETTERS.get(interaction)
    if letter is None:
        raise ValueError(f"The interaction {interaction} has no scope letter; ask for each of its entries instead.")
    return letter
