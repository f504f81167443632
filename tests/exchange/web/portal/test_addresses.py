"""Where the portal sends people: to its own pages by its own name, whatever an address or a Host header says."""

import json
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask

from exchange.domain.actor import Role
from exchange.web.portal.viewer import safe_next
from exchange.work.relay import Relay
from tests.exchange.web.portal.conftest import PASSWORD, Browser
from tests.reliability import Reached

LISTS: Final = Path(__file__).parents[5] / "shared" / "data" / "badinput" / "strings"
HOME: Final = "https://exchange.invalid"
OWN: Final = (
    "//evil.invalid", "///evil.invalid", "/\\evil.invalid", "/\t/evil.invalid", "/%09/evil.invalid", "\n//evil.invalid",
    "https:evil.invalid", "https:/evil.invalid", "/https://evil.invalid", "javascript:alert(1)", "/;@evil.invalid",
    "//evil.invalid@exchange.invalid", "/..//evil.invalid", "/.//evil.invalid", "\u3000//evil.invalid", "/sign-out",
)  # fmt: skip
EVIL: Final = {"Host": "evil.invalid", "X-Forwarded-Host": "evil.invalid", "Forwarded": "host=evil.invalid"}


def targets() -> list[str]:
    """Return our own strings and, where they are beside the project, the lists of open redirects."""
    found = list(OWN)
    for path in sorted(LISTS.glob("*redirect*.jsonl")) if LISTS.is_dir() else ():
        found += [json.loads(line)["s"] for line in path.read_text(encoding="utf-8").splitlines()]
    return found


@pytest.mark.invariant(
    "no-open-redirect",
    "After signing in nobody is led to another host, whatever `next` says and however it is written.",
)
def test_no_target_leads_to_another_host(browser: Browser, enrol: Any, reached: Reached) -> None:
    let_through = 0

    for target in targets():
        #  browsers take tabs and line ends out of an address, and read a backslash as a slash
        for written in (target, target.strip(), "/" + target.lstrip("/")):
            found = safe_next(written)
            seen = urljoin(f"{HOME}/sign-in", re.sub(r"[\t\r\n]", "", (found or "/").replace("\\", "/")))
            assert (urlsplit(seen).scheme, urlsplit(seen).hostname) == ("https", "exchange.invalid"), written
            let_through += found is not None
    browser.get("/sign-in")
    led = browser.post("/sign-in", email=enrol("pantry"), password=PASSWORD, next=OWN[0])

    assert led.headers["Location"] == "/"
    assert 0 < let_through < 3 * len(targets())
    reached(targets=len(targets()), let_through=let_through)


def known_as_evil(browser: Browser) -> Browser:
    """Let a signed-in browser send its cookies to us under the foreign name too."""
    browser.get("/send")
    for name in ("exchange_session", "exchange_form"):
        kept = browser.client.get_cookie(name)
        assert kept is not None
        browser.client.set_cookie(name, kept.value, domain="evil.invalid")
    return browser


def test_a_foreign_host_header_is_echoed_nowhere(app: Flask, house: Any, link: Any, signed_in: Any) -> None:
    token, person = link(house.send().referral.id), known_as_evil(signed_in("pantry"))

    for address in ("/sign-in", "/", f"/answer/{token}", "/nowhere", "/sent", "/fhir/metadata", "/fhir/Task"):
        for client in (app.test_client(), person.client):
            answer = client.get(address, headers=EVIL | {"Accept": "text/html"})
            told = str(answer.headers) + answer.get_data(as_text=True)
            assert "evil.invalid" not in told, address


def test_the_link_in_a_mail_is_of_our_own_address_whatever_the_host_header_said(
    app: Flask, house: Any, signed_in: Any
) -> None:
    mails: list[Any] = []
    person = signed_in("hospital", Role.ADMINISTRATOR)
    known_as_evil(person)

    asked = person.client.post(
        "/people", data={"csrf_token": person.token, "email": "new@hospital.invalid", "role": "case_worker"},
        headers=EVIL,
    )  # fmt: skip
    Relay(house.database, {"email": lambda parcel, _now: mails.append(parcel)}, HOME, jitter=lambda: 0.0).run()

    assert asked.status_code == 303
    assert "evil.invalid" not in str(asked.headers)
    (mail,) = [one for one in mails if one.to == "new@hospital.invalid"]
    assert f"{HOME}/invitation/" in mail.body
    assert "evil.invalid" not in mail.body


def test_the_secret_of_an_answer_link_is_in_no_address_that_a_page_loads(app: Flask, house: Any, link: Any) -> None:
    token = link(house.send().referral.id)

    answer = Browser(app).get(f"/answer/{token}")

    page = answer.get_data(as_text=True)
    loaded = re.findall(r"<(?:link|script|img|iframe|use)[^>]*\s(?:href|src)=\"([^\"]+)\"", page)
    assert loaded
    assert [one for one in loaded if token in one or not one.startswith("/")] == []
    assert re.findall(r"<a[^>]*href=\"(?!/|#|tel:)", page) == []
    assert answer.headers["Referrer-Policy"] == "no-referrer"
