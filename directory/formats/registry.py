"""The forms in which a directory may arrive. A new one is a file beside this one and a line in FORMATS."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from directory.errors import UnknownFormat
from directory.formats import hsds_csv, hsds_json, linksf
from directory.records import Problem, Read


@dataclass(frozen=True)
class Format:
    """A name, a quick look that tells whether a path has this form, and the reader."""

    name: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, list[Problem]], Iterator[Read]]


FORMATS = {  # the first that recognises a path reads it: the most particular one stands first
    module.NAME: Format(module.NAME, module.recognises, module.read) for module in (hsds_csv, linksf, hsds_json)
}


def choose(path: Path, name: str | None = None) -> Format:
    """Return the format of that name, or else the first that recognises the path. Raises UnknownFormat."""
    known = ", ".join(FORMATS)
    if not path.exists():
        raise UnknownFormat(f"There is nothing at {path}; give the path of a file or folder that holds a directory.")
    if name is not None:
        if name not in FORMATS:
            raise UnknownFormat(f"There is no format called {name}; choose one of {known}.")
        return FORMATS[name]
    for candidate in FORMATS.values():
        if candidate.recognises(path):
            return candidate
    raise UnknownFormat(f"No format recognises {path.name}; give a path that one of {known} can read.")
