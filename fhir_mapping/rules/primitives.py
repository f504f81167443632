"""What each primitive type of FHIR may hold. Source: http://hl7.org/fhir/R4/datatypes.html#primitive.

Each check returns None, or what is wrong as the second half of a sentence that begins with "The element".
"""

import re
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from fhir_mapping.json_text import JsonNumber
from fhir_mapping.rules.narrative import narrative_problem

_YEAR = r"(?!0000)\d{4}"
_DAY = r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
_ZONE = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"
_PATTERNS: Final = {
    "base64Binary": (r"[A-Za-z0-9+/\s]*={0,2}\s*", "must be base64 text"),
    "code": (r"[^\s]+(?: [^\s]+)*", "must be a code, without spaces at either end"),
    "date": (rf"{_YEAR}(?:-(?:0[1-9]|1[0-2])|-{_DAY})?", "must be a date like 2026-11-23, 2026-11 or 2026"),
    "dateTime": (
        rf"{_YEAR}(?:-(?:0[1-9]|1[0-2])|-{_DAY}(?:T{_CLOCK}{_ZONE})?)?",
        "must be a date, or a time with seconds and zone like 2026-11-23T09:30:00Z",
    ),
    "id": (r"[A-Za-z0-9\-.]{1,64}", "must be an id of at most 64 letters, digits, hyphens and points"),
    "instant": (rf"{_YEAR}-{_DAY}T{_CLOCK}{_ZONE}", "must be a time with seconds and zone like 2026-11-23T09:30:00Z"),
    "oid": (r"urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+", "must be an OID like urn:oid:1.2.3"),
    "time": (_CLOCK, "must be a time of day like 09:30:00"),
    "uri": (r"\S+", "must be an address without spaces"),
    "uuid": (
        r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "must be a UUID like urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    ),
}
_COMPILED: Final = {name: (re.compile(pattern, re.ASCII), words) for name, (pattern, words) in _PATTERNS.items()}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_LONGEST_STRING: Final = 1_048_576


def _string(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a text in quotation marks"
    if not value.strip():
        return "is empty; leave it out instead"
    if _CONTROL.search(value):
        return "holds a control character; remove it"
    return "is longer than a megabyte; send it as an attachment" if len(value) > _LONGEST_STRING else None


def _matching(name: str) -> Callable[[Any], str | None]:
    pattern, words = _COMPILED[name]
    #  a code, an address and the rest are strings, which have a longest; an attachment's content has none of its own
    longest = sys.maxsize if name == "base64Binary" else _LONGEST_STRING

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a text in quotation marks"
        if len(value) > longest:
            return "is longer than a megabyte; send it as an attachment"
        return None if pattern.fullmatch(value) else words

    return check


def _dated(name: str) -> Callable[[Any], str | None]:
    matches = _matching(name)

    def check(value: Any) -> str | None:
        problem = matches(value)
        if problem is None and len(value) >= 10:
            try:
                date(int(value[:4]), int(value[5:7]), int(value[8:10]))
            except ValueError:
                return "names a day that the calendar does not have"
        return problem

    return check


def _base64(value: Any) -> str | None:
    problem = _matching("base64Binary")(value)
    if problem is None and (len(value) - sum(map(value.count, " \t\r\n"))) % 4:
        return "must be base64 text, padded to a multiple of four characters"
    return problem


def _address(value: Any) -> str | None:
    """An address is kept whatever its scheme, except where opening it would run something."""
    problem = _matching("uri")(value)
    if problem is None and value.casefold().startswith(("javascript:", "vbscript:", "data:text/html")):
        return "must be an address that only names something, not one that runs"
    return problem


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false, without quotation marks"


def _decimal(value: Any) -> str | None:
    number = isinstance(value, (JsonNumber, int, float, Decimal)) and not isinstance(value, bool)
    return None if number else "must be a number, without quotation marks"


def _integer(smallest: int, words: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        text = value.text if isinstance(value, JsonNumber) else str(value) if type(value) is int else ""
        if _INTEGER.match(text) and len(text) < 12 and smallest <= int(text) < 2**31:
            return None
        return f"must be {words}, without quotation marks"

    return check


PRIMITIVES: Final[dict[str, Callable[[Any], str | None]]] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _address,
    "code": _matching("code"),
    "date": _dated("date"),
    "dateTime": _dated("dateTime"),
    "decimal": _decimal,
    "id": _matching("id"),
    "instant": _dated("instant"),
    "integer": _integer(-(2**31), "a whole number of at most 32 bits"),
    "markdown": _string,
    "oid": _matching("oid"),
    "positiveInt": _integer(1, "a whole number above zero"),
    "string": _string,
    "time": _matching("time"),
    "unsignedInt": _integer(0, "a whole number of zero or more"),
    "uri": _address,
    "url": _address,
    "uuid": _matching("uuid"),
    "xhtml": narrative_problem,
}
"""FHIR name of the primitive type to its check."""
