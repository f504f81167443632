"""The invariants of the house: each is a mark on the test that holds it; docs/reliability.md is made from the marks.

    @pytest.mark.invariant("one-accept-wins", "Of agencies that accept at once, exactly one wins.")
    @pytest.mark.parametrize("rounds", sizes(20, 2_000))
    def test_…(rounds, reached): …; reached(rounds=rounds, winners=rounds)

`sizes` gives the small count of the default run and the full one of `-m long`. `reached` notes what a run came to; with
EXCHANGE_FIGURES naming a file (docs/reliability.json) it is kept there, per database, with date and commit.
`python3 -m tests.reliability` makes the page anew; `tests/house_rules/test_reliability.py` keeps it fresh and whole.
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs/reliability.md"
FIGURES: Final = ROOT / "docs/reliability.json"
DATABASES: Final = ("sqlite", "postgresql")
Reached = Callable[..., None]


def sizes(small: int, full: int) -> list[Any]:
    """Return the counts of a test: the small one for the default run, the full one under `-m long`."""
    return [small, pytest.param(full, marks=pytest.mark.long)]


def database_name() -> str:
    """Return on which database this run of the tests is."""
    return "postgresql" if os.environ.get("TEST_DATABASE_URL") else "sqlite"


def keep(invariant: str, size: str, figures: dict[str, object], path: Path) -> None:
    """Put what a run came to into the file of figures, over what stood there for this database and size."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    said = {"on": datetime.now(UTC).date().isoformat(), "commit": commit.stdout.strip(), **figures}
    kept.setdefault(invariant, {}).setdefault(database_name(), {})[size] = said
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Invariant:
    """A mark as it stands in the source: what must hold, the test that holds it, its counts."""

    name: str
    sentence: str
    test: str
    small: str
    full: str


def invariants(folder: Path = ROOT / "tests") -> list[Invariant]:
    """Return every mark below a folder, read from the source."""
    return [one for path in sorted(folder.rglob("test_*.py")) for one in _marks(path)]


def _marks(path: Path) -> Iterator[Invariant]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for mark in getattr(node, "decorator_list", ()) if isinstance(node, ast.FunctionDef | ast.ClassDef) else ():
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.invariant":
                name, sentence = (ast.literal_eval(argument) for argument in mark.args)
                small, full = _counts(node)
                yield Invariant(name, sentence, f"{path.relative_to(ROOT).as_posix()}::{node.name}", small, full)


def _counts(node: Any) -> tuple[str, str]:
    """Return the small and the full count of a test. One marked `long` has no small one, one without sizes is whole."""
    for mark in node.decorator_list:
        for call in ast.walk(mark):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "sizes":
                small, full = (ast.literal_eval(argument) for argument in call.args)
                return f"{small:,}", f"{full:,}"
    marks = {ast.unparse(mark) for mark in node.decorator_list}
    return ("", "whole") if marks & {"pytest.mark.long", "pytest.mark.e2e"} else ("whole", "whole")


def page() -> str:
    """Return docs/reliability.md."""
    kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    rows = "\n".join(_row(one, kept.get(one.name, {})) for one in sorted(invariants(), key=lambda one: one.name))
    return f"""<!-- Made by `python3 -m tests.reliability` from the marks on the tests and docs/reliability.json. -->

# What must hold, and what shows it

Each line is an invariant, the test that holds it, how much of it the default run and the full run (`-m long`, and
`-m e2e` for the browser) do, and what the last full run came to on each database. A figure is what a test counted, not
what was hoped for; an empty cell was not measured there. Tests that need no database stand under SQLite only.

```
EXCHANGE_FIGURES=docs/reliability.json python3 run.py test -m "long or not long" -k "…"    notes the figures
python3 -m tests.reliability                                                               makes this page
```

| Invariant | Test | Default | Full | SQLite | PostgreSQL |
| --- | --- | --- | --- | --- | --- |
{rows}
"""


def _row(one: Invariant, kept: dict[str, Any]) -> str:
    path, _, name = one.test.partition("::")
    test = f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"
    cells = [_cell(kept.get(database, {})) for database in DATABASES]
    return f"| **{one.name}** {one.sentence} | {test} | {one.small} | {one.full} | {' | '.join(cells)} |"


def _cell(by_size: dict[str, Any]) -> str:
    """Return the figures of the largest run that was kept."""
    if not by_size:
        return " "
    said = dict(by_size[max(by_size, key=lambda size: int(size) if size.isdigit() else 0)])
    when = f"{said.pop('on')}, {said.pop('commit')}"
    numbers = [f"{name.replace('_', ' ')} {value:,}" if isinstance(value, int) else f"{name.replace('_', ' ')} {value}"
               for name, value in said.items()]  # fmt: skip
    return f"{', '.join(numbers)} ({when})"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(invariants())} invariants.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
