"""Names say what a thing is (STYLE §1): no drawer for what nobody could name."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from tests.house_rules.source import PACKAGES, python_files, tree_of

NAMELESS: Final = re.compile(
    r"(^|_)(utils?|common|helpers?|core|managers?|misc|process(or)?|data)$|^base_|_base$|^services?$"
)
NOT_NAMELESS: Final = {"case_data"}
FHIR_ROOMS: Final = (("fhir_mapping",), ("exchange", "web", "fhir"))


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_files_and_folders_are_named_after_a_thing(path: Path) -> None:
    names = [*path.parts[:-1], path.stem]
    names = [name for name in names if name not in NOT_NAMELESS]
    #  one FHIR resource per file: `service` alone would be the layer, `healthcare_service` is a thing

    assert [name for name in names if NAMELESS.search(name)] == []


@pytest.mark.parametrize(
    "name", ["utils", "string_utils", "helpers", "core", "base_model", "services", "data", "manager"]
)
def test_a_drawer_is_seen(name: str) -> None:
    assert NAMELESS.search(name)


@pytest.mark.parametrize("name", ["base", "score", "healthcare_service", "service_request", "encore", "metadata"])
def test_a_thing_is_left_alone(name: str) -> None:
    assert not NAMELESS.search(name)


@pytest.mark.parametrize("path", python_files(*PACKAGES), ids=str)
def test_functions_of_ours_are_not_in_camel_case(path: Path) -> None:
    functions = [
        node.name for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert [name for name in functions if name != name.lower() and not name.startswith(("visit_", "do_"))] == []
