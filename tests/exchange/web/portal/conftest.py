"""Browsers on the portal: a cookie jar, the token of the last page, and eyes that read text."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from exchange.actions.people.accept_invitation import accept_invitation
from exchange.actions.people.invite_user import invite_user
from exchange.app import create_app
from exchange.config import Config
from exchange.domain.actor import Actor, ActorKind, Role

PASSWORD = "seven quiet otters"
OPERATOR = Actor(ActorKind.OPERATOR, name="operator test")
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
TAGS = re.compile(r"<[^>]+>")


class Browser:
    """A person's browser: it sends the token of the page it saw last, as a form does."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.token = ""

    def get(self, address: str, **more: Any) -> TestResponse:
        return self._seen(self.client.get(address, headers={"Accept": "text/html"}, **more))

    def post(self, address: str, /, **fields: Any) -> TestResponse:
        return self._seen(self.client.post(address, data={"csrf_token": self.token, **fields}))

    def follow(self, response: TestResponse) -> TestResponse:
        """Go where a 303 leads."""
        assert response.status_code == 303, words(response)
        return self.get(response.headers["Location"])

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        self.get("/sign-in")
        return self.post("/sign-in", email=email, password=password, **more)

    def _seen(self, response: TestResponse) -> TestResponse:
        found = TOKEN.search(response.get_data(as_text=True)) if response.mimetype == "text/html" else None
        self.token = unescape(found[1]) if found else self.token
        return response


def words(response: TestResponse) -> str:
    """Return the text of a page as a person reads it."""
    page = response.get_data(as_text=True)
    return " ".join(unescape(TAGS.sub(" ", page)).split())


@pytest.fixture
def app(house: Any) -> Iterator[Flask]:
    made = create_app(Config(database_url=str(house.database.url)), house.database, TESTING=True)
    yield made
    made.extensions["exchange_audit"].stop()


@pytest.fixture
def enrol(house: Any) -> Callable[..., str]:
    """Give an organisation a person with a password, and return the e-mail address."""

    def one(label: str, role: Role = Role.CASE_WORKER) -> str:
        email = f"{role.value}@{label}.invalid"
        with house.database.write() as session:
            invited = invite_user(session, OPERATOR, house.ids[label], email, role, f"Rosa of {label}")
            accept_invitation(session, invited.link_token, PASSWORD, f"Rosa of {label}")
        return email

    return one


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def signed_in(app: Flask, enrol: Callable[..., str]) -> Callable[..., Browser]:
    """Return a browser in which somebody of an organisation has signed in."""

    def one(label: str, role: Role = Role.CASE_WORKER) -> Browser:
        browser = Browser(app)
        assert browser.sign_in(enrol(label, role)).status_code == 303
        return browser

    return one


@pytest.fixture
def link(house: Any) -> Callable[..., str]:
    """Make an answer link of a referral, as the mail's sender does, and return its secret."""

    def one(referral_id: str, label: str = "pantry") -> str:
        from exchange.db.link import make_link

        with house.database.write() as session:
            return make_link(session, referral_id, house.ids[label], house.clock())

    return one
