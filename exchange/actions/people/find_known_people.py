"""Do we know this person already? Looked up among the Patients that the caller's own organisation wrote."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.actions.documents.read_criteria import read_criteria
from exchange.db import document
from exchange.db.search import matching_own
from exchange.db.session import fhir_base
from exchange.domain.actor import Actor
from fhir_mapping.case_data.person import Person
from fhir_mapping.json_text import parse
from fhir_mapping.resources import patient

MOST = 5


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person of whom our organisation has a record."""

    patient_id: str
    person: Person


def find_known_people(session: Session, actor: Actor, family: str, birth_date: str) -> list[KnownPerson]:
    """Return people of this family name and birth date (YYYY-MM-DD); none without both."""
    if not family.strip() or not birth_date:
        return []
    organization_id = actor.organization_id or ""
    escaped = "".join(f"\\{letter}" if letter in "\\,$|" else letter for letter in family.strip())
    asked = read_criteria(
        "Patient", [("family", escaped), ("birthdate", birth_date)], fhir_base=fhir_base(session)
    ).criteria
    known = []
    for patient_id in matching_own(session, "Patient", asked, author_id=organization_id, limit=MOST):
        stored = document.read(session, "Patient", patient_id, viewer_id=organization_id)
        if stored is not None:
            known.append(KnownPerson(patient_id, patient.person(parse(stored.body)).value))
    return known
