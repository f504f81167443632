"""What holds for every route of the whole application: safe methods write nothing, every page has its headers."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from exchange.app import create_app
from exchange.config import Config
from exchange.domain.actor import Role
from tests.exchange.conftest import House
from tests.exchange.rows import AUDIT, digest
from tests.exchange.web.fhir.conftest import Door
from tests.exchange.web.portal.conftest import Browser
from tests.reliability import Reached

HTTPS: Final = "https://exchange.invalid"
#  reads of people's documents are audited, and a session notes that it was used: nothing else may be written by a read
WRITTEN_BY_READS: Final = AUDIT | {"portal_session"}
SAFE: Final = ("GET", "HEAD", "OPTIONS")
#  what holds nobody's data and may be kept by whoever asks
SAID_TO_ALL: Final = frozenset({"/fhir/.well-known/smart-configuration"})
UNKNOWN: Final = "019e0000-0000-7000-8000-000000000000"
PLACE: Final = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")


class Visits:
    """Somebody who walks through every address there is: a signed-in person, or a program, with an answer link."""

    def __init__(self, house: House, app: Flask, token: str) -> None:
        sent = house.send().referral
        self.app, self.fills = app, {
            "token": token, "referral_id": sent.id, "document_id": sent.id, "version": "1", "verb": "accept",
            "path": "nowhere", "filename": "theme.css", "user_id": UNKNOWN, "webhook_id": UNKNOWN,
        }  # fmt: skip
        self.program = {"Authorization": f"Bearer {Door(house, app).caller('hospital').token}"}

    def addresses(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield (address, methods) of every route."""
        for rule in self.app.url_map.iter_rules():
            address = PLACE.sub(lambda found: self.fills.get(found[1], UNKNOWN), rule.rule)
            yield address, frozenset(rule.methods or ())


@pytest.mark.invariant(
    "reading-writes-nothing", "GET, HEAD and OPTIONS on every route change no row; only audit and last use are noted."
)
def test_safe_methods_on_every_route_change_no_row(
    house: House, app: Flask, visits: Visits, signed_in: Any, reached: Reached
) -> None:
    person, before = signed_in("hospital", Role.ADMINISTRATOR).client, digest(house.database, but=WRITTEN_BY_READS)
    asked = 0

    for address, _methods in visits.addresses():
        for method in SAFE:
            for headers in ({"Accept": "text/html"}, visits.program):
                answer = person.open(address, method=method, headers=headers, buffered=True)
                assert answer.status_code < 500, (method, address, answer.status_code)
                asked += 1

    assert digest(house.database, but=WRITTEN_BY_READS) == before
    reached(requests=asked, routes=len({address for address, _methods in visits.addresses()}))


def test_a_route_that_writes_when_it_is_read_is_seen(house: House, app: Flask) -> None:
    """The digest is no decoration: a row more, in any table but the audit, changes it."""
    before = digest(house.database, but=WRITTEN_BY_READS)

    house.send()

    assert digest(house.database, but=WRITTEN_BY_READS) != before


@pytest.mark.invariant(
    "every-answer-has-its-headers",
    "Each answer of each route, refusals too, allows no inline script, no frame, no sniffing, no Referer and no store.",
)
@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", HTTPS])
def test_every_answer_has_its_headers(
    house: House, link: Any, signed_in: Any, base: str, reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(database_url=str(house.database.url), base_url=base)
    app = create_app(config, house.database, PROPAGATE_EXCEPTIONS=False)
    visits = Visits(house, app, link(house.send().referral.id))
    client, pages, answers = app.test_client(), 0, 0
    statuses: set[int] = set()

    for address, _methods in [*visits.addresses(), ("/nowhere/at-all", frozenset())]:
        for method in ("GET", "POST", "DELETE"):
            answer = client.open(address, method=method, headers={"Accept": "text/html"}, base_url=base, buffered=True)
            has_its_headers(answer, address, is_https=base == HTTPS)
            statuses.add(answer.status_code)
            answers, pages = answers + 1, pages + (answer.mimetype == "text/html")
    too_large = client.post(
        "/sign-in", data=b"x" * 5_000_001, headers={"Accept": "text/html"}, base_url=base, buffered=True
    )
    has_its_headers(too_large, "too large", is_https=base == HTTPS)
    has_its_headers(failing(app, monkeypatch, base), "a failure", is_https=base == HTTPS)

    assert {200, 303, 400, 404, 405} <= statuses
    assert too_large.status_code == 413
    reached(answers=answers + 2, pages=pages, statuses=len(statuses | {413, 500}))
    app.extensions["exchange_audit"].stop()


def has_its_headers(answer: TestResponse, address: str, *, is_https: bool) -> None:
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["Content-Security-Policy"].split(";")}
    assert policy["default-src"] == ["'none'"], address
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == ["'self'"], address
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"], address
    assert "unsafe" not in answer.headers["Content-Security-Policy"], address
    assert answer.headers["X-Content-Type-Options"] == "nosniff", address
    assert answer.headers["Referrer-Policy"] == "no-referrer", address
    is_for_all = address in SAID_TO_ALL and answer.status_code == 200
    if not is_for_all and not address.startswith("/static"):
        assert answer.headers["Cache-Control"] == "no-store", address
    assert ("Strict-Transport-Security" in answer.headers) == is_https, address
    for cookie in answer.headers.getlist("Set-Cookie"):
        said = {part.strip().partition("=")[0] for part in cookie.split(";")}
        assert {"HttpOnly", "SameSite", "Path"} <= said, (address, cookie.partition("=")[0])
        assert ("Secure" in said) == cookie.startswith("__Host-") == is_https, address
        assert "Domain" not in said, address
    if answer.mimetype == "text/html":
        page = answer.get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", page), address


def failing(app: Flask, monkeypatch: pytest.MonkeyPatch, base: str) -> TestResponse:
    """Return the answer of a page that fails."""

    def fails() -> None:
        raise RuntimeError("Zoelle Canaryname")

    fails.access = vars(app.view_functions["portal.sign_in.form"])["access"]  # type: ignore[attr-defined]
    monkeypatch.setitem(app.view_functions, "portal.sign_in.form", fails)
    answer = app.test_client().get("/sign-in", base_url=base)
    assert (answer.status_code, "Canaryname" in answer.get_data(as_text=True)) == (500, False)
    return answer


def test_over_https_the_session_lives_in_a_cookie_of_this_host_alone(house: House, enrol: Any) -> None:
    config = Config(database_url=str(house.database.url), base_url=HTTPS)
    app = create_app(config, house.database)
    browser = SecureBrowser(app)

    browser.sign_in(enrol("pantry"))
    kept = browser.client.get_cookie("__Host-exchange_session", domain="exchange.invalid")
    inbox = browser.get("/")
    browser.get("/")
    browser.post("/sign-out")
    thief = SecureBrowser(app)
    thief.client.set_cookie("__Host-exchange_session", kept.value if kept else "", domain="exchange.invalid")

    assert kept is not None
    assert kept.secure
    assert inbox.status_code == 200
    assert thief.get("/").status_code == 303, "what was signed out is dead on our side"
    app.extensions["exchange_audit"].stop()


def test_a_session_cookie_without_the_prefix_opens_nothing_over_https(house: House, enrol: Any) -> None:
    """A page of a neighbouring host, or one over plain http, can plant a cookie of any name but the prefixed one."""
    app = create_app(Config(database_url=str(house.database.url), base_url=HTTPS), house.database)
    browser = SecureBrowser(app)
    browser.sign_in(enrol("pantry"))
    kept = browser.client.get_cookie("__Host-exchange_session", domain="exchange.invalid")
    planted = SecureBrowser(app)

    planted.client.set_cookie("exchange_session", kept.value if kept else "", domain="exchange.invalid")

    assert planted.get("/").status_code == 303
    app.extensions["exchange_audit"].stop()


@pytest.mark.invariant(
    "every-form-is-ours",
    "Each unsafe route of the portal refuses a form without, with a foreign, or with an old token.",
)
def test_each_form_is_refused_with_a_foreign_and_with_an_old_token(
    house: House, app: Flask, visits: Visits, signed_in: Any, reached: Reached
) -> None:
    person, stranger = signed_in("hospital", Role.ADMINISTRATOR), signed_in("other", Role.ADMINISTRATOR)
    stranger.get("/send")
    person.get("/send")
    fresh, foreign = person.token, stranger.token
    unsafe = [
        (address, method)
        for address, methods in visits.addresses()
        for method in sorted(methods - set(SAFE))
        if not address.startswith(("/fhir", "/oauth", "/api"))
    ]
    before = digest(house.database, but=WRITTEN_BY_READS)

    for address, method in unsafe:
        for said in ({}, {"csrf_token": ""}, {"csrf_token": foreign}, {"csrf_token": fresh[:-2] + "xx"}):
            refused(person.client, address, method, said)
    monkey = pytest.MonkeyPatch()
    monkey.setitem(app.config, "WTF_CSRF_TIME_LIMIT", -1)
    for address, method in unsafe:
        refused(person.client, address, method, {"csrf_token": fresh})
    monkey.undo()

    assert len(unsafe) >= 10
    assert digest(house.database, but=WRITTEN_BY_READS) == before
    assert person.post("/sign-out", csrf_token=fresh).status_code == 303, "the fresh one was good all the while"
    reached(forms=len(unsafe), tokens=5)


def refused(client: Client, address: str, method: str, said: dict[str, str]) -> None:
    answer = client.open(address, method=method, data=said | {"confirmed": "yes"})
    assert answer.status_code in (400, 403), (address, method, answer.status_code)
    assert "form is too old" in answer.get_data(as_text=True), address


def test_a_form_lives_no_longer_than_a_session(house: House, app: Flask) -> None:
    from exchange.web.guard import LONGEST

    assert timedelta(seconds=app.config["WTF_CSRF_TIME_LIMIT"]) <= LONGEST


class SecureBrowser(Browser):
    """A browser that reaches the exchange over TLS."""

    def get(self, address: str, **more: Any) -> TestResponse:
        return super().get(address, base_url=HTTPS, **more)

    def post(self, address: str, /, **fields: Any) -> TestResponse:
        answer = self.client.post(address, data={"csrf_token": self.token, **fields}, base_url=HTTPS)
        return self._seen(answer)


@pytest.fixture
def visits(house: House, app: Flask, link: Any) -> Visits:
    return Visits(house, app, link(house.send().referral.id))
