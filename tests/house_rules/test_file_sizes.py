"""A file is one thing a reader can hold in the eye (STYLE §3): most stay under 300 lines, none grows above 400."""

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.house_rules.source import PACKAGES, ROOT, python_files, tree_of

MOST_LINES: Final = 400
MOST_LINES_OF_A_FUNCTION: Final = 80
WRITTEN_ONCE: Final = "versions"  # a migration is never edited, so it is as long as the tables it makes


def is_migration(path: Path) -> bool:
    """Return whether a file is one step of the history of the tables."""
    return path.parent.name == WRITTEN_ONCE


@pytest.mark.parametrize("path", python_files(*PACKAGES, "tests", "run.py"), ids=str)
def test_a_file_can_be_held_in_the_eye(path: Path) -> None:
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())

    assert is_migration(path) or lines <= MOST_LINES, f"{path} has {lines} lines: split it by subject."


@pytest.mark.parametrize("path", [path for path in python_files(*PACKAGES) if not is_migration(path)], ids=str)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    functions = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    long = [
        node.name for node in functions if (node.end_lineno or node.lineno) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]

    assert long == []
