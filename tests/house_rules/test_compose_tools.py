"""Tools of others judge `docker-compose.yml` and `Dockerfile`: the Compose schema, and hadolint.

Both come with `requirements/e2e.lock`. No container is started here, nor was one ever.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.house_rules.source import ROOT

HADOLINT: Final = Path(sys.executable).with_name("hadolint")
COMPOSE_SCHEMA: Final = ("-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")
pytestmark = pytest.mark.e2e
needs_schema = pytest.mark.skipif(
    importlib.util.find_spec("check_jsonschema") is None, reason="It needs check-jsonschema of requirements/e2e.lock."
)
needs_hadolint = pytest.mark.skipif(not HADOLINT.exists(), reason="It needs hadolint of requirements/e2e.lock.")


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)


@needs_schema
def test_the_compose_file_is_valid_by_the_compose_schema() -> None:
    judged = run(sys.executable, *COMPOSE_SCHEMA, "docker-compose.yml")

    assert (judged.returncode, judged.stdout) == (0, "ok -- validation done\n")


@needs_schema
def test_a_compose_file_with_a_word_that_there_is_not_is_refused(tmp_path: Path) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    (tmp_path / "compose.yml").write_text(text.replace("    healthcheck:", "    healthchek:", 1), encoding="utf-8")

    judged = run(sys.executable, *COMPOSE_SCHEMA, str(tmp_path / "compose.yml"))

    assert judged.returncode == 1
    assert "healthchek" in judged.stdout


@needs_hadolint
def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    judged = run(str(HADOLINT), "--failure-threshold", "info", "Dockerfile")

    assert (judged.returncode, judged.stdout) == (0, "")


@needs_hadolint
def test_hadolint_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN sudo apt-get install -y git\n", encoding="utf-8")

    judged = run(str(HADOLINT), str(tmp_path / "Dockerfile"))

    assert judged.returncode == 1
    assert {"DL3006", "DL3004"} <= {word for word in judged.stdout.split() if word.startswith("DL")}
