"""What operators and auditors read is true of the source: each test, file, command and metric it names is there."""

import ast
import re
from pathlib import Path
from typing import Final

import click
import pytest

from exchange.cli.main import COMMANDS, cli
from exchange.db.figures import Figures
from exchange.web.health.exposition import exposition
from exchange.web.measures import Measures
from tests.house_rules.source import ROOT

THREATS: Final = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
OPERATING: Final = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("runbook.md", "upgrading.md")}
TEST: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
FILE: Final = re.compile(r"`((?:exchange|fhir_mapping|directory)/[\w/]+\.py)`")
COMMAND: Final = re.compile(r"(?:`|^\$ )exchange ([a-z]+)(?: ([a-z]+))?", re.MULTILINE)
METRIC: Final = re.compile(r"`(exchange_[a-z_]+)")
#  the two that are being built apart from this page
ALL: Final = [f"T{number:02}" for number in range(1, 26)]


def rows() -> dict[str, list[str]]:
    """Return the cells of each threat of the table by its number."""
    lines = (re.split(r"\s*\|\s*", line)[1:-1] for line in THREATS.splitlines() if re.match(r"\| T\d\d \|", line))
    return {cells[0]: cells for cells in lines}


def functions_of(path: str) -> set[str]:
    """Return the names of the functions of a file, none when there is no such file."""
    if not (ROOT / path).is_file():
        return set()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_threat_of_the_reference_has_its_row() -> None:
    assert list(rows()) == ALL


@pytest.mark.parametrize("number", ALL)
def test_a_threat_names_its_defence_and_a_test_that_is_there_or_says_that_there_is_none(number: str) -> None:
    _number, threat, defence, where, proof = rows()[number]
    tests = TEST.findall(proof)

    assert threat
    assert defence
    assert FILE.findall(where)
    assert tests or proof.startswith("Not proved yet")
    assert [f"{path}::{name}" for path, name in tests if name not in functions_of(path)] == []


@pytest.mark.parametrize(
    "path", sorted({path for page in (THREATS, *OPERATING.values()) for path in FILE.findall(page)})
)
def test_a_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("page", OPERATING)
def test_a_command_that_is_named_is_there(page: str) -> None:
    context, missing = click.Context(cli), []
    for name, sub in COMMAND.findall(OPERATING[page]):
        command = cli.get_command(context, name) if name in COMMANDS else None
        known = command is not None and (not isinstance(command, click.Group) or not sub or sub in command.commands)
        if not known:
            missing.append(f"{name} {sub}".strip())

    assert missing == []


def test_a_metric_that_is_named_is_told() -> None:
    nothing = Figures({}, 0, {}, {}, 0.0, (1.0,), 0.0, {})
    measures = Measures()
    measures.count("/", "GET", 200, 0.1)

    told = exposition(measures, nothing, {"read": (1, 0)}).decode()

    named = set(METRIC.findall(OPERATING["runbook.md"]))
    assert len(named) >= 8
    assert [name for name in named if f"# HELP {name} " not in told and f"# HELP {name}" not in told] == []


def test_a_test_that_is_gone_is_seen() -> None:
    assert functions_of("tests/house_rules/gone.py") == set()
    assert "test_every_threat_of_the_reference_has_its_row" in functions_of(Path(__file__).relative_to(ROOT).as_posix())
