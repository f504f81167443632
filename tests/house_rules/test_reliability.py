"""docs/reliability.md is made from the marks on the tests: fresh, each name once, no figure without its test."""

import json
from collections import Counter

from tests.reliability import FIGURES, PAGE, invariants, page


def test_the_page_of_invariants_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "Run `python3 -m tests.reliability` to make it again."


def test_an_invariant_has_one_name_and_a_sentence() -> None:
    found = invariants()

    assert [name for name, times in Counter(one.name for one in found).items() if times > 1] == []
    assert [one.name for one in found if not one.sentence.endswith(".")] == []


def test_a_figure_belongs_to_an_invariant() -> None:
    kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}

    assert set(kept) - {one.name for one in invariants()} == set()
