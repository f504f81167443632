"""The kinds of rule that profiles are made of: what a document must, must not, or may only hold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fhir_mapping.datatypes import has_coding, items
from fhir_mapping.rules.reference_rules import named_type

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ProfileRule:
    """One thing a profile asks: of which element, whether a document keeps it, and the remedy in a sentence."""

    element: str
    holds: Callable[[Document], bool]
    sentence: str
    needed: bool = False
    severity: str = "error"
    code: str = "invariant"


def required(*names: str, needed: bool = False) -> Iterable[ProfileRule]:
    """Each element must be there. `value` and the like stand for a choice."""
    for name in names:
        yield ProfileRule(name, there(name), f"The profile requires {name}; add it.", needed, code="required")


def prohibited(*names: str) -> Iterable[ProfileRule]:
    """No element may be there."""
    for name in names:
        yield ProfileRule(name, _absent(name), f"The profile does not allow {name}; leave it out.", code="structure")


def one_of(name: str, codes: Iterable[str], *, needed: bool = False) -> Iterable[ProfileRule]:
    """The code must be one of these."""
    allowed = tuple(codes)
    sentence = f"The profile allows {name} only as one of {', '.join(allowed)}; correct it."
    yield ProfileRule(
        name, lambda document: document.get(name) in (None, *allowed), sentence, needed, code="code-invalid"
    )


def coded(name: str, *codes: tuple[str, str], needed: bool = False) -> Iterable[ProfileRule]:
    """A concept, or one of several, must hold one of these codings."""
    listed = ", ".join(code for _, code in codes[:6]) + (" and so on" if len(codes) > 6 else "")
    yield ProfileRule(
        name,
        lambda document: any(has_coding(document.get(name), system, code) for system, code in codes),
        f"The profile requires {name} to hold one of the codes {listed}; add it.",
        needed,
        code="code-invalid",
    )


def naming(name: str, *types: str, needed: bool = False) -> Iterable[ProfileRule]:
    """References must name these types, where their type can be told."""
    yield ProfileRule(
        name,
        lambda document: all(
            named_type(item) in (None, *types) for item in items(document.get(name)) if isinstance(item, dict)
        ),
        f"The profile requires {name} to name a document of type {' or '.join(types)}; correct it.",
        needed,
        code="value",
    )


def there(name: str) -> Callable[[Document], bool]:
    """Return the question whether a document has the element, a choice of it, or an extension that says why not."""

    def holds(document: Document) -> bool:
        return any(key in {name, f"_{name}"} or (key.startswith(name) and key[len(name)].isupper()) for key in document)

    return holds


def _absent(name: str) -> Callable[[Document], bool]:
    is_there = there(name)
    return lambda document: not is_there(document)
