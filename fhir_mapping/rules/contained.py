"""What must hold between a document and those it contains.

Source: http://hl7.org/fhir/R4/references.html#contained and domainresource.html (ref-1, dom-2 to dom-5).
"""

from collections.abc import Iterator
from typing import Any

from fhir_mapping.datatypes import items
from fhir_mapping.mapped import Issue


def contained_issues(document: dict[str, Any], path: str) -> Iterator[Issue]:
    """Yield what is wrong between a resource and those it contains."""
    contained = document.get("contained")
    mentioned = _local_texts(document)
    named = _local_texts(document, references_only=True) - {"#"}
    ids = {f"#{item.get('id')}" for item in items(contained) if isinstance(item, dict)}
    if named - ids:
        yield Issue(
            "error", "invariant", "A reference names a contained document that is not there; add it. (ref-1)", path
        )
    for place, item in enumerate(items(contained)):
        if not isinstance(item, dict):
            continue
        where = f"{path}.contained[{place}]"
        meta = item.get("meta")
        if "contained" in item:
            yield Issue("error", "invariant", "A contained document contains no other; move it up. (dom-2)", where)
        if f"#{item.get('id')}" not in mentioned and "#" not in _local_texts(item):
            yield Issue("error", "invariant", "Nothing refers to this contained document; leave it out. (dom-3)", where)
        if isinstance(meta, dict) and meta.keys() & {"versionId", "lastUpdated", "security"}:
            sentence = "A contained document has no version, time or label of its own; leave them out. (dom-4, dom-5)"
            yield Issue("error", "invariant", sentence, f"{where}.meta")


def _local_texts(value: Any, *, references_only: bool = False) -> set[str]:
    """Return every text `#…` below a value: a contained document may be named by a Reference, canonical or uri."""
    found: set[str] = set()
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        name, item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.items())
        elif isinstance(item, list):
            waiting.extend((name, child) for child in item)
        elif isinstance(item, str) and item[:1] == "#" and (name == "reference" or not references_only):
            found.add(item)
    return found
