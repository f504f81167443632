"""Pages that are made from tables are fresh: whoever changes a table makes its page again."""

import subprocess
import sys

import pytest

from tests.house_rules.source import ROOT

GENERATED = ("docs/state-machine.md",)


@pytest.mark.skipif(not (ROOT / "exchange/cli/pages.py").is_file(), reason="exchange/cli/pages.py is not there yet.")
def test_generated_pages_are_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "exchange.cli.pages", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert checked.returncode == 0, (
        f"{checked.stdout}{checked.stderr}\nRun `python3 run.py exchange pages` to make them again."
    )
    assert [page for page in GENERATED if not (ROOT / page).is_file()] == []
