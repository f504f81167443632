"""The agency: from the inbox to the closed loop, by forms, without JavaScript."""

from typing import Any

import pytest

from exchange.actions.referrals.open_referral import open_referral
from exchange.domain.actor import Role
from fhir_mapping.case_data.referral import ReferralStatus
from tests.exchange.loop.papers import a_task, basis, keep
from tests.exchange.web.portal.conftest import words


def test_the_inbox_shows_need_initials_and_zip3_and_no_name(house: Any, signed_in: Any) -> None:
    house.send()

    page = words(signed_in("pantry").get("/"))

    assert "Food · ZC" in page
    assert "ZIP 627··" in page
    assert "From Hospital" in page
    assert "Answer by" in page
    assert "Canaryname" not in page


def test_an_empty_inbox_says_what_will_appear(signed_in: Any) -> None:
    page = words(signed_in("pantry").get("/"))

    assert "Nothing is waiting for you." in page


def test_the_referral_says_in_words_what_is_asked_by_when_and_whom_to_call(house: Any, signed_in: Any) -> None:
    sent = house.send()
    response = signed_in("pantry").get(f"/referrals/{sent.referral.id}")

    page = words(response)

    assert "A food box" in page
    assert "Zoelle Canaryname" in page
    assert "Spanish" in page
    assert "Interpreter needed" in page
    assert "(217) 555-0143" in page
    assert 'href="tel:217-555-0143"'.replace("-", "") in response.get_data(as_text=True)
    assert "Questions? Call the sender Hospital (217) 555-0100" in page
    assert "If nobody answers by then, the sender is told" in page


def test_a_prohibited_contact_stands_above_everything_and_hides_the_number(house: Any, signed_in: Any) -> None:
    sent = house.send(contact_prohibited=True)

    response = signed_in("pantry").get(f"/referrals/{sent.referral.id}")

    page = response.get_data(as_text=True)
    assert page.index("Do not contact this person.") < page.index("<main")
    assert "555-0143" not in page


def test_the_agency_accepts_starts_and_completes_with_an_outcome(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("pantry")
    here = f"/referrals/{sent.referral.id}"
    browser.get(here)

    accepted = browser.follow(browser.post(f"{here}/answer/accept", note="Gladly."))
    started = browser.follow(browser.post(f"{here}/answer/start"))
    completed = browser.follow(browser.post(f"{here}/answer/complete", outcome="A box of food for three days"))

    assert "Accepted. The sender knows." in words(accepted)
    assert "Gladly." in words(accepted)
    assert "Started." in words(started)
    assert "You completed this referral and the sender knows." in words(completed)
    assert "A box of food for three days" in words(completed)
    with house.database.read() as session:
        found = open_referral(session, house.person("hospital"), sent.referral.id)
    assert found.referral.status is ReferralStatus.COMPLETED
    assert found.results == ("A box of food for three days",)


def test_a_decline_needs_a_reason_and_words(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("pantry")
    here = f"/referrals/{sent.referral.id}"
    browser.get(here)

    refused = browser.post(f"{here}/answer/reject", code="", text="")
    declined = browser.follow(browser.post(f"{here}/answer/reject", code="no-capacity", text="Our shelves are empty."))

    assert refused.status_code == 422
    assert "Choose a reason." in words(refused)
    assert "Add a sentence" in words(refused)
    assert "You declined this referral." in words(declined)
    assert "Canaryname" not in words(declined)


def test_a_hold_needs_a_day_and_is_asked_about_on_it(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("pantry")
    here = f"/referrals/{sent.referral.id}"
    browser.get(here)
    browser.post(f"{here}/answer/accept")

    refused = browser.post(f"{here}/answer/hold", code="waiting-for-client", text="She calls back.")
    held = browser.follow(
        browser.post(f"{here}/answer/hold", hold_until="2026-06-12", code="waiting-for-client", text="She calls back.")
    )

    assert refused.status_code == 422
    assert "Give the day" in words(refused)
    assert "Review on Fri 12 Jun, 5:00 PM" in words(held)


def test_a_form_stands_there_only_for_a_move_that_is_possible(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("pantry")

    page = browser.get(f"/referrals/{sent.referral.id}").get_data(as_text=True)

    assert f"/referrals/{sent.referral.id}/answer/accept" in page
    assert f"/referrals/{sent.referral.id}/answer/reject" in page
    for verb in ("start", "hold", "resume", "complete", "fail", "retract", "claim", "send"):
        assert f"/answer/{verb}" not in page


def test_a_second_accept_shows_how_it_stands_now(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("pantry")
    here = f"/referrals/{sent.referral.id}"
    browser.get(here)
    browser.post(f"{here}/answer/accept")

    response = browser.post(f"{here}/answer/accept")

    assert response.status_code == 409
    assert "Somebody else was faster" in words(response)
    assert f'href="{here}"' in response.get_data(as_text=True)


def test_news_reaches_the_hospital_without_a_move(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("pantry")
    here = f"/referrals/{sent.referral.id}"
    browser.get(here)
    browser.post(f"{here}/answer/accept")

    nothing = browser.post(f"{here}/news", stage="", note="")
    told = browser.follow(browser.post(f"{here}/news", stage="client-reached", note="We spoke today."))

    assert nothing.status_code == 422
    assert "There is no news yet" in words(nothing)
    assert "Client reached" in words(told)
    assert "We spoke today." in words(told)


def test_a_stranger_sees_the_same_page_as_for_an_unknown_referral(house: Any, signed_in: Any) -> None:
    sent, stranger = house.send(), signed_in("other", Role.ADMINISTRATOR)

    invisible = stranger.get(f"/referrals/{sent.referral.id}")
    unknown = stranger.get("/referrals/019e0000-0000-7000-8000-000000000000")

    assert invisible.status_code == unknown.status_code == 404
    assert words(invisible) == words(unknown)


def test_what_people_wrote_is_shown_as_text(house: Any, signed_in: Any) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    sent = house.send(requested=attack, note=attack)

    page = signed_in("pantry").get(f"/referrals/{sent.referral.id}").get_data(as_text=True)

    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2


@pytest.mark.parametrize("time", [{}, {"time": "0001-01-01T00:00:00Z"}, {"time": "9999-12-31T23:59:59-05:00"}])
def test_a_note_without_a_time_or_from_the_edge_of_time_is_shown(house: Any, signed_in: Any, time: Any) -> None:
    """Annotation.time is optional (R4): the page of a referral that an EHR sent with such a note failed."""
    with house.database.write() as session:
        found = basis(session, house, "hospital", None)
        task = a_task(house, "hospital", "pantry", found, note=[{"text": "Please call in the morning."} | time])
        task_id = keep(session, house.client("hospital"), task).partition("/")[2]

    page = signed_in("pantry").get(f"/referrals/{task_id}")

    assert page.status_code == 200
    assert "Please call in the morning." in words(page)
