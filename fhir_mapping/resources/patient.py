"""The Patient: into a `Person`, and out of one for the portal's Send. US Core 7.0.0, us-core-patient."""

from collections.abc import Iterator
from typing import Any, Final

from fhir_mapping import systems
from fhir_mapping.case_data.person import Person
from fhir_mapping.codes.required_codes import REQUIRED_CODES
from fhir_mapping.datatypes import Token, codings, concept, identifier, items, text_of, without_nothing
from fhir_mapping.json_text import Json
from fhir_mapping.mapped import Issue, Mapped

_NAME_ORDER: Final = ("official", "usual", None, "nickname", "maiden", "temp", "anonymous", "old")
_ADDRESS_ORDER: Final = ("home", None, "temp", "work", "billing", "old")
_PHONE_ORDER: Final = ("mobile", "home", None, "temp", "work")
_INTERPRETER_CODES: Final = frozenset({"373066001", "Y"})  # SNOMED CT "Yes"; v2-0136 "Yes"


def person(document: Json) -> Mapped[Person]:
    """Return what a Patient (or RelatedPerson) says about the person, tolerantly; a missing name or phone is named."""
    name = _first(document, "name", _NAME_ORDER)
    address = _first(document, "address", _ADDRESS_ORDER)
    spoken = _preferred_language(document)
    read = Person(
        family=_text(name.get("family")),
        given=tuple(part for part in items(name.get("given")) if isinstance(part, str)),
        full_name=_text(name.get("text")),
        birth_date=_text(document.get("birthDate")),
        gender=_text(document.get("gender")),
        phones=tuple(dict.fromkeys((*_contacts(document, "phone"), *_contacts(document, "sms")))),
        emails=tuple(_contacts(document, "email")),
        address_lines=tuple(line for line in items(address.get("line")) if isinstance(line, str)),
        city=_text(address.get("city")),
        state=_text(address.get("state")),
        zip_code=_text(address.get("postalCode")),
        language=next((token.value for token in codings(spoken)), ""),
        language_name=text_of(spoken) or "",
        interpreter_needed=_needs_interpreter(document),
        deceased=document.get("deceasedBoolean") is True or "deceasedDateTime" in document,
    )
    missing = (
        ("name", read.name, "The person has no name here; ask the sender before calling."),
        ("telecom", read.phones or read.emails, "The person has no phone and no e-mail here; ask the sender."),
    )
    return Mapped(
        read,
        tuple(
            Issue("information", "incomplete", sentence, f"{document.get('resourceType', 'Patient')}.{element}")
            for element, value, sentence in missing
            if not value
        ),
    )


def new_patient(someone: Person, *, identifiers: tuple[Token, ...] = ()) -> Json:
    """Return the Patient that we author from a form. The gender, which US Core requires, is `unknown` if not given."""
    allowed = REQUIRED_CODES["Patient.gender"]
    telecom = [{"system": "phone", "value": phone} for phone in someone.phones]
    telecom += [{"system": "email", "value": email} for email in someone.emails]
    spoken = concept(systems.LANGUAGE, someone.language, text=someone.language_name) if someone.language else None
    return without_nothing(
        {
            "resourceType": "Patient",
            "extension": [{"url": systems.INTERPRETER_REQUIRED, "valueBoolean": True}]
            if someone.interpreter_needed
            else None,
            "identifier": [identifier(token.system, token.value) for token in identifiers],
            "name": [
                without_nothing(
                    {
                        "use": "official",
                        "text": someone.full_name,
                        "family": someone.family,
                        "given": list(someone.given),
                    }
                )
            ],
            "telecom": telecom,
            "gender": someone.gender if someone.gender in allowed else "unknown",
            "birthDate": someone.birth_date,
            "address": [
                without_nothing(
                    {
                        "use": "home",
                        "line": list(someone.address_lines),
                        "city": someone.city,
                        "state": someone.state,
                        "postalCode": someone.zip_code,
                    }
                )
            ]
            if someone.zip_code or someone.city or someone.address_lines
            else None,
            "communication": [{"language": spoken, "preferred": True}] if spoken else None,
        }
    )


def _first(document: Json, element: str, order: tuple[str | None, ...]) -> Json:
    """Return the item whose use stands first in `order`, else an empty one."""
    found = [item for item in items(document.get(element)) if isinstance(item, dict)]
    return min(found, key=lambda item: order.index(item.get("use")) if item.get("use") in order else 99, default={})


def _contacts(document: Json, system: str) -> Iterator[str]:
    """Yield the values of one kind, mobile first; what is no longer in use is left out."""
    found = [
        item
        for item in items(document.get("telecom"))
        if isinstance(item, dict) and item.get("system") == system and item.get("use") != "old"
    ]
    found.sort(key=lambda item: _PHONE_ORDER.index(item.get("use")) if item.get("use") in _PHONE_ORDER else 99)
    return (item["value"] for item in found if isinstance(item.get("value"), str))


def _preferred_language(document: Json) -> Any:
    spoken = [item for item in items(document.get("communication")) if isinstance(item, dict)]
    spoken.sort(key=lambda item: item.get("preferred") is not True)
    return spoken[0].get("language") if spoken else None


def _needs_interpreter(document: Json) -> bool:
    for extension in items(document.get("extension")):
        if not isinstance(extension, dict):
            continue
        if extension.get("url") == systems.INTERPRETER_REQUIRED and extension.get("valueBoolean") is True:
            return True
        coding = extension.get("valueCoding")
        if extension.get("url") == systems.INTERPRETER_NEEDED and isinstance(coding, dict):
            return coding.get("code") in _INTERPRETER_CODES
    return False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
