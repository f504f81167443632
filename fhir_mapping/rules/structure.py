"""What elements a type has, read once from the R4B models of fhir.resources.

The models know names, cardinalities, choices and the types a reference may name; what they do not check (codes,
primitive texts, invariants) stands beside them in this folder. R4B (4.3.0) differs from R4 in none of the types we
keep, except that an extension may also hold a CodeableReference or a RatioRange.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from fhir_mapping.codes.required_codes import REQUIRED_CODES

# The models' names of primitive types, and FHIR's.
_PRIMITIVES: Final = {
    "Base64Binary": "base64Binary",
    "Boolean": "boolean",
    "Canonical": "canonical",
    "Code": "code",
    "Date": "date",
    "DateTime": "dateTime",
    "Decimal": "decimal",
    "EncodedBytes": "base64Binary",
    "Id": "id",
    "Instant": "instant",
    "Integer": "integer",
    "Markdown": "markdown",
    "Oid": "oid",
    "PositiveInt": "positiveInt",
    "String": "string",
    "Time": "time",
    "UnsignedInt": "unsignedInt",
    "Uri": "uri",
    "Url": "url",
    "Uuid": "uuid",
    "UuidVersion": "uuid",
    "Xhtml": "xhtml",
}
_ABSTRACT: Final = frozenset({"Resource", "DomainResource"})


@dataclass(frozen=True, slots=True)
class Element:
    """One element. `kind` is a primitive's FHIR name, a complex type's name, or `Resource`.

    `path` is its name in FHIRPath: `value` for `valueString`. `targets` are the types a Reference may name, empty for
    any; `codes` the codes of a required binding, empty for none.
    """

    name: str
    path: str
    kind: str
    primitive: bool
    many: bool
    targets: frozenset[str] = frozenset()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Structure:
    """A type's elements by JSON name, those it requires, and its choices: name, members, whether one must be made."""

    elements: dict[str, Element]
    required: tuple[str, ...]
    choices: tuple[tuple[str, tuple[str, ...], bool], ...]


BESIDE_A_PRIMITIVE: Final = Structure(
    {
        "id": Element("id", "id", "string", primitive=True, many=False),
        "extension": Element("extension", "extension", "Extension", primitive=False, many=True),
    },
    (),
    (),
)
"""What may stand in `_name` beside the primitive `name`."""


@cache
def structure_of(type_name: str) -> Structure | None:
    """Return the structure of a resource, data type or backbone element (`TaskInput`); None for an unknown name."""
    from fhir.resources.R4B import get_fhir_model_class  # half a second of models: loaded on first use only

    try:
        fields = get_fhir_model_class(type_name).model_fields
    except (ValueError, ImportError):
        return None
    elements: dict[str, Element] = {}
    required: list[str] = []
    choices: dict[str, list[str]] = defaultdict(list)
    needed: set[str] = set()
    for field_name, field in fields.items():
        facts = field.json_schema_extra or {}
        if field_name.endswith("__ext") or not isinstance(facts, dict) or not facts.get("element_property"):
            continue
        name = str(field.alias or field_name)
        choice = facts.get("one_of_many")
        elements[name] = _element(type_name, name, str(choice or name), field.annotation, facts)
        if choice:
            choices[str(choice)].append(name)
            needed |= {str(choice)} if facts.get("one_of_many_required") else set()
        elif facts.get("element_required") or field.is_required():
            required.append(name)
    grouped = tuple((group, tuple(names), group in needed) for group, names in choices.items())
    return Structure(elements, tuple(required), grouped)


def is_resource_type(name: str) -> bool:
    """Whether FHIR R4 has a resource type of this name."""
    from fhir.resources.R4B import get_fhir_model_class

    if name in _ABSTRACT or not name.isalnum():
        return False
    try:
        model = get_fhir_model_class(name)
    except (ValueError, ImportError):
        return False
    return "resource_type" in model.model_fields or any(base.__name__ == "Resource" for base in model.__mro__)


def _element(type_name: str, name: str, path: str, annotation: Any, facts: dict[str, Any]) -> Element:
    kind, many = _kind(annotation)
    primitive = kind in _PRIMITIVES
    targets = frozenset(facts.get("enum_reference_types") or ())
    return Element(
        name=name,
        path=path,
        kind=_PRIMITIVES.get(kind, kind),
        primitive=primitive,
        many=many,
        targets=frozenset() if "Resource" in targets else targets,
        codes=REQUIRED_CODES.get(f"{type_name}.{name}", ()),
    )


def _kind(annotation: Any) -> tuple[str, bool]:
    """Return the name of the type behind `Optional[List[Annotated[…]]]`, and whether it is a list."""
    many = False
    while True:
        origin = get_origin(annotation)
        if origin in (Union, UnionType):
            annotation = next(part for part in get_args(annotation) if part is not type(None))
        elif origin is list:
            annotation, many = get_args(annotation)[0], True
        elif origin is Annotated:
            return type(get_args(annotation)[1]).__name__, many
        elif annotation is bool:
            return "Boolean", many
        else:
            return annotation.__name__.removesuffix("Type"), many
