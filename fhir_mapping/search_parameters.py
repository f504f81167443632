"""The one table of search parameters: it drives columns, extraction, `_include` and the CapabilityStatement.

The rows are in `rules/search_rows.py`; here are what a row means and how a document's values are taken out.
"""

import re
import unicodedata
from calendar import isleap, monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from fhir_mapping.json_text import Json
from fhir_mapping.rules.search_rows import DATE, EVERYWHERE, REFERENCE, SEARCH_ROWS, STRING, TOKEN, URI, Row

COLUMNS: Final = frozenset({"_id", "_lastUpdated"})
"""Parameters of every type that the store answers from its own columns; `extract` leaves them out."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?\Z",
    re.ASCII,
)
# Letters that Unicode does not take apart, as people type them who do not have them on their keyboard.
_LETTERS: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_STEP: Final = re.compile(r"(\w+)(?:\[(\w+)=([^\]]*)\])?")
_NAMED_TYPE: Final = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]+)?\Z")


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """How one type may be searched by one code.

    `elements` are dotted JSON paths below the resource; a step `telecom[system=phone]` keeps the items whose element
    has that value. `path` is the same in FHIRPath, for people. `targets` are the types a reference may name; none means
    any. `sealed` marks what says who a person is: it is kept only as keyed hashes, so a sealed date has values (year,
    month, day) and no range. `code_system` is the system implied by a plain code.
    """

    type: str
    code: str
    kind: str
    path: str
    elements: tuple[str, ...]
    targets: tuple[str, ...] = ()
    sealed: bool = False
    code_system: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Indexed:
    """One value by which a document can be found.

    Tokens have `system` and `value`. References have the text written in the document, uris theirs. Strings are
    normalised, whole and word by word. Dates have `low` and `high`, epoch microseconds UTC, half-open; None is open.
    """

    parameter: str
    system: str = ""
    value: str = ""
    low: int | None = None
    high: int | None = None


@cache
def parameters_of(type_name: str) -> dict[str, SearchParameter]:
    """Return the search parameters of a type by code, `_id` and `_lastUpdated` included; empty for an unknown type."""
    rows = SEARCH_ROWS.get(type_name, ())
    return {row[0]: _parameter(type_name, row) for row in (*EVERYWHERE, *rows)} if rows else {}


def extract(document: Json) -> tuple[Indexed, ...]:
    """Return every value by which `document` can be found, without repeats; `_id` and `_lastUpdated` are columns.

    Tolerant: an element of the wrong shape is passed over, because `conformance.check` is what refuses it.
    """
    found: dict[Indexed, None] = {}
    for parameter in parameters_of(str(document.get("resourceType", ""))).values():
        if parameter.code in COLUMNS:
            continue
        read = _READERS[parameter.kind]
        for element in parameter.elements:
            for value in _walk(document, _steps(element)):
                found.update(dict.fromkeys(read(parameter, value)))
    return tuple(found)


def normalise(text: str) -> str:
    """Return `text` as strings are compared: casefolded, accents folded, punctuation and runs of space as one space."""
    # Compatibility forms are taken apart first, since some have no case of their own, and folding may compose new ones.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    return " ".join(re.sub(r"[^\w]+|_", " ", plain.translate(_LETTERS)).split())


def normalised_token(parameter: SearchParameter, value: str) -> str:
    """Return a token as it is stored and asked for: phone numbers as digits, addresses of mail casefolded.

    Other tokens are case-sensitive and stay as they are (http://hl7.org/fhir/R4/search.html#token).
    """
    if parameter.code not in {"phone", "email", "telecom"}:
        return value
    if "@" in value:
        return value.strip().casefold()
    digits = re.sub(r"\D", "", value)
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def parse_date_range(text: str) -> tuple[int, int]:
    """Return the half-open range that a FHIR date, dateTime or instant covers, in epoch microseconds UTC.

    `2026-11` is the whole month, `2026-11-23T10:00Z` the whole minute; without a zone, UTC. Raises ValueError.
    """
    match = _DATE.match(text)
    if match is None:
        raise ValueError("The date is not a FHIR date or time; write it like 2026-11-23 or 2026-11-23T09:30:00Z.")
    part = match.groupdict()
    try:
        start = datetime(
            int(part["year"]),
            int(part["month"] or 1),
            int(part["day"] or 1),
            int(part["hour"] or 0),
            int(part["minute"] or 0),
            min(int(part["second"] or 0), 59),  # 60 is a leap second: FHIR allows it, datetime does not
            tzinfo=UTC,
        ) - _offset(part["zone"])
        low = (start - _EPOCH) // timedelta(microseconds=1) + int((part["fraction"] or "0").ljust(6, "0")[:6])
        return low, low + _length(part)
    except (ValueError, OverflowError):
        raise ValueError("The date does not exist in the calendar; correct its month, day or time.") from None


def _length(part: dict[str, str | None]) -> int:
    """Return how many microseconds the written precision covers."""
    if part["fraction"]:
        return max(int(10 ** (6 - len(part["fraction"]))), 1)
    for name, length in (("second", 1), ("hour", 60), ("day", 86_400)):
        if part[name]:
            return length * 1_000_000
    year, month = int(part["year"] or 1), int(part["month"] or 1)
    days = monthrange(year, month)[1] if part["month"] else 365 + isleap(year)
    return days * 86_400_000_000


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta()
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return -size if zone[0] == "-" else size


@cache
def _steps(element: str) -> tuple[tuple[str, str, str], ...]:
    """Split a dotted path into (name, element that must match, its value); the last two are empty for a plain step."""
    return tuple((name, key, wanted) for name, key, wanted in _STEP.findall(element))


def _walk(value: Any, steps: tuple[tuple[str, str, str], ...]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    (name, key, wanted), rest = steps[0], steps[1:]
    child = value.get(name) if isinstance(value, dict) else None
    for item in child if isinstance(child, list) else (child,):
        if item is None or key and (not isinstance(item, dict) or item.get(key) != wanted):
            continue
        yield from _walk(item, rest)
        if name == "item":  # Questionnaire items hold items
            yield from _walk(item, steps)


def _tokens(parameter: SearchParameter, value: Any) -> Iterator[Indexed]:
    """Coding, CodeableConcept, Identifier, ContactPoint, code, string and boolean all become system and value."""
    if isinstance(value, bool):
        yield Indexed(parameter.code, value="true" if value else "false")
    elif isinstance(value, str):
        yield Indexed(parameter.code, parameter.code_system, value)
    elif isinstance(value, dict):
        codings = value.get("coding")
        for coding in codings if isinstance(codings, list) else ():
            yield from _tokens(parameter, coding)
        text = value.get("code") or value.get("value")
        if isinstance(text, str):
            # A ContactPoint's system is a code (phone, email), not the namespace of a token.
            system = "" if parameter.code in {"phone", "email", "telecom"} else value.get("system")
            yield Indexed(parameter.code, system if isinstance(system, str) else "", normalised_token(parameter, text))


def _references(parameter: SearchParameter, value: Any) -> Iterator[Indexed]:
    text = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(text, str) or text.startswith("#"):
        return
    named = _NAMED_TYPE.search(text)
    if parameter.targets and named and named[1] not in parameter.targets:
        return
    yield Indexed(parameter.code, value=text)


def _strings(parameter: SearchParameter, value: Any) -> Iterator[Indexed]:
    if isinstance(value, str) and (whole := normalise(value)):
        yield Indexed(parameter.code, value=whole)
        for word in whole.split():
            yield Indexed(parameter.code, value=word)


def _dates(parameter: SearchParameter, value: Any) -> Iterator[Indexed]:
    if isinstance(value, str):
        yield from _one_date(parameter, value)
    elif isinstance(value, dict) and isinstance(value.get("event"), list):
        for event in value["event"]:
            yield from _dates(parameter, event)
    elif isinstance(value, dict):
        bounds = value.get("repeat", {}).get("boundsPeriod") if isinstance(value.get("repeat"), dict) else value
        yield from _period(parameter, bounds)


def _one_date(parameter: SearchParameter, text: str) -> Iterator[Indexed]:
    try:
        low, high = parse_date_range(text)
    except ValueError:
        return
    if parameter.sealed:
        for length in sorted({4, 7, 10} & set(range(len(text) + 1))):
            yield Indexed(parameter.code, value=text[:length])
    else:
        yield Indexed(parameter.code, low=low, high=high)


def _period(parameter: SearchParameter, period: Any) -> Iterator[Indexed]:
    if not isinstance(period, dict):
        return
    start, end = period.get("start"), period.get("end")
    try:
        low = parse_date_range(start)[0] if isinstance(start, str) else None
        high = parse_date_range(end)[1] if isinstance(end, str) else None
    except ValueError:
        return
    if low is not None or high is not None:
        yield Indexed(parameter.code, low=low, high=high)


def _uris(parameter: SearchParameter, value: Any) -> Iterator[Indexed]:
    if isinstance(value, str):
        yield Indexed(parameter.code, value=value)


_READERS: Final[dict[str, Callable[[SearchParameter, Any], Iterator[Indexed]]]] = {
    TOKEN: _tokens,
    REFERENCE: _references,
    STRING: _strings,
    DATE: _dates,
    URI: _uris,
}


def _parameter(type_name: str, row: Row) -> SearchParameter:
    code, kind, elements, more = row
    paths = str(more.get("path", elements)).split()
    return SearchParameter(
        type=type_name,
        code=code,
        kind=kind,
        path=" | ".join(f"{type_name}.{_fhirpath(step)}" for step in paths),
        elements=tuple(elements.split()),
        targets=tuple(str(more.get("targets", "")).split()),
        sealed=bool(more.get("sealed", False)),
        code_system=str(more.get("system", "")),
        definition=str(more.get("definition", "")),
    )


def _fhirpath(element: str) -> str:
    """Spell `telecom[system=phone]` as FHIRPath."""
    return _STEP.sub(lambda step: f"{step[1]}.where({step[2]}='{step[3]}')" if step[2] else step[1], element)
