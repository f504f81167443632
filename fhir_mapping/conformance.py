"""Whether a document is FHIR R4 that we can keep: one function, `check`.

What is asked stands as data in `rules/`: the structure (read from the R4B models), the primitive types, the codes, the
invariants and the profiles. The function never changes the document and never raises; a compiled checker could take its
place. No sentence repeats a value of the document: it could be a name or a date of birth.
"""

from typing import Any, Final

from fhir_mapping.mapped import Issue
from fhir_mapping.rules.contained import contained_issues
from fhir_mapping.rules.invariants import INVARIANTS
from fhir_mapping.rules.primitives import PRIMITIVES
from fhir_mapping.rules.profiles import profile_issues
from fhir_mapping.rules.reference_rules import reference_issue
from fhir_mapping.rules.structure import BESIDE_A_PRIMITIVE, Element, Structure, is_resource_type, structure_of

MAX_ISSUES: Final = 100
"""After so many remarks the rest is left out; a sender repairs those first."""


def check(document: Any, *, expected_type: str | None = None) -> tuple[Issue, ...]:
    """Return what is wrong with the document, errors first; empty when all is well.

    Errors forbid the document: unknown or missing elements, wrong values, unknown codes of required bindings, broken
    invariants, unsafe narrative, and the profile's rules where `meta.profile` claims one. Warnings do not.
    """
    issues: list[Issue] = []
    type_name = document.get("resourceType") if isinstance(document, dict) else None
    if not isinstance(type_name, str) or not is_resource_type(type_name):
        return (Issue("error", "structure", "The document is no FHIR R4 resource; set resourceType.", "resourceType"),)
    if expected_type is not None and type_name != expected_type:
        sentence = f"The document is a {type_name}, but this address takes {expected_type}; send it there."
        return (Issue("error", "invalid", sentence, "resourceType"),)
    try:
        _check_resource(document, type_name, type_name, issues)
        if len(issues) < MAX_ISSUES:
            issues.extend(contained_issues(document, type_name))
        if not any(issue.severity == "error" for issue in issues):
            issues.extend(profile_issues(document))
    except RecursionError:
        issues.append(Issue("error", "too-long", "The document nests too deeply; flatten it.", type_name))
    issues.sort(key=lambda issue: issue.severity != "error")
    return tuple(issues[:MAX_ISSUES])


def _check_resource(document: dict[str, Any], type_name: str, path: str, issues: list[Issue]) -> None:
    structure = structure_of(type_name)
    if structure is None:
        issues.append(Issue("error", "structure", "The type of this resource is unknown; correct resourceType.", path))
        return
    _check_object(document, type_name, structure, path, issues)


def _check_object(value: dict[str, Any], type_name: str, structure: Structure, path: str, issues: list[Issue]) -> None:
    if not value or (value.keys() == {"id"} and structure is not BESIDE_A_PRIMITIVE):
        issues.append(Issue("error", "structure", "The element is empty; leave it out or fill it in.", path))
    before = len(issues)
    for name, child in value.items():
        element = structure.elements.get(name)
        if element is not None:
            _check_element(value, child, element, f"{path}.{element.path}", issues)
        elif name[:1] == "_" and (sibling := structure.elements.get(name[1:])) and sibling.primitive:
            _check_sibling(child, sibling, f"{path}.{sibling.path}", issues)
        elif name != "resourceType":
            sentence = f"{type_name} has no element of this name; remove it or use an extension."
            issues.append(Issue("error", "structure", sentence, f"{path}.{name}" if name.isidentifier() else path))
            if len(issues) >= MAX_ISSUES:
                return
    for name in structure.required:
        if name not in value and f"_{name}" not in value:
            issues.append(Issue("error", "required", f"The element {name} is missing; add it.", f"{path}.{name}"))
    for group, names, needed in structure.choices:
        made = sum(name in value or f"_{name}" in value for name in names)
        if made > 1:
            sentence = f"The element {group} is given in more than one type; keep one."
            issues.append(Issue("error", "structure", sentence, f"{path}.{group}"))
        elif needed and not made:
            issues.append(Issue("error", "required", f"The element {group} is missing; add it.", f"{path}.{group}"))
    if len(issues) == before:  # an invariant is asked only of an element whose shape is right
        for invariant in INVARIANTS.get(type_name, ()):
            if not invariant.holds(value):
                where = f"{path}.{invariant.element}" if invariant.element else path
                issues.append(Issue(invariant.severity, "invariant", f"{invariant.sentence} ({invariant.key})", where))


def _check_element(parent: dict[str, Any], value: Any, element: Element, path: str, issues: list[Issue]) -> None:
    if len(issues) >= MAX_ISSUES:
        return
    if not element.many:
        if isinstance(value, list):
            issues.append(Issue("error", "structure", "The element occurs once; send it without an array.", path))
        else:
            _check_value(value, element, path, issues)
        return
    if not isinstance(value, list):
        issues.append(Issue("error", "structure", "The element can repeat; send it as an array.", path))
    elif not value:
        issues.append(Issue("error", "structure", "The array is empty; leave the element out.", path))
    else:
        siblings = parent.get(f"_{element.name}")
        for place, item in enumerate(value):
            if item is None and element.primitive and _is_extended(siblings, place):
                continue
            _check_value(item, element, f"{path}[{place}]", issues)


def _is_extended(siblings: Any, place: int) -> bool:
    """Whether the null in a primitive's array has its content in the array of extensions beside it."""
    return isinstance(siblings, list) and place < len(siblings) and isinstance(siblings[place], dict)


def _check_value(value: Any, element: Element, path: str, issues: list[Issue]) -> None:
    if value is None:
        issues.append(Issue("error", "structure", "The element is null; leave it out.", path))
    elif element.primitive:
        problem = PRIMITIVES[element.kind](value)
        if problem is not None:
            code = "security" if element.kind == "xhtml" else "value"
            issues.append(Issue("error", code, f"The element {problem}.", path))
        elif element.codes and value not in element.codes:
            sentence = f"The code is not one of those allowed here; use one of {', '.join(element.codes)}."
            issues.append(Issue("error", "code-invalid", sentence, path))
    elif not isinstance(value, dict):
        issues.append(Issue("error", "structure", "The element has parts of its own; send it as an object.", path))
    elif element.kind == "Resource":
        _check_inner(value, path, issues)
        if element.name != "contained":  # what is contained is asked about together with what contains it
            issues.extend(contained_issues(value, path))
    elif (structure := structure_of(element.kind)) is not None:
        _check_object(value, element.kind, structure, path, issues)
        if element.kind == "Reference" and (issue := reference_issue(value, element, path)):
            issues.append(issue)


def _check_inner(value: dict[str, Any], path: str, issues: list[Issue]) -> None:
    """Check a resource inside another: contained, in a Bundle, in Parameters."""
    type_name = value.get("resourceType")
    if isinstance(type_name, str) and is_resource_type(type_name):
        _check_resource(value, type_name, path, issues)
    else:
        issues.append(Issue("error", "structure", "The inner document is no FHIR R4 resource; set resourceType.", path))


def _check_sibling(value: Any, element: Element, path: str, issues: list[Issue]) -> None:
    """Check what stands beside a primitive: its id and extensions, one object or an array with nulls."""
    if element.many != isinstance(value, list) or value in (None, [], {}):
        sentence = "The extensions beside a primitive must have the shape of the primitive: one object, or an array."
        issues.append(Issue("error", "structure", sentence, path))
        return
    for item in value if isinstance(value, list) else [value]:
        if item is None:
            continue
        if not isinstance(item, dict):
            issues.append(Issue("error", "structure", "The extensions beside a primitive must be an object.", path))
        else:
            _check_object(item, "Element", BESIDE_A_PRIMITIVE, path, issues)
