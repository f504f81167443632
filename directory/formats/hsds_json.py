"""HSDS 3.x as JSON: one object, a list, an API page, a document of named lists, or a folder of such files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from directory.formats.assemble import SERVICE_AT_LOCATION, Assembly
from directory.formats.raw import from_json
from directory.records import LOCATION, ORGANIZATION, SERVICE, Problem, Read

NAME = "hsds-json"
NAMED_LISTS = {
    "organizations": ORGANIZATION,
    "services": SERVICE,
    "locations": LOCATION,
    "service_at_locations": SERVICE_AT_LOCATION,
}
TAXONOMY_FIELDS = {"id", "name", "description", "uri", "version", "metadata"}
# An HSDS object does not say what it is; it is what one of these fields gives away, the first that does.
MARKS = (
    (LOCATION, {"location_type", "addresses", "latitude", "longitude", "external_identifier", "transportation"}),
    (SERVICE_AT_LOCATION, {"location", "service", "location_id", "service_id"}),
    (SERVICE, {"status", "service_at_locations", "organization", "organization_id", "schedules", "program"}),
    ("taxonomy", {"parent_id", "taxonomy", "taxonomy_detail", "taxonomy_id", "term_uri", "code"}),
)


def recognises(path: Path) -> bool:
    """Return whether this is a .json file, or a folder that holds some."""
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" else []
    return sorted(file for file in path.rglob("*.json") if file.name != "datapackage.json")


def read(path: Path, problems: list[Problem]) -> Iterator[Read]:
    """Return the records of all files; what is wrong with them is added to `problems`."""
    assembly = Assembly(problems)
    for file in _files(path):
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        document = load(file, name, problems)
        if document is None:
            continue
        found = list(_objects(document))
        if not found:
            done = "Left out: it holds no organisation, service or location."
            problems.append(Problem(name, None, None, None, done))
        for kind, pointer, value in found:
            if not isinstance(value, dict):
                problems.append(Problem(name, pointer, None, None, "Left out: it is not an HSDS object."))
                continue
            try:
                assembly.add(kind, from_json(kind, name, pointer, value))
            except RecursionError:
                problems.append(Problem(name, pointer, None, None, "Left out: it nests deeper than can be read."))
    yield from assembly.records()


def load(file: Path, name: str, problems: list[Problem]) -> Any:
    """Return what a JSON file holds, or None with a problem where it cannot be read."""
    try:
        return json.loads(file.read_bytes())
    except json.JSONDecodeError as error:
        done = "Left out: the file is not JSON; mend it at this line and import again."
        problems.append(Problem(name, error.lineno, None, error.msg, done))
    except (ValueError, RecursionError):  # not UTF-8, a number of thousands of digits, brackets without end
        problems.append(Problem(name, None, None, None, "Left out: the file is not JSON in UTF-8."))
    return None


def _objects(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Return (kind, JSON pointer, object) for each object at the top."""
    if isinstance(document, dict) and isinstance(document.get("contents"), list):
        yield from _listed("/contents", document["contents"])
    elif isinstance(document, list):
        yield from _listed("", document)
    elif isinstance(document, dict):
        kind = kind_of(document)
        if kind:
            yield kind, "", document
        else:
            for name, named in NAMED_LISTS.items():
                items = document.get(name)
                yield from ((named, f"/{name}/{n}", x) for n, x in enumerate(items if isinstance(items, list) else ()))


def _listed(pointer: str, items: list[Any]) -> Iterator[tuple[str, str, Any]]:
    for n, item in enumerate(items):
        kind = kind_of(item) if isinstance(item, dict) else SERVICE  # a wrong item is reported by the caller
        if kind:
            yield kind, f"{pointer}/{n}", item


def kind_of(value: dict[str, Any]) -> str | None:
    """Return which HSDS object this is; None for a taxonomy, a term, or what is no HSDS object at all."""
    if "id" not in value and "name" not in value:
        return None
    for kind, marks in MARKS:
        if marks & value.keys():
            return None if kind == "taxonomy" else kind
    return None if "name" not in value or (value.keys() <= TAXONOMY_FIELDS) else ORGANIZATION
