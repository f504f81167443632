"""Lines of the collection of bad input, which lies beside the project and is never copied into it."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

FOLDER: Final = Path(__file__).parents[4] / "shared" / "data" / "badinput" / "own"


def lines_of(name: str) -> list[dict[str, Any]]:
    """Return the lines of a file, or skip the test where the collection is not there."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"The collection of bad input is not beside the project: {name}.")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
