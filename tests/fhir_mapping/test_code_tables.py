"""The code tables agree with the models, and with the published terminology where it is at hand."""

import json
from pathlib import Path

import pytest

from fhir_mapping import systems
from fhir_mapping.codes.decline_reasons import DECLINE_REASONS
from fhir_mapping.codes.required_codes import REQUIRED_CODES
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from fhir_mapping.conformance import check
from fhir_mapping.resource_types import RESOURCE_TYPES
from fhir_mapping.rules.invariants import INVARIANTS
from fhir_mapping.rules.primitives import PRIMITIVES
from fhir_mapping.rules.profiles import PROFILES
from fhir_mapping.rules.structure import is_resource_type, structure_of

ROOT = Path(__file__).parents[2]
SDOHCC = Path(__file__).parents[3] / "shared" / "data" / "sdohcc"


def reachable() -> set[str]:
    """Return every type that a document of a type we keep can hold, backbone elements included."""
    seen: set[str] = set()
    waiting = list(RESOURCE_TYPES)
    while waiting:
        name = waiting.pop()
        structure = structure_of(name)
        if name in seen or structure is None:
            continue
        seen.add(name)
        waiting.extend(element.kind for element in structure.elements.values() if not element.primitive)
    return seen


def test_every_list_of_codes_belongs_to_an_element_of_type_code() -> None:
    for path in REQUIRED_CODES:
        type_name, _, name = path.partition(".")
        structure = structure_of(type_name)
        assert structure is not None, path
        assert structure.elements[name].kind == "code", path
        assert structure.elements[name].codes == REQUIRED_CODES[path]


def test_every_list_that_the_models_know_is_ours_too() -> None:
    from fhir.resources.R4B import get_fhir_model_class

    # Their lists are cut short where they end in "+" or "etc."; an extensible or larger binding is no list at all.
    compared = 0
    for type_name in reachable():
        for name, field in get_fhir_model_class(type_name).model_fields.items():
            facts = field.json_schema_extra
            theirs = facts.get("enum_values") if isinstance(facts, dict) else None
            if not isinstance(theirs, list) or {"+", "etc."} & set(theirs) or name.endswith("__ext"):
                continue
            ours = REQUIRED_CODES.get(f"{type_name}.{name}")
            assert ours is not None, f"{type_name}.{name} has codes {theirs}"
            assert set(ours) == set(theirs), f"{type_name}.{name}"
            compared += 1
    assert compared > 40


def test_every_primitive_type_we_can_meet_has_a_check() -> None:
    kinds = {
        element.kind
        for name in reachable()
        if (structure := structure_of(name))
        for element in structure.elements.values()
        if element.primitive
    }

    assert kinds <= PRIMITIVES.keys()


def test_every_rule_is_on_a_type_and_an_element_that_exist() -> None:
    for type_name, invariants in INVARIANTS.items():
        structure = structure_of(type_name)
        assert structure is not None, type_name
        for invariant in invariants:
            assert not invariant.element or invariant.element in structure.elements, invariant.key
            assert invariant.sentence.endswith(".")


def test_every_profile_rule_ends_in_a_remedy() -> None:
    for url, rules in PROFILES.items():
        assert rules, url
        for rule in rules:
            assert rule.sentence.endswith((".", ")"))


def test_every_profile_that_a_type_promises_is_known_or_needs_no_rule() -> None:
    promised = {profile for kind in RESOURCE_TYPES.values() for profile in kind.profiles}

    assert {systems.SDOHCC_TASK, systems.SDOHCC_SERVICE_REQUEST, systems.SDOHCC_CONSENT} <= promised & PROFILES.keys()


@pytest.mark.parametrize("name", ["Task", "Bundle", "OperationOutcome", "Parameters", "Patient"])
def test_resource_types_are_known(name: str) -> None:
    assert is_resource_type(name)


@pytest.mark.parametrize(
    "name", ["Resource", "DomainResource", "HumanName", "TaskInput", "Tusk", "", "task", "a b", "__init__"]
)
def test_other_names_are_no_resource_types(name: str) -> None:
    assert not is_resource_type(name)


def test_the_check_does_not_load_the_models_before_it_is_asked() -> None:
    import subprocess
    import sys

    code = "import sys, fhir_mapping.conformance, fhir_mapping.capability; print('fhir.resources' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert printed.strip() == "False"
    assert check({"resourceType": "Patient", "active": True}) == ()


@pytest.mark.skipif(not SDOHCC.is_dir(), reason="the published SDOHCC terminology is not here")
def test_the_categories_and_codes_are_those_of_the_published_terminology() -> None:
    folder = SDOHCC / "terminology"
    categories = json.loads((folder / "ValueSet-SDOHCC-ValueSetSDOHCategory.json").read_text())
    codes = json.loads((folder / "CodeSystem-SDOHCC-CodeSystemTemporaryCodes.json").read_text())
    published = {
        concept["code"]: concept["display"]
        for include in categories["compose"]["include"]
        if include["system"] == systems.SDOHCC_CODES
        for concept in include["concept"]
    }
    known = {concept["code"] for concept in codes["concept"]}

    assert published == SDOH_CATEGORIES
    assert {row.sdohcc for row in DECLINE_REASONS.values() if row.sdohcc} <= known


@pytest.mark.skipif(not SDOHCC.is_dir(), reason="the published SDOHCC profiles are not here")
def test_the_profiles_we_know_are_published_under_the_same_address() -> None:
    published = {
        json.loads(path.read_text())["url"] for path in (SDOHCC / "profiles").glob("StructureDefinition-*.json")
    }

    assert {url for url in PROFILES if url.startswith(systems.SDOHCC)} <= published
