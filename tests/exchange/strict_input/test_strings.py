"""Six thousand hostile strings as names, notes and reasons: each comes back as it was given, or is refused with 4xx."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask

from exchange.actions.people.accept_invitation import accept_invitation
from exchange.actions.people.invite_user import invite_user
from exchange.db.link import make_link
from exchange.domain.actor import Role
from tests.exchange.conftest import OPERATOR, House
from tests.exchange.strict_input.conftest import Watch
from tests.exchange.strict_input.corpus import ABSENT, label, some, strings
from tests.exchange.web.fhir.conftest import Caller, Json, a_patient, json_of
from tests.exchange.web.portal.conftest import PASSWORD, Browser
from tests.reliability import Reached, sizes

PAGE: Final = "text/html"
PROBLEM: Final = "application/problem+json"
_BREAK: Final = re.compile(r"\r\n|\r|\n")


def patient_of(text: str) -> Json:
    """Return a Patient that says a string wherever a person may write."""
    return a_patient(
        name=[{"text": text, "family": text, "given": [text]}],
        telecom=[{"system": "phone", "value": text}],
        address=[{"line": [text], "city": text, "text": text}],
        contact=[{"name": {"text": text}}],
        identifier=[{"system": "urn:example:strings", "value": text}],
    )


@ABSENT
@pytest.mark.invariant("strict-strings-round-trip", "A string in a name comes back as it was given, or is refused.")
@pytest.mark.parametrize("count", sizes(70, 7_000))
def test_a_string_in_a_name_comes_back_as_it_was_given(
    count: int, sender: Caller, watch: Watch, reached: Reached
) -> None:
    changed, refused = [], []
    chosen = some(strings(), count)
    for text in chosen:
        patient = patient_of(text)
        made = watch.fhir(text, sender.post("/Patient", patient))
        if made.status_code != 201:
            refused.append((made.status_code, text))
            continue
        back = json_of(watch.fhir(text, sender.get(f"/Patient/{json_of(made)['id']}")))
        if {name: back.get(name) for name in patient} != patient:
            changed.append(text)

    assert watch.broken == []
    assert changed == [], label(changed)
    assert [one for one in refused if one[0] != 422] == []
    assert len(refused) <= len(chosen) // 50, label(refused)
    reached(strings=len(chosen), refused=len(refused), changed=0)


@ABSENT
@pytest.mark.parametrize("count", sizes(12, 300))
def test_a_string_in_a_condition_a_header_or_a_search_is_only_a_text(count: int, sender: Caller, watch: Watch) -> None:
    for text in some(strings(), count, seed=2):
        escaped = quote(text)
        watch.fhir(text, sender.put(f"/Patient?identifier=urn:example:strings|{escaped}", a_patient()))
        watch.fhir(text, sender.get(f"/Patient?family={escaped}&_count=1"))
        watch.fhir(text, sender.get(f"/Patient/{quote(text, safe='')}"))
        if text.isprintable() and text.isascii():
            watch.fhir(text, sender.post("/Patient", a_patient(), If_None_Exist=text))
            watch.fhir(text, sender.post("/Patient", a_patient(), Idempotency_Key=text[:255]))
            watch.fhir(text, sender.put("/Patient/none", a_patient(id="none"), If_Match=text))

    assert watch.broken == []


@ABSENT
@pytest.mark.parametrize("count", sizes(8, 100))
def test_a_string_in_a_form_of_the_portal_comes_back_as_it_was_typed(
    count: int, long_house: House, hospital_browser: Browser, sender: Caller, watch: Watch
) -> None:
    changed, sent = [], 0
    for number, text in enumerate(some(strings(), count, seed=3)):
        answer = hospital_browser.post(
            "/send", step="send", key=f"key-{number}", given=text, family=text, birth_date="1980-01-02",
            phone="217-555-0143", language="es", zip_code="62701", need="food-insecurity", requested=text, note=text,
            radius="25", consent="verbal", priority="routine", person="new",
            receiver=f"organization:{long_house.ids['pantry']}",
        )  # fmt: skip
        watch.other(text, answer, PAGE)
        if answer.status_code != 303:
            assert 200 <= answer.status_code < 500
            continue
        sent += 1
        page = watch.other(text, hospital_browser.follow(answer), PAGE)
        task = json_of(sender.get(f"/Task/{answer.headers['Location'].rpartition('/')[2].partition('?')[0]}"))
        request = json_of(sender.get(f"/{task['focus']['reference']}"))
        patient = json_of(sender.get(f"/{task['for']['reference']}"))
        said = (patient["name"][0]["family"], request["code"]["text"], task["note"][0]["text"])
        if said != (text.strip(),) * 3 or not is_shown(text.strip(), page.get_data(as_text=True)):
            changed.append((text, said))

    assert watch.broken == []
    assert changed == [], label(changed)
    assert sent >= count // 2


def is_shown(text: str, page: str) -> bool:
    """Return whether a page says a text, as a browser would read its source: blanks in a row are one."""
    return " ".join(text.split()) in " ".join(unescape(page).split())


@ABSENT
@pytest.mark.parametrize("count", sizes(4, 60))
def test_a_string_in_a_reason_reaches_the_other_side_as_it_was_typed(
    count: int, long_house: House, whole_app: Flask, sender: Caller, watch: Watch
) -> None:
    changed = []
    for text in some(strings(), count, seed=4):
        sent = long_house.send().referral
        with long_house.database.write() as session:
            token = make_link(session, sent.id, long_house.ids["pantry"], long_house.clock())
        browser = Browser(whole_app)
        watch.other(text, browser.get(f"/answer/{token}"), PAGE)
        watch.other(text, browser.post(f"/answer/{token}/answer/reject"), PAGE)
        answer = watch.other(
            text, browser.post(f"/answer/{token}/answer/reject", confirmed="yes", code="other", text=text), PAGE
        )
        task = json_of(sender.get(f"/Task/{sent.id}"))
        if answer.status_code == 200 and task["statusReason"].get("text") != text.strip():
            changed.append((text, task["statusReason"]))
        assert task["status"] == ("rejected" if answer.status_code == 200 else "requested")

    assert watch.broken == []
    assert changed == [], label(changed)


@ABSENT
@pytest.mark.parametrize("count", sizes(12, 200))
def test_a_string_opens_no_door(count: int, whole_app: Flask, watch: Watch) -> None:
    opened = []
    browser = Browser(whole_app)
    browser.get("/sign-in")
    doors: dict[str, Callable[[str], Any]] = {
        "sign-in": lambda text: browser.post("/sign-in", email=text, password=text, next=text),
        "answer link": lambda text: browser.get(f"/answer/{quote(text, safe='')}"),
        "answer": lambda text: browser.post(f"/answer/{quote(text, safe='')}/answer/accept", confirmed=text),
        "invitation": lambda text: browser.get(f"/invitation/{quote(text, safe='')}"),
        "token": lambda text: browser.client.post(
            "/oauth/token",
            data={"grant_type": "client_credentials", "scope": text, "client_assertion": text,
                  "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        ),
        "grant": lambda text: browser.client.post("/oauth/token", data={"grant_type": text, text: text}),
        "bearer": lambda text: browser.client.get("/fhir/Patient", headers={"Authorization": f"Bearer {plain(text)}"}),
    }  # fmt: skip
    for text in some(strings(), count, seed=5):
        for door, knock in doors.items():
            answer = watch.other(f"{door}: {text}", knock(text))
            if answer.status_code < 400 and not is_put_right(answer):
                opened.append((door, answer.status_code, text))

    assert watch.broken == []
    assert opened == [], label(opened)


@ABSENT
@pytest.mark.parametrize("count", sizes(100, 2_000))
def test_a_string_is_no_address_of_a_webhook_unless_it_comes_back_as_one(
    count: int, sender: Caller, watch: Watch
) -> None:
    headers = {"Authorization": f"Bearer {sender.token}"}
    registered = []
    for text in ["https://hook.example/in", *some(strings(), count, seed=6)]:
        answer = sender.http.post("/api/webhooks", json={"url": text}, headers=headers)
        watch.other(text, answer, PROBLEM, "application/json")
        if answer.status_code == 201:
            registered.append((text, answer.get_json()["url"]))
            sender.http.delete(f"/api/webhooks/{answer.get_json()['id']}", headers=headers)

    assert watch.broken == []
    assert registered[0] == ("https://hook.example/in",) * 2
    assert [pair for pair in registered if pair[0].strip() != pair[1] or not pair[1].startswith("https://")] == []


def is_put_right(answer: Any) -> bool:
    """Return whether an answer only sends to the same place, written with one slash where there were several."""
    parts = urlsplit(answer.headers.get("Location", "//elsewhere"))
    return answer.status_code == 308 and parts.netloc in ("", "localhost")


def plain(text: str) -> str:
    """Return a string as a header can carry it."""
    return _BREAK.sub(" ", text).encode("latin-1", "replace").decode("latin-1")


@pytest.fixture(scope="module")
def hospital_browser(long_house: House, whole_app: Flask) -> Browser:
    """The browser of somebody at the hospital who has signed in and opened the form."""
    with long_house.database.write() as session:
        invited = invite_user(session, OPERATOR, long_house.ids["hospital"], "w@hospital.invalid", Role.CASE_WORKER)
        accept_invitation(session, invited.link_token, PASSWORD, "Rosa")
    browser = Browser(whole_app)
    assert browser.sign_in("w@hospital.invalid").status_code == 303
    browser.get("/send")
    return browser
