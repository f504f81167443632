"""References between documents: finding them, changing them, and the fixed list of those that a referral releases."""

import re
from collections.abc import Callable, Iterator
from html import escape, unescape
from typing import Any, Final

from fhir_mapping import systems
from fhir_mapping.json_text import Json

_RELATIVE: Final = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?\Z")
_LINK: Final = re.compile(r"""(\s(?:href|src)\s*=\s*)("([^"]*)"|'([^']*)')""")

# The elements that may carry the same address as a Reference and must follow it: attachment urls (R4 calls them
# `url`) and the uri-typed values of Task.input, Task.output and extensions.
_LINKING_URIS: Final = frozenset({"valueUri", "valueUrl"})

# What the release of a referral follows, and nothing else (docs/decisions/0021). A dotted path, each step of which may
# be an array. `extension(url)` and `[code]` are spelled out in `_released_of`.
_RELEASED: Final[dict[str, tuple[str, ...]]] = {
    "Task": ("focus", "for", "requester", "input.valueReference", "output.valueReference"),
    "ServiceRequest": (
        "subject",
        "requester",
        "performer",
        "reasonReference",
        "supportingInfo",
        "insurance",
        f"extension<{systems.PERTAINS_TO_GOAL}>.valueReference",
    ),
    "PractitionerRole": ("practitioner", "organization"),
    "Observation": ("derivedFrom",),
}


def references_in(document: Json) -> Iterator[tuple[str, str]]:
    """Yield (path, reference text) for every literal reference that leaves the document.

    The path is FHIRPath-like (`Task.input[0].valueReference`). References to contained resources (`#x`) are left out.
    """
    yield from _references(document, str(document.get("resourceType", "")))


def _references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str) and not text.startswith("#"):
            yield path, text
        for name, child in value.items():
            if isinstance(child, (dict, list)):
                yield from _references(child, f"{path}.{name}")
    elif isinstance(value, list):
        for place, child in enumerate(value):
            if isinstance(child, (dict, list)):
                yield from _references(child, f"{path}[{place}]")


def with_references(document: Json, change: Callable[[str], str | None]) -> Json:
    """Return a deep copy in which each reference `change` answers for is replaced; None leaves it.

    Follows `Reference.reference`, `href` and `src` in narrative, and the urls of attachments and of uri values. Source:
    http://hl7.org/fhir/R4/http.html#trules and bundle.html#references.
    """
    return {name: _changed(name, child, change) for name, child in document.items()}


def _changed(name: str, value: Any, change: Callable[[str], str | None]) -> Any:
    if isinstance(value, dict):
        copy = {key: _changed(key, child, change) for key, child in value.items()}
        # Only an Attachment's `url` is a link to a document; Extension.url and canonical names are identities.
        if isinstance(value.get("url"), str) and "contentType" in value:
            copy["url"] = change(value["url"]) or value["url"]
        return copy
    if isinstance(value, list):
        return [_changed(name, child, change) for child in value]
    if not isinstance(value, str):
        return value
    if name == "reference" or name in _LINKING_URIS:
        return change(value) or value
    if name == "div":
        return _changed_narrative(value, change)
    return value


def _changed_narrative(markup: str, change: Callable[[str], str | None]) -> str:
    def changed(match: re.Match[str]) -> str:
        address = unescape(match[3] if match[3] is not None else match[4])
        other = change(address)
        return match[0] if other is None else f'{match[1]}"{escape(other)}"'

    return _LINK.sub(changed, markup)


def local_reference(text: str, base_url: str) -> tuple[str, str] | None:
    """Return (type, id) when `text` is a relative reference or lies under `base_url`; else None.

    A version (`/_history/n`) is dropped: a promise is about the document, not about one state of it.
    """
    base = base_url.rstrip("/") + "/"
    match = _RELATIVE.match(text.removeprefix(base))
    return (match[1], match[2]) if match else None


def released_references(document: Json) -> tuple[tuple[str, str], ...]:
    """Return (path, reference text) of the references that a referral's release follows from this document."""
    kind = str(document.get("resourceType", ""))
    return tuple(
        (found, value["reference"])
        for path in _RELEASED.get(kind, ())
        for found, value in _at(document, kind, _steps(path))
        if isinstance(value, dict) and isinstance(value.get("reference"), str) and value["reference"][:1] != "#"
    )


def _steps(path: str) -> list[tuple[str, str | None]]:
    """Split `extension<url>.valueReference` into names, each with the url it asks for."""
    return [(name, url or None) for name, url in re.findall(r"([A-Za-z]+)(?:<([^>]*)>)?\.?", path)]


def _at(value: Any, path: str, steps: list[tuple[str, str | None]]) -> Iterator[tuple[str, Any]]:
    if not steps:
        yield path, value
        return
    (name, url), rest = steps[0], steps[1:]
    child = value.get(name) if isinstance(value, dict) else None
    many = child if isinstance(child, list) else [child]
    for place, item in enumerate(many):
        if item is None or url is not None and (not isinstance(item, dict) or item.get("url") != url):
            continue
        yield from _at(item, f"{path}.{name}[{place}]" if isinstance(child, list) else f"{path}.{name}", rest)
