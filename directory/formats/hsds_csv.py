"""HSDS 3.x as a tabular data package: a folder with one CSV file per object, linked by ids."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from directory.formats.assemble import SERVICE_AT_LOCATION, Assembly
from directory.formats.raw import Raw
from directory.records import LOCATION, ORGANIZATION, SERVICE, Problem, Read

NAME = "hsds-csv"
ROOTS = {
    "organizations": ORGANIZATION,
    "locations": LOCATION,
    "services": SERVICE,
    "service_at_location": SERVICE_AT_LOCATION,
}
ALL_OWNERS = {
    "organization_id": "organizations",
    "service_id": "services",
    "location_id": "locations",
    "service_at_location_id": "service_at_location",
    "contact_id": "contacts",
    "phone_id": "phones",
    "unit_id": "units",
}
# File: the field of its owner that its rows go to. A row belongs to each owner that it names and that may have it.
CHILDREN = {
    "phones": ("phones", {"organizations", "services", "locations", "service_at_location", "contacts"}),
    "contacts": ("contacts", {"organizations", "services", "locations", "service_at_location"}),
    "addresses": ("addresses", {"locations"}),
    "schedules": ("schedules", {"services", "locations", "service_at_location"}),
    "service_areas": ("service_areas", {"services", "service_at_location"}),
    "languages": ("languages", {"services", "locations", "phones"}),
    "accessibility": ("accessibility", {"locations"}),
    "required_documents": ("required_documents", {"services"}),
    "cost_options": ("cost_options", {"services"}),
    "funding": ("funding", {"organizations", "services"}),
    "programs": ("programs", {"organizations"}),
    "organization_identifiers": ("organization_identifiers", {"organizations"}),
    "service_capacity": ("capacities", {"services"}),
}
URL_FIELDS = {"organizations": "additional_websites", "services": "additional_urls"}
LOOKED_UP = {"url", "units", "taxonomies", "taxonomy_terms", "attributes", "metadata", "meta_table_descriptions"}
FILES = ROOTS.keys() | CHILDREN.keys() | LOOKED_UP
# Names that publishers use instead: the object's own name, and those of the UK profile.
ALIASES = {
    "organization": "organizations",
    "service": "services",
    "location": "locations",
    "service_at_locations": "service_at_location",
    "address": "addresses",
    "attribute": "attributes",
    "schedule": "schedules",
    "taxonomy": "taxonomies",
    "taxonomy_term": "taxonomy_terms",
    "phone": "phones",
    "contact": "contacts",
    "language": "languages",
    "urls": "url",
    "service_capacities": "service_capacity",
}
Tables = dict[str, list[Raw]]


def recognises(path: Path) -> bool:
    """Return whether this is a folder, or the datapackage.json of a folder, with HSDS's CSV files."""
    folder = _folder(path)
    return folder.is_dir() and any((folder / f"{name}.csv").is_file() for name in ("services", "organizations"))


def _folder(path: Path) -> Path:
    return path.parent if path.name == "datapackage.json" else path


def read(path: Path, problems: list[Problem]) -> Iterator[Read]:
    """Return the records of the package; what is wrong with its rows is added to `problems`."""
    folder = _folder(path)
    tables = _read_tables(folder, problems)
    _tell_missing(folder, problems)
    _hang_children(tables, problems)
    assembly = Assembly(problems)
    for name, kind in ROOTS.items():
        for raw in tables[name]:
            assembly.add(kind, raw)
    yield from assembly.records()


def _read_tables(folder: Path, problems: list[Problem]) -> Tables:
    tables: Tables = defaultdict(list)
    for file in sorted(folder.glob("*.csv")):
        name = ALIASES.get(file.stem.lower(), file.stem.lower())
        if name not in FILES:
            problems.append(Problem(file.name, None, None, None, "Left out: HSDS has no such file."))
            continue
        tables[name].extend(read_rows(file, name, problems))
    return tables


def read_rows(file: Path, kind: str, problems: list[Problem]) -> Iterator[Raw]:
    """Return the rows of one CSV file with their line numbers; blank rows are passed over."""
    content = file.read_bytes()
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        decoded = content.decode("cp1252", errors="replace")
        done = "Repaired: the file is not UTF-8 and was read as Windows-1252."
        problems.append(Problem(file.name, None, None, None, done))
    heading = decoded.partition("\n")[0]
    reader = csv.reader(io.StringIO(decoded, newline=""), delimiter=max(",;\t", key=heading.count))
    columns: list[str] = []
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            done = "Left out: this row is not CSV; mend it at the source."
            problems.append(Problem(file.name, line, None, None, done))
            line = reader.line_num + 1
            continue
        if cells is None:
            return
        here, line = line, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if not columns:
            columns = [cell.strip() for cell in cells]
            continue
        if len(cells) > len(columns):
            done = "Left out: the cells beyond the last column; the rest of the row was kept."
            problems.append(Problem(file.name, here, None, str(len(cells)), done))
        yield Raw(kind, file.name, here, {c: v for c, v in zip(columns, cells, strict=False) if c and v.strip()})


def _tell_missing(folder: Path, problems: list[Problem]) -> None:
    package = folder / "datapackage.json"
    if not package.is_file():
        return
    try:
        listed = [str(resource["path"]) for resource in json.loads(package.read_bytes())["resources"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        done = "Passed over: the package's description cannot be read; the CSV files were."
        problems.append(Problem(package.name, None, "resources", None, done))
        return
    for name in listed:
        # The upstream description lists every file of HSDS; a publisher has only some of them.
        if name in ("organizations.csv", "services.csv") and not (folder / name).is_file():
            done = "Passed over: the package names this file and does not hold it."
            problems.append(Problem(package.name, None, "path", name, done))


def _hang_children(tables: Tables, problems: list[Problem]) -> None:
    """Put each child row into the rows that it belongs to."""
    by_id = {name: {key: raw for raw in rows if (key := raw.text("id"))} for name, rows in tables.items()}
    for raw in tables["taxonomy_terms"]:
        _look_up(raw, "taxonomy_id", "taxonomy_detail", by_id.get("taxonomies", {}))
    for raw in tables["attributes"]:
        _look_up(raw, "taxonomy_term_id", "taxonomy_term", by_id.get("taxonomy_terms", {}))
    for raw in tables["service_capacity"]:
        _look_up(raw, "unit_id", "unit", by_id.get("units", {}))
    for raw in tables["services"]:
        _look_up(raw, "program_id", "program", by_id.get("programs", {}))
    for name, (field, owners) in CHILDREN.items():
        for raw in tables[name]:
            _hang(raw, dict.fromkeys(owners, field), by_id, problems)
    for raw in tables["url"]:
        _hang(raw, URL_FIELDS, by_id, problems)
    for name, link, entity in (("attributes", "link_id", "link_entity"), ("metadata", "resource_id", "resource_type")):
        for raw in tables[name]:
            _hang_anywhere(raw, name, link, entity, by_id, problems)


def _look_up(raw: Raw, link: str, field: str, rows: dict[str, Raw]) -> None:
    found = rows.get(raw.text(link) or "")
    if found is not None:
        raw.values[field] = found


def _hang(raw: Raw, fields: dict[str, str], by_id: dict[str, dict[str, Raw]], problems: list[Problem]) -> None:
    hung = False
    for link, table in ALL_OWNERS.items():
        owner = by_id.get(table, {}).get(raw.text(link) or "") if table in fields else None
        if owner is not None:
            owner.values.setdefault(fields[table], []).append(raw)
            hung = True
    if not hung:
        links = [raw.text(link) for link, table in ALL_OWNERS.items() if table in fields]
        found = next((link for link in links if link), None)
        problems.append(raw.problem(None, found, "Left out: it names nothing among the files that it could belong to."))


def _hang_anywhere(
    raw: Raw, field: str, link: str, entity: str, by_id: dict[str, dict[str, Raw]], problems: list[Problem]
) -> None:
    """Hang a row that names its owner by id and maybe by the owner's kind."""
    key, named = raw.text(link) or "", (raw.text(entity) or "").lower()
    table = ALIASES.get(named, named)
    for name in [table] if table in by_id else list(by_id):
        owner = by_id[name].get(key)
        if owner is not None and owner is not raw:
            owner.values.setdefault(field, []).append(raw)
            return
    problems.append(raw.problem(link, key, "Left out: it names nothing among the files that it could belong to."))
