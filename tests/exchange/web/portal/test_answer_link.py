"""The link without an account: GET shows no health data, three taps accept, a code shows the rest."""

import re
from typing import Any

import pytest

from exchange.db.link import living_link, make_code
from exchange.db.outbox import messages
from exchange.db.sealing import digest
from exchange.db.session import now
from exchange.domain.events import MessageKind
from fhir_mapping.case_data.referral import ReferralStatus
from tests.exchange.web.portal.conftest import Browser, words

HEALTH_DATA = ("Canaryname", "Zoelle", "Food", "food", "627", "Spanish", "1980", "555-0143")


def status(house: Any, referral_id: str) -> ReferralStatus:
    from exchange.db.referral import find

    with house.database.read() as session:
        found = find(session, referral_id, visible_to=house.person("hospital"))
    return found.status


def test_opening_the_link_shows_who_asks_and_no_health_data(house: Any, link: Any, browser: Browser) -> None:
    response = browser.get(f"/answer/{link(house.send().referral.id)}")

    page = words(response)
    assert "Hospital asks for your help" in page
    assert "Answer by Fri 5 Jun, 10:00 AM" in page
    assert [word for word in HEALTH_DATA if word in response.get_data(as_text=True)] == []


def test_three_taps_accept(house: Any, link: Any, browser: Browser) -> None:
    sent = house.send()
    here = f"/answer/{link(sent.referral.id)}"

    browser.get(here)  # the link in the mail
    asked = browser.post(f"{here}/answer/accept")  # Accept
    before = status(house, sent.referral.id)
    accepted = browser.follow(browser.post(f"{here}/answer/accept", confirmed="yes"))  # Confirm

    assert "Accept this referral?" in words(asked)
    assert before is ReferralStatus.REQUESTED
    assert "Accepted. The sender knows." in words(accepted)
    assert status(house, sent.referral.id) is ReferralStatus.ACCEPTED


def test_what_is_asked_is_a_preview_without_the_person(house: Any, link: Any, browser: Browser) -> None:
    here = f"/answer/{link(house.send().referral.id)}"
    browser.get(here)

    for response in (browser.post(f"{here}/show"), browser.post(f"{here}/answer/accept")):
        page = words(response)
        assert "Need Food" in page
        assert "ZIP code beginning with 627" in page
        assert "Spanish" in page
        assert "Canaryname" not in page
        assert "555-0143" not in page


def test_a_decline_by_link_needs_a_reason_and_closes_the_link(house: Any, link: Any, browser: Browser) -> None:
    sent = house.send()
    here = f"/answer/{link(sent.referral.id)}"
    browser.get(here)

    refused = browser.post(f"{here}/answer/reject", confirmed="yes", code="", text="")
    declined = browser.post(f"{here}/answer/reject", confirmed="yes", code="not-eligible", text="Outside our county.")

    assert refused.status_code == 422
    assert "Choose a reason." in words(refused)
    assert "Thank you Declined. The sender knows why" in words(declined)
    assert status(house, sent.referral.id) is ReferralStatus.REJECTED
    assert browser.get(here).status_code == 404


def test_the_person_is_shown_to_who_reads_the_agencys_mail(house: Any, link: Any, browser: Browser) -> None:
    sent = house.send()
    token = link(sent.referral.id)
    here = accepted(browser, token)
    asked = browser.follow(browser.post(f"{here}/code"))
    code = mailed_code(house, token)

    wrong = browser.post(f"{here}/code", code=f"{(int(code) + 1) % 1_000_000:06d}")
    right = browser.post(f"{here}/code", code=f"{code[:3]} {code[3:]}")

    assert "A code is on its way to p•••@example.invalid." in words(asked)
    with house.database.read() as session:
        told = [one for one in messages(session) if one.kind == MessageKind.LINK_CODE]
    assert [(one.destination, one.data) for one in told] == [("pantry@example.invalid", {"link": digest(token)})]
    assert wrong.status_code == 422
    assert "This code is wrong or too old." in words(wrong)
    assert "Zoelle Canaryname" in words(right)
    assert "(217) 555-0143" in words(right)


def test_the_details_close_after_thirty_minutes(house: Any, link: Any, browser: Browser) -> None:
    token = link(house.send().referral.id)
    here = accepted(browser, token)
    code = mailed_code(house, token)
    browser.post(f"{here}/code", code=code)
    shown = browser.post(f"{here}/show")

    house.clock.forward(minutes=30)
    closed = browser.post(f"{here}/show")

    assert "Canaryname" in words(shown)
    assert "Canaryname" not in words(closed)


def test_a_code_works_once_and_five_wrong_ones_spoil_it(house: Any, link: Any, app: Any) -> None:
    token = link(house.send().referral.id)
    browser = Browser(app)
    here = accepted(browser, token)
    code = mailed_code(house, token)
    for _ in range(5):
        assert browser.post(f"{here}/code", code=f"{(int(code) + 1) % 1_000_000:06d}").status_code == 422

    spoiled = browser.post(f"{here}/code", code=code)
    newer = mailed_code(house, token)
    first, second = browser.post(f"{here}/code", code=newer), browser.post(f"{here}/code", code=newer)

    assert spoiled.status_code == 422
    assert first.status_code == 200
    assert second.status_code == 422


def test_codes_are_not_sent_without_end(house: Any, link: Any, browser: Browser) -> None:
    here = accepted(browser, link(house.send().referral.id))

    answers = [browser.post(f"{here}/code").status_code for _ in range(6)]

    assert answers == [303] * 5 + [429]


def test_whoever_proved_the_address_closes_the_loop_by_link(house: Any, link: Any, browser: Browser) -> None:
    sent = house.send()
    token = link(sent.referral.id)
    here = accepted(browser, token)
    too_early = browser.post(f"{here}/answer/complete", confirmed="yes", outcome="Two boxes")
    code = mailed_code(house, token)
    browser.post(f"{here}/code", code=code)

    done = browser.post(f"{here}/answer/complete", confirmed="yes", outcome="Two boxes")

    assert too_early.status_code == 422
    assert "Type in the code" in words(too_early)
    assert done.status_code == 200
    assert status(house, sent.referral.id) is ReferralStatus.COMPLETED


def test_an_answer_that_does_not_end_the_referral_leads_back_to_where_it_goes_on(
    house: Any, link: Any, browser: Browser
) -> None:
    """Starting by link once ended on a page without a way on."""
    token = link(house.send().referral.id)
    here = accepted(browser, token)
    browser.post(f"{here}/code", code=mailed_code(house, token))

    started = browser.follow(browser.post(f"{here}/answer/start", confirmed="yes"))

    assert "Started. The sender knows." in words(started)
    assert "Show the person's details" in words(started)
    assert "Complete" in words(browser.post(f"{here}/show"))


def test_before_acceptance_even_the_code_shows_no_person(house: Any, link: Any, browser: Browser) -> None:
    token = link(house.send().referral.id)
    here = f"/answer/{token}"
    browser.get(here)
    code = mailed_code(house, token)

    response = browser.post(f"{here}/code", code=code)

    assert "Canaryname" not in words(response)


@pytest.mark.parametrize("days", [14, 400])
def test_a_link_lives_fourteen_days(days: int, house: Any, link: Any, browser: Browser) -> None:
    here = f"/answer/{link(house.send().referral.id)}"

    house.clock.forward(days=days)

    assert browser.get(here).status_code == 404
    assert "ask the sender" in words(browser.get(here))


def test_a_link_opens_one_referral_and_no_other_page(house: Any, link: Any, browser: Browser) -> None:
    sent, other = house.send(), house.send()
    here = f"/answer/{link(sent.referral.id)}"
    page = browser.get(here).get_data(as_text=True)

    assert other.referral.id not in page
    assert not re.search(r'href="/(sent|send|people|phone-list)', page)
    assert browser.get(f"/referrals/{sent.referral.id}").status_code == 303


def accepted(browser: Browser, token: str) -> str:
    """Accept by link and return its address."""
    here = f"/answer/{token}"
    browser.get(here)
    browser.follow(browser.post(f"{here}/answer/accept", confirmed="yes"))
    return here


def mailed_code(house: Any, token: str) -> str:
    """Make a code as the mail's sender does, and return what the mail says."""
    with house.database.write() as session:
        link = living_link(session, token, now(session))
        assert link is not None
        return make_code(session, link, now(session))
