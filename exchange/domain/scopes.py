"""SMART scopes: v2 inside (`system/Task.rus`), v1 understood and returned when asked.

Source: SMART App Launch 2.2, "Scopes for requesting FHIR Resources" (http://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LETTERS: Final = "cruds"
V1: Final = {"read": "rs", "write": "cud", "*": "cruds"}
#  asked for by clients out of habit, not granted to a backend service, and no error (issue: OAuth door)
IGNORED: Final = re.compile(r"(launch(/\S+)?|openid|fhirUser|profile|offline_access|online_access)\Z")
_SCOPE: Final = re.compile(r"system/(\*|[A-Z][A-Za-z]*)\.(c?r?u?d?s?|read|write|\*)\Z")


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be done with one type (or `*`). `written` is how it was asked for."""

    type: str
    letters: frozenset[str]
    written: str


def parse_scope(text: str) -> Scope | None:
    """Return one scope, v1 or v2; None when it is neither, or a kind we do not grant (patient/, user/, granular)."""
    found = _SCOPE.match(text)
    if found is None or not found[2]:
        return None
    return Scope(found[1], frozenset(V1.get(found[2], found[2])), text)


def parse_scopes(text: str) -> tuple[tuple[Scope, ...], tuple[str, ...]]:
    """Return the scopes of a space-separated text, and the words that are none we know; ignored words are dropped."""
    scopes, unknown = [], []
    for word in dict.fromkeys(text.split()):
        scope = parse_scope(word)
        if scope is not None:
            scopes.append(scope)
        elif not IGNORED.match(word):
            unknown.append(word)
    return tuple(scopes), tuple(unknown)


def allows(scopes: Iterable[Scope], type_name: str, letter: str) -> bool:
    """Return whether the scopes allow an interaction (c, r, u, d or s) on a type."""
    return any(scope.type in ("*", type_name) and letter in scope.letters for scope in scopes)


def is_within(asked: Scope, registered: Iterable[Scope]) -> bool:
    """Return whether everything a scope asks for was registered."""
    held: set[str] = set()
    for scope in registered:
        if scope.type in ("*", asked.type):
            held |= scope.letters
    return asked.letters <= held
