"""An invitation: opened as often as a scanner likes, used once."""

from collections.abc import Callable
from typing import Any

import pytest

from exchange.actions.people.invite_user import invite_user
from exchange.db.outbox import messages
from exchange.domain.actor import Role
from tests.exchange.web.portal.conftest import OPERATOR, PASSWORD, Browser, words


def test_the_page_says_into_what_one_is_invited_and_why_the_password_is_long(invited: Any, browser: Browser) -> None:
    page = words(browser.get(invited()))

    assert "You join Pantry as new@pantry.invalid." in page
    assert "Fifteen characters or more" in page


def test_choosing_a_password_signs_in(invited: Any, browser: Browser) -> None:
    here = invited()
    browser.get(here)

    response = browser.post(here, name="Noor Haddad", password=PASSWORD)

    assert response.status_code == 303
    assert "Noor Haddad" in words(browser.get("/"))
    assert browser.sign_in("new@pantry.invalid").status_code == 303


def test_opening_uses_nothing_up_and_choosing_does(invited: Any, browser: Browser) -> None:
    here = invited()
    for _ in range(3):
        assert browser.get(here).status_code == 200
    browser.post(here, name="Noor Haddad", password=PASSWORD)

    again = browser.get(here)

    assert again.status_code == 404
    assert "ask your administrator for a new one" in words(again)


def test_it_lives_seven_days(house: Any, invited: Any, browser: Browser) -> None:
    here = invited()

    house.clock.forward(days=7)

    assert browser.get(here).status_code == 404


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("fourteen chars", "Choose a password of 15 characters or more"),
        ("password password", "among the first that somebody would try"),
        ("Password123456789", "among the first that somebody would try"),
        ("aaaaaaaaaaaaaaaaaaa", "among the first that somebody would try"),
        ("new@pantry.invalid", "among the first that somebody would try"),
        ("x" * 300, "at most 256 characters"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(
    password: str, sentence: str, invited: Any, browser: Browser
) -> None:
    here = invited()
    browser.get(here)

    response = browser.post(here, name="Noor", password=password)

    assert response.status_code == 422
    assert sentence in words(response)
    assert browser.get(here).status_code == 200


@pytest.mark.parametrize("password", ["seven quiet otters", "日本語のとても長い合言葉です三つ", "Fünf Äpfel im Öl"])
def test_words_of_any_language_are_welcome(password: str, invited: Any, browser: Browser) -> None:
    here = invited()
    browser.get(here)

    assert browser.post(here, name="Noor", password=password).status_code == 303
    assert browser.sign_in("new@pantry.invalid", password).status_code == 303


def test_a_new_password_ends_every_older_session(app: Any, invited: Any, browser: Browser) -> None:
    here = invited()
    browser.get(here)
    browser.post(here, name="Noor", password=PASSWORD)
    newer = Browser(app)
    again = invited()
    newer.get(again)

    newer.post(again, name="Noor", password="eight louder otters")

    assert browser.get("/").status_code == 303
    assert newer.get("/").status_code == 200


def test_an_administrator_invites_by_mail_and_never_sees_the_link(house: Any, signed_in: Any) -> None:
    browser = signed_in("pantry", Role.ADMINISTRATOR)
    browser.get("/people")

    response = browser.follow(browser.post("/people", name="New", email="new@pantry.invalid", role="case_worker"))

    assert "The invitation is on its way." in words(response)
    assert "new@pantry.invalid" in words(response)
    assert "/invitation/" not in response.get_data(as_text=True)
    with house.database.read() as session:
        told = [(one.kind, one.destination) for one in messages(session)]
    assert told == [("user.invited", "new@pantry.invalid")]


def test_an_address_of_another_organisation_is_refused(enrol: Any, signed_in: Any) -> None:
    theirs = enrol("hospital")
    browser = signed_in("pantry", Role.ADMINISTRATOR)
    browser.get("/people")

    response = browser.post("/people", email=theirs, role="administrator", name="")

    assert response.status_code == 422
    assert "already belongs to an account" in words(response)


@pytest.mark.parametrize("email", ["", "nobody", "a b@c.invalid", "a@b@c.invalid", "x@y.invalid\nBcc: z@y.invalid"])
def test_what_is_no_address_is_refused(email: str, signed_in: Any) -> None:
    browser = signed_in("pantry", Role.ADMINISTRATOR)
    browser.get("/people")

    assert browser.post("/people", email=email, role="case_worker", name="").status_code == 422


def test_a_case_worker_invites_nobody(signed_in: Any) -> None:
    browser = signed_in("pantry")
    browser.get("/")

    assert browser.get("/people").status_code == 403
    assert browser.post("/people", email="a@b.invalid", role="administrator").status_code == 403


@pytest.fixture
def invited(house: Any) -> Callable[[], str]:
    def one() -> str:
        with house.database.write() as session:
            made = invite_user(session, OPERATOR, house.ids["pantry"], "New@Pantry.invalid", Role.CASE_WORKER, "New")
        return f"/invitation/{made.link_token}"

    return one
