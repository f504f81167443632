"""What a Reference may name. Source: http://hl7.org/fhir/R4/references.html."""

import re
from functools import cache
from typing import Any, Final

from fhir_mapping.mapped import Issue
from fhir_mapping.rules.structure import Element, is_resource_type

_NAMED: Final = re.compile(r"(?:^|/)([A-Za-z]+)/([^/?#]+)(?:/_history/[^/?#]+)?(?:#.*)?\Z")
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_known_type = cache(is_resource_type)


def reference_issue(value: dict[str, Any], element: Element, path: str) -> Issue | None:
    """Return what is wrong with a Reference of the right shape, or None.

    It must say something (a reference, an identifier, a display, or an extension that says why not), and name one of
    the types the element allows. A `urn:`, a contained `#id` and an address without a type in it could be anything.
    """
    if not value.keys() & {"reference", "_reference", "identifier", "display", "_display", "extension"}:
        return Issue("error", "required", "The reference names nothing; add a reference or an identifier.", path)
    named = named_type(value)
    if named is None:
        return None
    if named == "":
        sentence = "The reference is no address of a document; write it as Type/id."
        return Issue("error", "value", sentence, f"{path}.reference")
    if element.targets and named not in element.targets:
        allowed = " or ".join(sorted(element.targets))
        return Issue("error", "value", f"The reference must name a document of type {allowed}.", f"{path}.reference")
    return None


def named_type(value: dict[str, Any]) -> str | None:
    """Return the type a Reference names, None where it cannot be told, "" where a relative address is malformed."""
    text = value.get("reference")
    if not isinstance(text, str):
        kind = value.get("type")
        return kind if isinstance(kind, str) and _known_type(kind) else None
    if text[:1] == "#" or text.startswith("urn:"):
        return None
    match = _NAMED.search(text)
    if match and _known_type(match[1]):
        return match[1] if "://" in text or _ID.match(match[2]) else ""
    return None if "://" in text or "?" in text else ""
