"""Records as JSON documents and back, driven by the fields of the dataclasses: one table, no code per record."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """One field of a record: its name, whether it must be there, and what it holds."""

    name: str
    is_required: bool
    is_list: bool
    child: type[Any] | None
    scalar: type[Any] | None


_SHAPES: dict[type[Any], tuple[Shape, ...]] = {}


def shapes(record_class: type[Any]) -> tuple[Shape, ...]:
    """Return the fields of a record class, in order; looked up once for each class."""
    if record_class not in _SHAPES:
        hints = get_type_hints(record_class)
        _SHAPES[record_class] = tuple(
            _shape(field.name, hints[field.name], field.default is MISSING and field.default_factory is MISSING)
            for field in fields(record_class)
        )
    return _SHAPES[record_class]


def _shape(name: str, hint: Any, is_required: bool) -> Shape:
    is_list = get_origin(hint) is tuple
    if is_list:
        hint = get_args(hint)[0]
    if isinstance(hint, UnionType):
        hint = next(part for part in get_args(hint) if part is not NoneType)
    is_child = hasattr(hint, "__dataclass_fields__")
    return Shape(name, is_required, is_list, hint if is_child else None, None if is_child else hint)


def to_json(record: Any) -> dict[str, Any]:
    """Return the record as a JSON object; what is not known is left out."""
    document: dict[str, Any] = {}
    for shape in shapes(type(record)):
        value = getattr(record, shape.name)
        if value is None or value == ():
            continue
        if shape.is_list:
            value = [to_json(item) for item in value]
        elif shape.child:
            value = to_json(value)
        document[shape.name] = value
    return document


def from_json(record_class: type[T], document: Mapping[str, Any]) -> T:
    """Return the record that `to_json` wrote. Only for our own documents: nothing is checked."""
    values: dict[str, Any] = {}
    for shape in shapes(record_class):
        if shape.name not in document:
            continue
        value = document[shape.name]
        child = shape.child
        if child and shape.is_list:
            value = tuple(from_json(child, item) for item in value)
        elif child:
            value = from_json(child, value)
        values[shape.name] = value
    return record_class(**values)


def content_hash(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the document's canonical JSON (sorted keys, no blanks), as 64 hex digits."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
