"""No file of the project names one person's machine, a package index or a secret."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.house_rules.source import ROOT, project_files

NEVER: Final = {
    "a folder of one machine": re.compile(r"(?<![\w./-])/(?:root|work/(?:main|shared)|Users/\w+|home/\w+)(?:/|\b)"),
    "a drive of one machine": re.compile(r"\b[A-Z]:\\Users\\", re.IGNORECASE),
    "a package index": re.compile(r"--(?:extra-)?index-url|files\.pythonhosted\.org|registry\.npmjs\.org|/simple/\b"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*[A-Za-z0-9+/]"),
    "a private JSON Web Key": re.compile(r'"d"\s*:\s*"[A-Za-z0-9_-]{40,}"'),
    "a cloud key": re.compile(r"\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[baprs]-[A-Za-z0-9-]{10,}"),
}
NOT_TEXT: Final = {".png", ".ico", ".woff", ".woff2", ".gz", ".zip", ".jpg", ".pdf", ".mo", ".db"}
#  this file holds the patterns and their examples
FILES: Final = [path for path in project_files() if path.suffix not in NOT_TEXT and path.name != Path(__file__).name]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_belongs_to_no_machine_and_keeps_no_secret(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8", errors="replace")

    found = [
        f"{path}:{number} names {what}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in NEVER.items()
        if pattern.search(line)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("data = '/" + "root/project/data'", "a folder of one machine"),
        ("see /home/anna/notes", "a folder of one machine"),
        ("cd /" + "work/main", "a folder of one machine"),
        (r"C:\Users\anna", "a drive of one machine"),
        ("--index-url https://mirror.example/simple", "a package index"),
        ("-----BEGIN PRIVATE KEY-----MIIEv", "a private key"),
        ('{"d": "' + "x" * 43 + '"}', "a private JSON Web Key"),
        ("AKIA" + "A" * 16, "a cloud key"),
    ],
)
def test_each_pattern_finds_its_example(line: str, what: str) -> None:
    assert NEVER[what].search(line)


@pytest.mark.parametrize(
    "line", ["exchange/work/relay.py", "tests/data/homestead", "var/demo/", "/workshop/", "/homepage"]
)
def test_a_path_of_the_project_is_left_alone(line: str) -> None:
    assert not any(pattern.search(line) for pattern in NEVER.values())
