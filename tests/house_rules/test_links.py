"""Every page of the project that points to a file of the project points to one that is there."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.house_rules.source import ROOT, project_files

LINK: Final = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
PAGES: Final = [path for path in project_files() if path.suffix == ".md" and path.parts[0] != "tests"]


def broken_links(text: str, folder: Path) -> list[str]:
    """Return the relative links of a page, read from its folder, that lead nowhere."""
    return [target for target in LINK.findall(text) if not (folder / target).exists()]


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_the_links_of_a_page_lead_somewhere(path: Path) -> None:
    assert broken_links((ROOT / path).read_text(encoding="utf-8"), ROOT / path.parent) == []


def test_a_link_to_nowhere_is_seen() -> None:
    page = "[a](pyproject.toml) [b](gone.md#part) [c](https://a.example) [d](#here)"

    assert broken_links(page, ROOT) == ["gone.md"]


def test_decisions_are_numbered_once() -> None:
    numbers = [
        path.name[:4] for path in project_files() if path.parts[:2] == ("docs", "decisions") and path.name[0].isdigit()
    ]

    assert len(numbers) == len(set(numbers))
    assert all(number.isdigit() for number in numbers)
