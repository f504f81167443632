"""The shared corpus of bad input, read where it stands; nothing of it is copied into the project."""

import json
import random
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

FOLDER: Final = Path(__file__).parents[4] / "shared" / "data" / "badinput"
ABSENT: Final = pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/badinput is not on this machine.")
SEED: Final = 20_261_124
T = TypeVar("T")
Line = dict[str, Any]


@cache
def index() -> tuple[Line, ...]:
    """Return the lines of INDEX.jsonl; `expect` and its like say what each file should come to."""
    return lines_of("INDEX.jsonl")


@cache
def lines_of(name: str) -> tuple[Line, ...]:
    """Return the lines of a JSONL file of the corpus."""
    return tuple(json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines())


def files(*sets: str) -> list[Line]:
    """Return the lines of the index that belong to these sets, each file once."""
    found = {line["file"]: line for line in reversed(index()) if line["set"] in sets}
    return list(reversed(found.values()))


def content(line: Line) -> bytes:
    """Return the bytes of a file of the index."""
    return (FOLDER / line["file"]).read_bytes()


def own(name: str) -> tuple[Line, ...]:
    """Return the lines of a file that was written for this project."""
    return lines_of(f"own/{name}.jsonl")


@cache
def strings() -> tuple[str, ...]:
    """Return every string of the lists, each once, in the order of the lists."""
    return tuple(dict.fromkeys(line["s"] for one in files("strings") for line in lines_of(one["file"])))


def some(values: Sequence[T], count: int, seed: int = SEED) -> list[T]:
    """Return so many of the values, always the same ones and in their order; all where there are no more."""
    if count >= len(values):
        return list(values)
    chosen = sorted(random.Random(seed).sample(range(len(values)), count))
    return [values[place] for place in chosen]


def label(names: Iterable[object]) -> str:
    """Return a short text of what was found wrong, for the sentence of a failed test."""
    listed = list(names)
    return f"{len(listed)} cases: {listed[:12]}"
