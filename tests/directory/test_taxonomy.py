"""Needs, words, languages and freshness: the small tables and their rules."""

from datetime import date

import pytest

from directory.freshness import freshness
from directory.languages import language_code, language_name
from directory.taxonomy import NEEDS, needs_of
from directory.words import fold, stem, synonyms, words


@pytest.mark.parametrize(
    ("terms", "name", "description", "codes"),
    [
        ((), "Food pantry", "", ["food", "food-pantry"]),
        (("food",), "Kitchen", "Groceries on Tuesday. A lawyer calls in.", ["food", "food-pantry"]),
        ((), "The Annex", "Groceries and a lawyer", ["food-pantry", "legal-aid"]),
        ((), "Despensa de alimentos", "", ["food", "food-pantry"]),
        (("rent-assistance",), "Help", "", ["rent-assistance"]),
        ((), "Pantryhouse", "", []),
    ],
)
def test_needs_are_recognised(terms: tuple[str, ...], name: str, description: str, codes: list[str]) -> None:
    assert [need.code for need in needs_of(terms, name, description)] == codes


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.code)
def test_every_need_is_recognised_by_its_own_code_and_by_each_of_its_words(need: object) -> None:
    assert need in needs_of([need.code], "", "")  # type: ignore[attr-defined]
    for phrase in need.words:  # type: ignore[attr-defined]
        assert phrase == fold(phrase)
        assert need in needs_of([], phrase.upper(), "")


def test_codes_are_unique_and_fit_the_side_table() -> None:
    codes = [need.code for need in NEEDS]
    assert len(codes) == len(set(codes))
    assert max(len(f"domain:{need.domain}") for need in NEEDS) <= 80


def test_words_are_folded_single_and_telling() -> None:
    assert words("The Niños' FOOD pantries, and the food bank") == ("nino", "food", "pantry", "bank")
    assert max(map(len, words("x" * 500))) == 40
    assert stem("classes") == "class"
    assert stem("bus") == "bus"


def test_synonyms_hold_in_both_directions() -> None:
    assert "comida" in synonyms("food")
    assert "food" in synonyms("comida")
    assert synonyms("zebra") == ("zebra",)


@pytest.mark.parametrize("said", ["es", "spa", "Spanish", "español", "es-MX", "SPANISH"])
def test_a_language_is_known_by_any_of_its_names(said: str) -> None:
    assert language_code(said) == "es"


def test_an_unknown_language_is_kept() -> None:
    assert language_code("Klingon") == "klingon"
    assert language_name("klingon") == "klingon"


@pytest.mark.parametrize(
    ("verified", "sentence"),
    [
        (None, "It is not known when this entry was last checked."),
        ("soon", "It is not known when this entry was last checked."),
        ("2026-11-23", "This entry was checked today."),
        ("2026-11-22T10:00:00Z", "This entry was checked 1 day ago."),
        ("2026-11-01", "This entry was checked 22 days ago."),
        ("2024-01-01", "This entry was last checked 2 years ago: call before you send."),
        ("2025-10-01", "This entry was last checked 1 year ago: call before you send."),
    ],
)
def test_freshness_is_a_sentence(verified: str | None, sentence: str) -> None:
    assert freshness(verified, date(2026, 11, 23)) == sentence
