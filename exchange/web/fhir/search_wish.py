"""What a search asks for besides its criteria: how many, in which order, with what else. One reader per parameter.

Source: http://hl7.org/fhir/R4/search.html#modifyingresults.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from exchange.actions.documents.read_criteria import read_criteria
from exchange.db.search import Criterion
from exchange.domain.errors import Malformed
from exchange.web.fhir.shelves.catalogue import is_stored
from fhir_mapping.resource_types import RESOURCE_TYPES

MOST: Final = 200
USUAL: Final = 50
#  these concern the form of the answer, and are read elsewhere (negotiation) or change nothing (_pretty)
OF_THE_FORM: Final = frozenset({"_format", "_pretty"})


@dataclass(frozen=True, slots=True)
class Include:
    """What else to bring: what a parameter of the matches refers to; only `target` types where one is named."""

    parameter: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class SearchWish:
    """A search as understood. `pairs` are the parameters that were used, `unknown` those that were not."""

    criteria: tuple[Criterion, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    limit: int = USUAL
    is_descending: bool = False
    with_total: bool = False
    only_total: bool = False
    includes: tuple[Include, ...] = ()


def read_wish(type_name: str, pairs: Sequence[tuple[str, str]], *, fhir_base: str) -> SearchWish:
    """Return what a search asks for. Raises Malformed for a value or modifier that cannot be understood."""
    wish, criteria, unknown = SearchWish(), [], []
    for name, value in pairs:
        if name in OF_THE_FORM:
            continue
        reader = _READERS.get(name)
        if reader is None:
            criteria.append((name, value))
            continue
        changed = reader(wish, type_name, value)
        if changed is None:
            unknown.append((name, value))
        else:
            wish = changed
    read = read_criteria(type_name, criteria, fhir_base=fhir_base)
    unused = {*unknown, *((name, value) for name, value in criteria if name in read.unknown)}
    return replace(
        wish,
        criteria=read.criteria,
        pairs=tuple(pair for pair in pairs if pair not in unused and pair[0] not in OF_THE_FORM),
        unknown=tuple(dict.fromkeys((*(f"{name}={value}" for name, value in unknown), *read.unknown))),
    )


def _count(wish: SearchWish, _type_name: str, value: str) -> SearchWish:
    if not (value.isascii() and value.isdigit()):
        raise Malformed("The number of matches on a page is a whole number: correct _count.", expression="_count")
    number = int(value[:9])
    return replace(wish, limit=min(number, MOST)) if number else replace(wish, only_total=True)


def _sort(wish: SearchWish, type_name: str, value: str) -> SearchWish | None:
    if value == "_lastUpdated":
        return replace(wish, is_descending=False)
    #  projections are read in one direction only
    return replace(wish, is_descending=True) if value == "-_lastUpdated" and is_stored(type_name) else None


def _total(wish: SearchWish, _type_name: str, value: str) -> SearchWish:
    if value not in ("none", "estimate", "accurate"):
        raise Malformed("The total is none, estimate or accurate: correct _total.", expression="_total")
    return replace(wish, with_total=value != "none")


def _summary(wish: SearchWish, _type_name: str, value: str) -> SearchWish | None:
    return {"count": replace(wish, only_total=True), "false": wish}.get(value)


def _include(wish: SearchWish, type_name: str, value: str) -> SearchWish | None:
    source, _, rest = value.partition(":")
    parameter, _, target = rest.partition(":")
    if source != type_name or parameter not in RESOURCE_TYPES[type_name].includes:
        return None
    return replace(wish, includes=(*wish.includes, Include(parameter, target)))


_READERS: Final[dict[str, Callable[[SearchWish, str, str], SearchWish | None]]] = {
    "_count": _count,
    "_sort": _sort,
    "_total": _total,
    "_summary": _summary,
    "_include": _include,
}
