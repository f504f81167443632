"""From a raw row or JSON object to a record, by the record's own fields; what does not fit is reported and left out."""

import re
from typing import Any, TypeVar

from directory.formats import values
from directory.formats.raw import Raw
from directory.record_json import Shape, shapes
from directory.records import Phone, Problem

T = TypeVar("T")

# Columns that say whose child a row is, or that hold another object: used elsewhere, never unknown.
LINKS = frozenset(
    {"organization_id", "service_id", "location_id", "contact_id", "phone_id", "service_at_location_id", "program_id"}
    | {"link_id", "link_entity", "taxonomy_term_id", "taxonomy_id", "unit_id", "resource_id", "resource_type"}
    | {"organization", "location", "locations", "service", "services", "taxonomy_term", "taxonomy_detail", "unit"}
)


def _noun(record_class: type[Any]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", record_class.__name__).lower()


class Builder:
    """Makes records and keeps what was wrong; an unknown column is told once per file, not once per row."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self._told: set[tuple[str, str, str]] = set()

    def build(self, record_class: type[T], raw: Raw, refused: str | None = None) -> T | None:
        """Return the record, or None where a required field is missing (reported; `refused` names its kind)."""
        filled: dict[str, Any] = {}
        known = shapes(record_class)
        for shape in known:
            value = self._children(shape, raw) if shape.child else self._scalar(shape, raw)
            if value is not None and value != ():
                filled[shape.name] = value
            elif shape.is_required:
                done = "Refused: " if refused else values.LEFT_OUT
                said = f"{done}this {_noun(record_class)} has no usable {shape.name}; add one at the source."
                self.problems.append(raw.problem(shape.name, raw.text(shape.name), said, refused))
                return None
        self._tell_unknown(raw, {shape.name for shape in known})
        if record_class is Phone:
            self._split_extension(raw, filled)
        return record_class(**filled)

    def _children(self, shape: Shape, raw: Raw) -> Any:
        child = shape.child
        assert child is not None
        wanted = raw.children(shape.name)
        value = raw.values.get(shape.name)
        given = len(value) if isinstance(value, list) else int(value is not None)
        if given > len(wanted) and value != "":
            self.problems.append(raw.problem(shape.name, value, values.LEFT_OUT + "it is not an HSDS object."))
        built = [record for item in wanted if (record := self.build(child, item)) is not None]
        return tuple(built) if shape.is_list else (built[0] if built else None)

    def _scalar(self, shape: Shape, raw: Raw) -> Any:
        value = raw.values.get(shape.name)
        if isinstance(value, Raw | list | dict):
            self.problems.append(raw.problem(shape.name, None, values.LEFT_OUT + "a single value belongs here."))
            return None
        given = raw.text(shape.name)
        if given is None or given.lower() in ("null", "n/a"):
            return None
        assert shape.scalar is not None
        read = values.BY_FIELD.get(shape.name) or values.BY_TYPE[shape.scalar]
        result, done = read(given)
        if done:
            self.problems.append(raw.problem(shape.name, given, done))
        return result

    def _split_extension(self, raw: Raw, filled: dict[str, Any]) -> None:
        number, extension = values.split_extension(filled["number"])
        if extension and number:
            done = "Repaired: the extension was taken out of the number."
            self.problems.append(raw.problem("number", filled["number"], done))
            filled["number"] = number
            filled.setdefault("extension", extension)

    def _tell_unknown(self, raw: Raw, known: set[str]) -> None:
        for name, value in raw.values.items():
            place = (raw.file, raw.kind, name)
            if name in known or name in LINKS or place in self._told or value in (None, "", []):
                continue
            self._told.add(place)
            shown = None if isinstance(value, Raw | list) else value
            done = "Left out: HSDS knows no such field here, in this row or in others of the file."
            self.problems.append(raw.problem(name, shown, done))
