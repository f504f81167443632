"""Every place of a document where a reference may stand: from the models' structure, and inside what a sample holds."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fhir_mapping.references import references_in
from fhir_mapping.rules.structure import structure_of
from tests.exchange.web.fhir.conftest import Json

_STEP: Final = re.compile(r"(\w+)(?:\[(\d+)\])?")
_SEE_ALSO: Final = "https://tenants.example/see-also"


@dataclass(frozen=True)
class Place:
    """A place by its path; `targets` are the types that may be named there, empty for any."""

    path: str
    targets: frozenset[str]
    document: Json

    def naming(self, reference: str) -> Json:
        """Return the document with this reference at the place."""
        return _with(self.document, self.path, {"reference": reference})


def places(document: Json) -> Iterator[Place]:
    """Yield the places of a document: each element that may refer, each reference inside another element, an extension,
    and a contained document."""
    type_name = document["resourceType"]
    whole = structure_of(type_name)
    assert whole is not None
    for name, element in whole.elements.items():
        if element.kind == "Reference":
            rivals = {one for _choice, members, _must in whole.choices if name in members for one in members}
            others = {key: value for key, value in document.items() if key not in rivals}
            yield Place(f"{name}[0]" if element.many else name, element.targets, others)
    for path, text in references_in(document):
        _type, _, inside = path.partition(".")
        if "." in inside:
            yield Place(inside, frozenset({text.partition("/")[0]}), document)
    yield Place("extension[0].valueReference", frozenset(), document | {"extension": [{"url": _SEE_ALSO}]})
    contained = {"resourceType": "Basic", "id": "inside", "code": {"text": "x"}}
    pointing = document | {"contained": [contained], "extension": [_to_contained()]}
    yield Place("contained[0].subject", frozenset(), pointing)
    if type_name == "Task":
        for name in ("input", "output"):
            said = {"type": {"text": "more"}}
            yield Place(f"{name}[0].valueReference", frozenset(), document | {name: [said]})


def _to_contained() -> Json:
    #  a contained document must be referred to from the one that contains it
    return {"url": _SEE_ALSO, "valueReference": {"reference": "#inside"}}


def _with(document: Json, path: str, value: Json) -> Json:
    changed: Json = copy.deepcopy(document)
    steps = [(name, int(place) if place else None) for name, place in _STEP.findall(path)]
    around: Any = changed
    for name, place in steps[:-1]:
        around = around[name] if place is None else around[name][place]
    name, place = steps[-1]
    if place is None or not isinstance(around.get(name), list):
        around[name] = value if place is None else [value]
    else:
        around[name][place] = value
    return changed
