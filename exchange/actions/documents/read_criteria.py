"""A FHIR search string becomes criteria of the store: nothing is passed over in silence.

Source: http://hl7.org/fhir/R4/search.html. What we do not do (chains, `_has`, some modifiers) is refused with a
sentence; a parameter that the type does not have is returned by its name, and the door decides about it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.db.search import Alternative, Criterion
from exchange.domain.errors import Malformed
from fhir_mapping.references import local_reference
from fhir_mapping.resource_types import RESOURCE_TYPES
from fhir_mapping.rules.search_rows import DATE, REFERENCE, STRING, TOKEN, URI
from fhir_mapping.search_parameters import (
    COLUMNS,
    SearchParameter,
    normalise,
    normalised_token,
    parameters_of,
    parse_date_range,
)

MOST_ALTERNATIVES: Final = 500
MOST_PARAMETERS: Final = 100
#  modifiers by kind; a type's name after a reference (`subject:Patient`) is understood besides
MODIFIERS: Final = {
    TOKEN: frozenset({"not", "missing"}),
    STRING: frozenset({"exact", "missing"}),
    REFERENCE: frozenset({"missing"}),
    DATE: frozenset({"missing"}),
    URI: frozenset({"missing"}),
}
MISSING: Final = {"true": "missing-true", "false": "missing-false"}
_DATE: Final = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?([^a-z].*)\Z")
_SEALED_DATE: Final = re.compile(r"\d{4}(-\d\d){0,2}\Z")
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_CHARACTER: Final = re.compile(r"\\.|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ReadCriteria:
    """What was asked, and the names of the parameters that the type does not have, as written."""

    criteria: tuple[Criterion, ...]
    unknown: tuple[str, ...] = ()


def read_criteria(type_name: str, pairs: Sequence[tuple[str, str]], *, fhir_base: str) -> ReadCriteria:
    """Return the criteria of decoded (name, value) pairs; repeats of a name must all hold, values after commas one.

    Raises Malformed, with the parameter as expression, for a chain, a modifier we do not have or a value that says
    nothing.
    """
    if len(pairs) > MOST_PARAMETERS:
        raise Malformed(f"A search takes at most {MOST_PARAMETERS} parameters: ask in parts.", code="too-costly")
    known, criteria, unknown = parameters_of(type_name), [], []
    for name, value in pairs:
        code, _, modifier = name.partition(":")
        if code == "_has" or "." in name:
            raise Malformed(
                "Chains are not possible here: search for the other documents first, then by their references.",
                expression=name,
                code="not-supported",
            )
        if code in known:
            criteria.append(_criterion(known[code], name, modifier, value, fhir_base))
        else:
            unknown.append(name)
    return ReadCriteria(tuple(criteria), tuple(dict.fromkeys(unknown)))


def _criterion(parameter: SearchParameter, name: str, modifier: str, text: str, base: str) -> Criterion:
    if "\0" in text:
        raise Malformed("This value holds a NUL character: remove it.", expression=name)
    values = [value for value in _split(text, ",") if value.strip()]
    if not values:
        raise Malformed("This parameter has no value: give one, or leave the parameter out.", expression=name)
    target = modifier if parameter.kind == REFERENCE and modifier in RESOURCE_TYPES else ""
    allowed = frozenset() if parameter.code in COLUMNS else MODIFIERS[parameter.kind]
    if modifier and not target and modifier not in allowed:
        raise Malformed(
            f"This modifier is not possible here: use {' or '.join(sorted(allowed)) or 'none'}.",
            expression=name,
            code="not-supported",
        )
    if modifier == "missing":
        if text not in MISSING:
            raise Malformed("The value after :missing is true or false.", expression=name)
        return Criterion(parameter, (), MISSING[text])
    if len(values) > MOST_ALTERNATIVES:
        raise Malformed(
            f"A parameter takes at most {MOST_ALTERNATIVES} values: ask in parts.", expression=name, code="too-costly"
        )
    try:
        alternatives = tuple(
            one for value in values for one in _READERS[parameter.kind](parameter, value, target, base)
        )
    except ValueError as problem:
        raise Malformed(str(problem), expression=name) from None
    return Criterion(parameter, alternatives, "" if target else modifier)


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark that is not escaped; the backslashes stay."""
    parts = [""]
    for token in _CHARACTER.findall(text):
        if token == mark:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def _plain(text: str) -> str:
    """Take the backslashes away from `\\,`, `\\|`, `\\$` and `\\\\`."""
    return _ESCAPED.sub(r"\1", text)


def _tokens(parameter: SearchParameter, text: str, _target: str, _base: str) -> Iterable[Alternative]:
    if parameter.code == "_id":
        return [Alternative(_plain(text))]
    parts = _split(text, "|")
    if len(parts) > 2:
        raise ValueError(
            "A token is written as code, system|code, |code or system|: write a | of the code itself as \\|."
        )
    code = normalised_token(parameter, _plain(parts[-1]))
    if len(parts) == 1:
        return [Alternative(code)]
    if not code and not parts[0]:
        raise ValueError("This token has neither system nor code: give one of them.")
    return [Alternative(code or None, system=_plain(parts[0]))]


def _references(parameter: SearchParameter, text: str, target: str, base: str) -> Iterable[Alternative]:
    text = _plain(text)
    local = local_reference(text, base)
    if local is not None:
        if target and target != local[0]:
            raise ValueError(f"The value names a {local[0]}, the modifier a {target}: make them the same.")
        return [Alternative("/".join(local))]
    if ":" in text or "/" in text or not _ID.match(text):
        return [Alternative(text)]
    #  an id alone: of any type that the element may name
    return [
        Alternative(f"{kind}/{text}") for kind in ((target,) if target else parameter.targets or tuple(RESOURCE_TYPES))
    ]


def _strings(parameter: SearchParameter, text: str, _target: str, _base: str) -> Iterable[Alternative]:
    value = normalise(_plain(text))
    if not value:
        raise ValueError("This text holds no letter and no digit: give a word.")
    return [Alternative(value)]


def _dates(parameter: SearchParameter, text: str, _target: str, _base: str) -> Iterable[Alternative]:
    #  the + of a zone becomes a space where a client forgot to escape it
    found = _DATE.match(text.strip().replace(" ", "+"))
    if found is None:
        raise ValueError("A date begins with a digit or one of eq, ne, gt, lt, ge, le, sa and eb: correct it.")
    prefix, date = found[1] or "eq", found[2]
    low, high = parse_date_range(date)
    if parameter.sealed and (prefix != "eq" or not _SEALED_DATE.match(date)):
        raise ValueError("This date is kept sealed: ask for a day, a month or a year, without a prefix.")
    return [Alternative(date if parameter.sealed else None, prefix=prefix, low=low, high=high)]


def _uris(parameter: SearchParameter, text: str, _target: str, _base: str) -> Iterable[Alternative]:
    return [Alternative(_plain(text))]


_READERS: Final = {TOKEN: _tokens, REFERENCE: _references, STRING: _strings, DATE: _dates, URI: _uris}
