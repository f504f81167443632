"""FHIR data types in and out: references, concepts, times, human names. Values in, values out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fhir_mapping.json_text import Json
from fhir_mapping.search_parameters import parse_date_range

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ref:
    """A Reference as written: literal (`reference`), logical (`system` and `value` of its identifier), or both."""

    reference: str | None = None
    system: str | None = None
    value: str | None = None
    type: str | None = None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A system with a code or value: what Coding, Identifier and a token search have in common."""

    system: str
    value: str


def instant(at: datetime) -> str:
    """Return an aware time as a FHIR instant in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_of(text: Any) -> datetime | None:
    """Return the beginning of a FHIR date, dateTime or instant, aware UTC; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        return _EPOCH + timedelta(microseconds=parse_date_range(text)[0])
    except (ValueError, OverflowError):
        return None


def end_of(text: Any) -> datetime | None:
    """Return the moment just after a FHIR date, dateTime or instant, aware UTC; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        return _EPOCH + timedelta(microseconds=parse_date_range(text)[1])
    except (ValueError, OverflowError):
        return None


def coding(system: str, code: str, display: str | None = None) -> Json:
    """Return a Coding."""
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(system: str, code: str, display: str | None = None, text: str | None = None) -> Json:
    """Return a CodeableConcept with one coding."""
    return {"coding": [coding(system, code, display)]} | ({"text": text} if text else {})


def reference(target: str, display: str | None = None) -> Json:
    """Return a Reference to `Type/id` or an absolute address."""
    return {"reference": target} | ({"display": display} if display else {})


def identifier(system: str, value: str) -> Json:
    """Return an Identifier."""
    return {"system": system, "value": value}


def without_nothing(written: Json) -> Json:
    """Return the element without members that are None, empty text, empty array or empty object."""
    return {name: value for name, value in written.items() if value not in (None, "", [], {})}


def ref_of(value: Any) -> Ref | None:
    """Return what a Reference says, or None when the value is no Reference or says nothing."""
    if not isinstance(value, dict):
        return None
    named = value.get("identifier")
    named = named if isinstance(named, dict) else {}
    ref = Ref(
        reference=_text(value.get("reference")),
        system=_text(named.get("system")),
        value=_text(named.get("value")),
        type=_text(value.get("type")),
        display=_text(value.get("display")),
    )
    return ref if ref != Ref() else None


def refs_of(values: Any) -> tuple[Ref, ...]:
    """Return what each Reference of an array says; a single Reference counts as one."""
    return tuple(ref for ref in map(ref_of, items(values)) if ref is not None)


def codings(value: Any) -> Iterator[Token]:
    """Yield system and code of each coding in a CodeableConcept, or in each of an array of them."""
    for item in items(value):
        for one in items(item.get("coding")) if isinstance(item, dict) else ():
            if isinstance(one, dict) and isinstance(one.get("code"), str):
                yield Token(_text(one.get("system")) or "", one["code"])


def has_coding(value: Any, system: str, code: str) -> bool:
    """Whether a CodeableConcept, or one of an array, holds this coding."""
    return Token(system, code) in codings(value)


def text_of(value: Any) -> str | None:
    """Return the words of a CodeableConcept: its text, else the first display, else the first code."""
    if not isinstance(value, dict):
        return None
    shown = [_text(one.get("display")) for one in items(value.get("coding")) if isinstance(one, dict)]
    plain = [token.value for token in codings(value)]
    return next((words for words in (_text(value.get("text")), *shown, *plain) if words), None)


def identifiers_of(document: Json) -> tuple[Token, ...]:
    """Return system and value of each identifier that has a value."""
    return tuple(
        Token(_text(one.get("system")) or "", one["value"])
        for one in items(document.get("identifier"))
        if isinstance(one, dict) and isinstance(one.get("value"), str)
    )


def items(value: Any) -> list[Any]:
    """Return an array's items; a single value counts as one, None as none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
