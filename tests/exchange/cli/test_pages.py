"""The pages of docs/ say what the tables say, row by row."""

import pytest
from click.testing import CliRunner

from exchange.cli import pages as made
from exchange.domain.permissions import Permission
from exchange.domain.referral import TRANSITIONS, WANTS_REASON, Rule
from fhir_mapping.case_data.referral import Clock, Stage
from fhir_mapping.resource_types import RESOURCE_TYPES
from fhir_mapping.search_parameters import parameters_of


@pytest.mark.parametrize("rule", TRANSITIONS, ids=lambda rule: f"{rule.start}-{rule.verb}")
def test_every_move_stands_in_the_table_with_who_may(rule: Rule) -> None:
    wants = "yes" if rule.verb in WANTS_REASON else " "
    row = f"| {rule.start} | `{rule.verb}` | {rule.end} | {', '.join(sorted(rule.who))} | {wants} |"

    assert row in made.state_machine()


def test_every_clock_and_every_stage_is_explained() -> None:
    page = made.state_machine()

    assert [name for name in (*Clock, *Stage) if f"| `{name.value}` |" not in page] == []


def test_every_parameter_of_every_type_stands_at_its_type() -> None:
    sections = {part.partition("\n")[0]: part for part in made.fhir_door().split("\n## ")[1:]}

    assert list(sections) == list(RESOURCE_TYPES)
    for name, section in sections.items():
        assert [code for code in parameters_of(name) if f"| `{code}` |" not in section] == []


def test_every_permission_has_a_row() -> None:
    page = made.permissions()

    assert [one for one in Permission if f"| {one.value} |" not in page] == []


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert made.table(("A",), [("x | y",)]).splitlines()[-1] == r"| x \| y |"


def test_a_stale_page_is_named_and_left_alone(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(made, "ROOT", tmp_path)
    CliRunner().invoke(made.pages)
    stale = tmp_path / "docs" / "permissions.md"
    stale.write_text("old", encoding="utf-8")

    done = CliRunner().invoke(made.pages, ["--check"])

    assert done.exit_code == 1
    assert done.stderr == "docs/permissions.md is stale: run `python3 run.py exchange pages` and commit it.\n"
    assert stale.read_text(encoding="utf-8") == "old"
