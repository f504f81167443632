"""Our own documents, and edits of them: what a test of the check puts in, drops or combines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fhir_mapping.json_text import parse

OWN = Path(__file__).parents[1] / "data" / "fhir"
Document = dict[str, Any]


def document(name: str) -> Document:
    value: Document = parse((OWN / f"{name}.json").read_bytes())
    return value


def change(name: str, edit: Callable[[Document], Any]) -> Document:
    value = document(name)
    edit(value)
    return value


def put(path: str, value: Any) -> Callable[[Document], None]:
    """Return an edit that sets the element at a dotted path; a number is a place in an array."""

    def edit(target: Any) -> None:
        *steps, last = path.split(".")
        for step in steps:
            target = target[int(step)] if step.isdigit() else target[step]
        target[int(last) if last.isdigit() else last] = value

    return edit


def drop(*names: str) -> Callable[[Document], None]:
    def edit(target: Document) -> None:
        for name in names:
            del target[name]

    return edit


def both(*edits: Callable[[Document], None]) -> Callable[[Document], None]:
    def edit(target: Document) -> None:
        for one in edits:
            one(target)

    return edit
