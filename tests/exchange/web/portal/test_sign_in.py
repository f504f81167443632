"""Signing in: a new secret each time, wrong tries slowed down, sessions that end."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from exchange.actions.people.close_account import close_account
from exchange.app import create_app
from exchange.config import Config
from exchange.db.audit import audit_event
from exchange.db.person import sessions_of
from exchange.domain.actor import Role
from exchange.domain.errors import NotFound
from exchange.web.portal.viewer import safe_next
from tests.exchange.conftest import OPERATOR
from tests.exchange.web.portal.conftest import PASSWORD, Browser, words

WRONG = "not the password at all"


def cookie(browser: Browser) -> str:
    found = browser.client.get_cookie("exchange_session")
    return found.value if found else ""


def test_the_right_password_leads_to_the_inbox(browser: Browser, enrol: Any) -> None:
    response = browser.sign_in(enrol("pantry"))

    assert response.status_code == 303
    assert response.headers["Location"] == "/"
    assert "Inbox" in words(browser.get("/"))


def test_the_cookie_is_for_no_script_and_no_other_site(browser: Browser, enrol: Any) -> None:
    response = browser.sign_in(enrol("pantry"))

    sent = next(value for name, value in response.headers if name == "Set-Cookie" and "exchange_session" in value)
    assert "HttpOnly" in sent
    assert "SameSite=Lax" in sent
    assert "Expires" not in sent
    assert "Max-Age" not in sent
    assert len(cookie(browser)) >= 22  # 128 bits in base64


def test_over_https_the_cookie_is_secure(house: Any, enrol: Any) -> None:
    config = Config(database_url=str(house.database.url), base_url="https://exchange.invalid")
    browser = Browser(create_app(config, house.database, TESTING=True))
    browser.client.get("/sign-in", base_url="https://exchange.invalid")

    page = browser.client.get("/sign-in", base_url="https://exchange.invalid")
    token = browser._seen(page) and browser.token
    response = browser.client.post(
        "/sign-in",
        base_url="https://exchange.invalid",
        data={"csrf_token": token, "email": enrol("pantry"), "password": PASSWORD},
    )

    cookies = [value for name, value in response.headers if name == "Set-Cookie"]
    assert cookies
    assert all("Secure" in value for value in cookies if "=;" not in value)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(browser: Browser, enrol: Any) -> None:
    email = enrol("pantry")

    wrong = browser.sign_in(email, WRONG)
    unknown = browser.sign_in("nobody@nowhere.invalid", WRONG)

    assert wrong.status_code == unknown.status_code == 401
    assert words(wrong) == words(unknown)
    assert "The address or the password is wrong." in words(wrong)


def test_an_unknown_address_costs_a_hash_too(monkeypatch: pytest.MonkeyPatch, browser: Browser, enrol: Any) -> None:
    from exchange.actions.people import passwords

    enrol("pantry")
    judged: list[str] = []
    hasher = passwords._hasher()

    class Counting:
        def verify(self, known: str, given: str) -> bool:
            judged.append(known)
            return hasher.verify(known, given)

        def hash(self, password: str) -> str:
            return hasher.hash(password)

    monkeypatch.setattr(passwords, "_hasher", Counting)
    browser.sign_in("nobody@nowhere.invalid", WRONG)

    assert len(judged) == 1
    assert judged[0].startswith("$argon2id$")


def test_ten_wrong_tries_ask_for_patience_and_lock_nobody_for_ever(house: Any, browser: Browser, enrol: Any) -> None:
    email = enrol("pantry")
    for _ in range(10):
        assert browser.sign_in(email, WRONG).status_code == 401

    refused = browser.sign_in(email)
    seconds = int(refused.headers["Retry-After"])
    house.clock.forward(seconds=seconds)
    let_in = browser.sign_in(email)

    assert refused.status_code == 429
    assert "Nothing is locked" in words(refused)
    assert 0 < seconds <= 301
    assert let_in.status_code == 303


def test_a_right_password_forgets_the_wrong_ones_before_it(browser: Browser, enrol: Any) -> None:
    email = enrol("pantry")
    for _ in range(9):
        browser.sign_in(email, WRONG)
    browser.sign_in(email)
    for _ in range(9):
        browser.sign_in(email, WRONG)

    assert browser.sign_in(email).status_code == 303


def test_each_sign_in_has_a_new_secret_and_ends_the_one_before(browser: Browser, app: Any, enrol: Any) -> None:
    email = enrol("pantry")
    browser.sign_in(email)
    first = cookie(browser)
    browser.sign_in(email)
    thief = Browser(app)
    thief.client.set_cookie("exchange_session", first)

    assert cookie(browser) != first
    assert thief.get("/").status_code == 303
    assert browser.get("/").status_code == 200


def test_signing_out_ends_the_session_on_our_side(browser: Browser, app: Any, enrol: Any) -> None:
    browser.sign_in(enrol("pantry"))
    copy = Browser(app)
    copy.client.set_cookie("exchange_session", cookie(browser))
    browser.get("/")

    response = browser.post("/sign-out")

    assert response.status_code == 303
    assert cookie(browser) == ""
    assert copy.get("/").status_code == 303


def test_half_an_hour_of_rest_ends_a_session_and_use_keeps_it_alive(house: Any, browser: Browser, enrol: Any) -> None:
    browser.sign_in(enrol("pantry"))
    for _ in range(3):
        house.clock.forward(minutes=29)
        assert browser.get("/").status_code == 200

    house.clock.forward(minutes=30)

    assert browser.get("/").status_code == 303


def test_no_session_lives_longer_than_twelve_hours(house: Any, browser: Browser, enrol: Any) -> None:
    browser.sign_in(enrol("pantry"))
    started = house.clock()
    while house.clock() - started < timedelta(hours=11, minutes=50):
        house.clock.forward(minutes=20)
        if house.clock() - started < timedelta(hours=12):
            assert browser.get("/").status_code == 200

    house.clock.at = started + timedelta(hours=12)

    assert browser.get("/").status_code == 303


def test_a_closed_account_is_out_at_once_and_cannot_come_back(house: Any, browser: Browser, enrol: Any) -> None:
    email = enrol("pantry")
    browser.sign_in(email)
    with house.database.write() as session:
        user_id = close_account(session, OPERATOR, email.upper())

    assert browser.get("/").status_code == 303
    assert browser.sign_in(email).status_code == 401
    with house.database.read() as session:
        (row,) = session.execute(select(audit_event).where(audit_event.c.interaction == "close-account"))
        assert sessions_of(session, user_id) == []
    assert (row.document_id, row.organization_id) == (user_id, house.ids["pantry"])


@pytest.mark.parametrize("who", ["other", "hospital"])
def test_nobody_closes_the_account_of_another_organisation(house: Any, enrol: Any, who: str) -> None:
    email = enrol("pantry")
    administrator = house.person(who, Role.ADMINISTRATOR)

    with house.database.write() as session:
        with pytest.raises(NotFound) as refused:
            close_account(session, administrator, email)
        with pytest.raises(NotFound) as unknown:
            close_account(session, administrator, "nobody@example.invalid")

    assert refused.value.sentence == unknown.value.sentence


def test_one_comes_back_to_the_page_one_wanted(house: Any, browser: Browser, enrol: Any) -> None:
    here = f"/referrals/{house.send().referral.id}"

    asked = browser.get(here)
    browser.follow(asked)
    response = browser.post("/sign-in", email=enrol("pantry"), password=PASSWORD, next=here)

    assert asked.headers["Location"] == f"/sign-in?next={here}"
    assert response.headers["Location"] == here


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.invalid/",
        "//evil.invalid/",
        "/\\evil.invalid",
        "\\\\evil.invalid",
        "javascript:alert(1)",
        "/\tevil",
        "evil",
        "",
        "/sign-out",
        "///evil.invalid",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(target: str, browser: Browser, enrol: Any) -> None:
    browser.get("/sign-in")

    response = browser.post("/sign-in", email=enrol("pantry"), password=PASSWORD, next=target)

    assert safe_next(target) is None
    assert response.headers["Location"] == "/"


@pytest.mark.parametrize("fields", [{}, {"email": "a@b.invalid"}, {"email": "x" * 400, "password": "p"}])
def test_a_form_with_gaps_says_what_is_missing(fields: dict[str, str], browser: Browser) -> None:
    browser.get("/sign-in")

    response = browser.post("/sign-in", **fields)

    assert response.status_code == 422
    assert "Please check" in words(response)
