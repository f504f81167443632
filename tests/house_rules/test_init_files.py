"""`__init__.py` holds a docstring and nothing else: no chain of re-exports, nothing that runs."""

import ast
from pathlib import Path

import pytest

from tests.house_rules.source import ROOT, python_files, tree_of

INIT_FILES = [path for path in python_files() if path.name == "__init__.py"]


@pytest.mark.parametrize("path", INIT_FILES, ids=str)
def test_an_init_file_is_a_docstring(path: Path) -> None:
    tree = tree_of(path)

    assert ast.get_docstring(tree), f"{path} should say in one line what the folder is for."
    assert len(tree.body) == 1, f"{path} should hold its docstring only."


def test_every_folder_of_source_has_an_init_file() -> None:
    folders = {path.parent for path in python_files() if "versions" not in path.parts}

    missing = sorted(str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file())

    assert missing == []
