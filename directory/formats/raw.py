"""A row or JSON object as it was found, with the place it stands at, before it becomes a record."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from directory.records import Problem

#  a NUL, or half of a surrogate pair: no database keeps the one, no file the other
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass
class Raw:
    """Values by field name: text, numbers, another Raw, or a list of them. `kind` is the HSDS object's name."""

    kind: str
    file: str
    row: int | str | None
    values: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """Return a value as trimmed text, None if it is not there or blank; what cannot be kept becomes U+FFFD."""
        value = self.values.get(name)
        if value is None or isinstance(value, Raw | list | dict):
            return None
        return keepable(str(value)).strip() or None

    def children(self, name: str) -> list["Raw"]:
        """Return the children under a name; a single one counts as a list of one, anything else as none."""
        value = self.values.get(name)
        if isinstance(value, Raw):
            return [value]
        return [item for item in value if isinstance(item, Raw)] if isinstance(value, list) else []

    def problem(self, name: str | None, found: object, done: str, refused: str | None = None) -> Problem:
        """Return a problem with this row."""
        shown = None if found is None else keepable(str(found)[:120])
        return Problem(self.file, self.row, name and keepable(name[:120]), shown, done, refused)


def keepable(text: str) -> str:
    """Return a text with U+FFFD for what cannot be kept."""
    return _UNSTORABLE.sub("\ufffd", text)


def from_json(kind: str, file: str, pointer: str, value: dict[str, Any]) -> Raw:
    """Return a JSON object, and all the objects in it, as Raws that know their JSON pointer."""
    raw = Raw(kind, file, pointer or "/")
    raw.values = dict(_children(file, pointer, value))
    return raw


def _children(file: str, pointer: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        here = f"{pointer}/{name}"
        if isinstance(item, dict):
            yield name, from_json(name, file, here, item)
        elif isinstance(item, list):
            yield (
                name,
                [from_json(name, file, f"{here}/{n}", x) if isinstance(x, dict) else x for n, x in enumerate(item)],
            )
        else:
            yield name, item
