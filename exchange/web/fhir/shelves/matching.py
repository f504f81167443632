"""Whether a projection meets criteria: what `exchange/db/search.py` judges in SQL, for what has no table."""

import operator
from collections.abc import Callable
from typing import Final

from exchange.db.search import Alternative, Criterion
from fhir_mapping.json_text import Json
from fhir_mapping.rules.search_rows import DATE, REFERENCE, STRING, TOKEN
from fhir_mapping.search_parameters import Indexed, extract

OPEN_LOW: Final = -(2**62)
OPEN_HIGH: Final = 2**62

#  a stored range against the range that was asked for (R4 search, prefixes); a moment is a range of one microsecond
_RANGES: Final[dict[str, Callable[[int, int, Alternative], bool]]] = {
    "eq": lambda low, high, asked: low >= asked.low and high <= asked.high,
    "ne": lambda low, high, asked: low < asked.low or high > asked.high,
    "gt": lambda low, high, asked: high > asked.high,
    "lt": lambda low, high, asked: low < asked.low,
    "ge": lambda low, high, asked: high > asked.low,
    "le": lambda low, high, asked: low < asked.high,
    "sa": lambda low, high, asked: low >= asked.high,
    "eb": lambda low, high, asked: high <= asked.low,
}


def matches(resource: Json, last_updated: int, criteria: tuple[Criterion, ...]) -> bool:
    """Return whether a resource meets every criterion. `last_updated` is in microseconds."""
    if not criteria:
        return True
    found = extract(resource)
    return all(_holds(resource, last_updated, found, criterion) for criterion in criteria)


def _holds(resource: Json, last_updated: int, found: tuple[Indexed, ...], criterion: Criterion) -> bool:
    code, asked = criterion.parameter.code, criterion.alternatives
    if code == "_id":
        return any(one.value == resource["id"] for one in asked)
    if code == "_lastUpdated":
        return any(_RANGES[one.prefix](last_updated, last_updated + 1, one) for one in asked)
    values = [value for value in found if value.parameter == code]
    if criterion.modifier.startswith("missing"):
        return (not values) == (criterion.modifier == "missing-true")
    holds = any(_meets(criterion, value, one) for value in values for one in asked)
    return holds != (criterion.modifier == "not")


def _meets(criterion: Criterion, value: Indexed, asked: Alternative) -> bool:
    kind = criterion.parameter.kind
    if kind == DATE:
        low = OPEN_LOW if value.low is None else value.low
        return _RANGES[asked.prefix](low, OPEN_HIGH if value.high is None else value.high, asked)
    if kind == TOKEN:
        return asked.value in (None, value.value) and asked.system in (None, value.system)
    if kind == REFERENCE:
        return value.value.partition("/_history/")[0] == asked.value
    same = str.startswith if kind == STRING and criterion.modifier != "exact" else operator.eq
    return bool(same(value.value, asked.value or ""))
