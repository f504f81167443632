"""What holds for every page and every form of the portal."""

import re
from typing import Any

import pytest
from flask import Flask

from exchange.app import create_app
from exchange.config import Config
from exchange.domain import errors
from exchange.domain.actor import Role
from exchange.domain.errors import ExchangeError
from exchange.web.guard import Who
from exchange.web.portal.error_pages import PAGES
from tests.exchange.rows import AUDIT, rows
from tests.exchange.web.portal.conftest import Browser, words

NEVER_WRITTEN_DOWN = AUDIT | {"portal_session"}
HEALTH_DATA = re.compile(r"canary|zoelle|food|627|1980|0143", re.IGNORECASE)


def stands(house: Any) -> dict[str, list[str]]:
    """Return every row of the database but the audit, and when a session was last used."""
    return rows(house.database, but=NEVER_WRITTEN_DOWN)


def addresses(house: Any, link: Any) -> list[tuple[str, Role, str]]:
    """Return (organisation, role, address) of every page there is."""
    here = f"/referrals/{house.send().referral.id}"
    token = link(house.send().referral.id)
    return [
        ("pantry", Role.CASE_WORKER, "/"),
        ("pantry", Role.CASE_WORKER, "/?show=ended"),
        ("pantry", Role.CASE_WORKER, here),
        ("hospital", Role.ADMINISTRATOR, "/sent"),
        ("hospital", Role.ADMINISTRATOR, here),
        ("hospital", Role.ADMINISTRATOR, f"{here}/send-on"),
        ("hospital", Role.ADMINISTRATOR, f"{here}/call"),
        ("hospital", Role.ADMINISTRATOR, f"{here}/sheet"),
        ("hospital", Role.ADMINISTRATOR, "/send"),
        ("hospital", Role.ADMINISTRATOR, "/phone-list"),
        ("hospital", Role.ADMINISTRATOR, "/people"),
        ("network", Role.COORDINATOR, "/queue"),
        ("network", Role.COORDINATOR, "/received"),
        ("pantry", Role.CASE_WORKER, "/sign-in"),
        ("pantry", Role.CASE_WORKER, f"/answer/{token}"),
        ("pantry", Role.CASE_WORKER, "/nowhere"),
    ]


def test_reading_changes_nothing(house: Any, link: Any, signed_in: Any, visits: Any) -> None:
    pages = addresses(house, link)
    browsers = visits(pages)
    before = stands(house)

    for organization, role, address in pages:
        for ask in ("get", "head", "options"):
            response = getattr(browsers[organization, role].client, ask)(address)
            assert response.status_code in (200, 404), address

    assert stands(house) == before


def test_every_page_is_whole(house: Any, link: Any, visits: Any) -> None:
    pages = addresses(house, link)
    browsers = visits(pages)

    for organization, role, address in pages:
        response = browsers[organization, role].get(address)
        page = response.get_data(as_text=True)
        assert '<html lang="en">' in page, address
        assert page.count("<h1") == 1, address
        assert page.count("<main") == 1, address
        assert re.search(r"<title>[^<]+ · Referral Exchange</title>", page), address
        assert "script-src 'self'; style-src 'self'" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"


def test_no_page_holds_script_or_style_or_anything_from_elsewhere(house: Any, link: Any, visits: Any) -> None:
    pages = addresses(house, link)
    browsers = visits(pages)

    for organization, role, address in pages:
        page = browsers[organization, role].get(address).get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", page), address
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", page), address


def test_every_field_has_a_label_and_every_id_is_there_once(house: Any, link: Any, visits: Any) -> None:
    pages = addresses(house, link)
    browsers = visits(pages)

    for organization, role, address in pages:
        page = browsers[organization, role].get(address).get_data(as_text=True)
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), address
        labelled = set(re.findall(r'<label[^>]*\sfor="([^"]+)"', page))
        fields = re.findall(r'<(?:input|select|textarea)(?![^>]*type="hidden")[^>]*\sid="([^"]+)"', page)
        assert set(fields) <= labelled, address


def test_no_address_holds_health_data(house: Any, link: Any, visits: Any) -> None:
    pages = addresses(house, link)
    browsers = visits(pages)

    for organization, role, address in pages:
        page = browsers[organization, role].get(address).get_data(as_text=True)
        targets = re.findall(r'(?:href|action)="(?!tel:|#)([^"]+)"', page)
        without_ids = [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|/answer/[^/]+", "", target) for target in targets]
        assert [target for target in without_ids if HEALTH_DATA.search(target)] == [], address


def test_each_form_of_the_portal_is_refused_without_its_token(app: Flask, house: Any, link: Any, visits: Any) -> None:
    here, token = house.send().referral.id, link(house.send().referral.id)
    who = {("hospital", Role.ADMINISTRATOR): None, ("pantry", Role.CASE_WORKER): None}
    browsers = visits([(*key, "/") for key in who])
    before = stands(house)
    posts = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and is_portal(rule.endpoint)]

    for rule in posts:
        fill = {"token": token if "answer_link" in rule.endpoint else "x", "referral_id": here, "verb": "accept"}
        address = re.sub(r"<(?:\w+:)?(\w+)>", lambda found, fill=fill: fill[found[1]], rule.rule)
        for browser in browsers.values():
            response = browser.client.post(address, data={"confirmed": "yes"})
            forged = browser.client.post(address, data={"csrf_token": "forged", "confirmed": "yes"})
            assert response.status_code == forged.status_code in (400, 403), (address, response.status_code)

    assert len(posts) >= 10
    assert stands(house) == before


def test_a_form_sent_from_another_site_is_refused(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("pantry")
    here = f"/referrals/{sent.referral.id}"
    browser.get(here)

    response = browser.client.post(
        f"{here}/answer/accept", data={"csrf_token": browser.token}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert response.status_code == 403
    assert "sent from another site" in words(response)


def test_each_signed_in_page_sends_strangers_to_the_door(app: Flask, browser: Browser) -> None:
    pages = [
        rule
        for rule in app.url_map.iter_rules()
        if is_portal(rule.endpoint)
        and "GET" in (rule.methods or ())
        and getattr(app.view_functions[rule.endpoint], "access", None)
        and app.view_functions[rule.endpoint].access.who is Who.PERSON  # type: ignore[attr-defined]
    ]

    for rule in pages:
        address = re.sub(r"<uuid:\w+>", "019e0000-0000-7000-8000-000000000000", rule.rule)
        response = browser.get(address)
        assert response.status_code == 303, address
        assert response.headers["Location"].startswith("/sign-in?next=/"), address
    assert len(pages) >= 9


@pytest.mark.parametrize("kind", sorted(PAGES, key=lambda kind: kind.__name__))
def test_each_refusal_has_a_page_that_says_what_to_do_next(kind: type[ExchangeError], app: Flask) -> None:
    from exchange.web.portal.error_pages import error_page

    error = kind.__new__(kind)
    error.sentence, error.expression, error.code = "A sentence <b>of ours</b>.", None, None
    error.retry_after_seconds = 30  # type: ignore[attr-defined]
    with app.test_request_context("/people", method="POST"):
        from flask import g

        g.actor = None
        response = app.make_response(error_page(error))

    if kind is errors.Unauthenticated:
        assert (response.status_code, response.headers["Location"]) == (303, "/sign-in")
    else:
        assert response.status_code == PAGES[kind].status
        assert "A sentence &lt;b&gt;of ours" in response.get_data(as_text=True)
        assert str(PAGES[kind].advice)[:20] in response.get_data(as_text=True)
        assert (response.headers.get("Retry-After") is not None) == (response.status_code in (429, 503, 507))


def test_a_fault_of_ours_is_a_bland_page_with_the_number_of_the_request(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Config(database_url=str(house.database.url)), house.database, PROPAGATE_EXCEPTIONS=False)
    sign_in_page = "portal.sign_in.form"

    def fails() -> None:
        raise RuntimeError("Zoelle Canaryname")

    fails.access = app.view_functions[sign_in_page].access  # type: ignore[attr-defined]
    monkeypatch.setitem(app.view_functions, sign_in_page, fails)

    response = app.test_client().get("/sign-in", headers={"X-Request-Id": "ticket-12345"})

    assert (response.status_code, "ticket-12345" in words(response)) == (500, True)
    assert "Canaryname" not in response.get_data(as_text=True)


def test_every_refusal_of_the_house_is_in_the_table() -> None:
    def family(kind: type[ExchangeError]) -> set[type[ExchangeError]]:
        return {kind}.union(*(family(one) for one in kind.__subclasses__()))

    ours = {kind for kind in family(ExchangeError) if kind.__module__ == errors.__name__} - {ExchangeError}

    assert [kind.__name__ for kind in ours if not set(kind.__mro__) & set(PAGES)] == []


def is_portal(endpoint: str) -> bool:
    return endpoint.startswith("portal.")


@pytest.fixture
def visits(signed_in: Any) -> Any:
    """Sign in whoever the pages need, once each."""

    def all_of(pages: list[tuple[str, Role, str]]) -> dict[tuple[str, Role], Browser]:
        return {(label, role): signed_in(label, role) for label, role in {(one[0], one[1]) for one in pages}}

    return all_of
