"""Search: what is found by which words, what is said about it, and what is refused."""

import pytest
from sqlalchemy.orm import Session

from directory.errors import BadQuery
from directory.geography import Point
from directory.search import Page, Query, search
from tests.directory.conftest import NOW, Import


def find(session: Session, **wanted: object) -> Page:
    return search(session, Query(**({"now": NOW} | wanted)))  # type: ignore[arg-type]


def test_words_are_found_in_both_languages_without_accents_and_in_the_plural(load: Import, session: Session) -> None:
    load("hsds_csv")

    for text in ("pantry", "Pantries", "despensa", "groceries", "COMIDA", "kítchen"):
        assert [hit.service for hit in find(session, text=text).hits] == ["Food pantry"], text
    assert find(session, text="food eviction").hits == ()


def test_a_name_that_says_the_word_ranks_before_a_text_that_does(load: Import, session: Session) -> None:
    load("hsds_csv")
    load("linksf")

    page = find(session, text="pantry")

    assert [hit.service for hit in page.hits][0] in ("Bay Pantry", "Food pantry")
    assert page.hits[0].reasons[0] == "Its name says “pantry”."


def test_a_service_that_is_not_active_is_never_offered(load: Import, session: Session) -> None:
    load("hsds_csv")

    assert "Supper club" not in {hit.service for hit in find(session).hits}


def test_where_a_need_finds_nothing_related_services_are_shown_and_it_is_said(load: Import, session: Session) -> None:
    load("hsds_csv")

    page = find(session, need="meals", zip_code="62701")

    assert [hit.service for hit in page.hits] == ["Food pantry"]
    assert page.notes == ("Nothing is listed here for prepared meals: these services answer related needs.",)


def test_a_directory_without_zip_codes_is_searched_around_the_centre_of_the_zip(load: Import, session: Session) -> None:
    load("linksf")

    page = find(session, need="food-insecurity", zip_code="94103")

    assert [hit.organization for hit in page.hits] == ["Bay Pantry"]
    assert page.hits[0].distance_km is not None
    assert page.hits[0].distance_km < 5


def test_a_distance_to_the_middle_of_a_zip_code_is_said_to_be_about_right(load: Import, session: Session) -> None:
    load("hsds_csv")

    page = find(session, need="legal-aid", point=Point(39.80, -89.65))

    assert [hit.service for hit in page.hits] == []
    page = find(session, text="eviction", point=Point(39.80, -89.65))
    assert any(reason.startswith("It is about ") for reason in page.hits[0].reasons)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"zip_code": "00000"}, "There is no such ZIP code"),
        ({"zip_code": "abcde"}, "There is no such ZIP code"),
        ({"point": Point(91, 0)}, "A place is a latitude"),
        ({"need": "yachts"}, "There is no such need; give one of"),
        ({"radius_km": 0}, "The radius must be more than 0"),
        ({"radius_km": float("nan")}, "The radius must be more than 0"),
        ({"limit": 0}, "A page has between 1 and 200 hits."),
        ({"text": "the and of"}, "The words searched for say nothing"),
        ({"after": "rubbish"}, "This page cannot be continued"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_remedy(
    session: Session, wanted: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BadQuery, match=sentence):
        find(session, **wanted)
