"""The hash-locked lists hold what their `.in` files ask for, each list all of the one before, and no index address."""

import re
import tomllib
from typing import Final, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house_rules.source import ROOT

LISTS: Final = ("run", "postgres", "test", "e2e")  # the order of `run.py`
PINNED: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)(?P<marker> *;[^\\]*)?", re.MULTILINE
)


class Pin(NamedTuple):
    """One locked package: its version and how many hashes stand beside it."""

    version: str
    hashes: int


def pins(name: str) -> dict[str, Pin]:
    """Return the packages of a locked list by canonical name."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    starts = list(PINNED.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return {
        canonicalize_name(start["name"]): Pin(start["version"], text.count("--hash=sha256:", start.start(), end))
        for start, end in zip(starts, ends, strict=True)
    }


def asked(name: str) -> list[Requirement]:
    """Return what a `.in` file asks for, what it takes over from another one included."""
    found: list[Requirement] = []
    for line in (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            found += asked(line.removeprefix("-r ").strip().removesuffix(".in"))
        elif line:
            found.append(Requirement(line))
    return found


@pytest.mark.parametrize("name", LISTS)
def test_a_list_holds_what_was_asked_for(name: str) -> None:
    locked = pins(name)

    missing = [
        str(wanted)
        for wanted in asked(name)
        if canonicalize_name(wanted.name) not in locked
        or locked[canonicalize_name(wanted.name)].version not in wanted.specifier
    ]

    assert missing == []


@pytest.mark.parametrize("name", LISTS)
def test_every_package_of_a_list_is_hashed(name: str) -> None:
    assert [package for package, pin in pins(name).items() if not pin.hashes] == []


@pytest.mark.parametrize("name", LISTS)
def test_a_list_names_no_index_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")

    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize(("smaller", "larger"), list(zip(LISTS, LISTS[1:], strict=False)))
def test_a_list_holds_all_of_the_list_before_it_in_the_same_versions(smaller: str, larger: str) -> None:
    larger_pins = pins(larger)

    differing = [
        name for name, pin in pins(smaller).items() if larger_pins.get(name, Pin("", 0)).version != pin.version
    ]

    assert differing == []


def test_the_project_declares_what_the_run_list_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    postgres = {str(wanted) for wanted in asked("postgres")} - {str(wanted) for wanted in asked("run")}

    assert {str(Requirement(line)) for line in project["dependencies"]} == {str(wanted) for wanted in asked("run")}
    assert {str(Requirement(line)) for line in project["optional-dependencies"]["postgres"]} == postgres


def test_the_demo_installs_no_test_tools() -> None:
    assert {"pytest", "hypothesis", "ruff", "mypy", "playwright", "fhirclient"} & set(pins("run")) == set()
