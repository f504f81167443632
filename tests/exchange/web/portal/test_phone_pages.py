"""The facilitator: who must be phoned, what to read out, who answered what."""

from typing import Any

from exchange.actions.referrals.open_referral import open_referral
from exchange.domain.actor import Role
from fhir_mapping.case_data.referral import ReferralStatus
from tests.exchange.web.portal.conftest import words


def to_rides(house: Any) -> str:
    """Send to an agency without an address, and return the referral's id."""
    house.join("rides", kind="agency", phone="217-555-0177")
    return house.send("rides").referral.id


def test_the_list_shows_the_number_to_call(house: Any, signed_in: Any) -> None:
    to_rides(house)

    response = signed_in("hospital", Role.COORDINATOR).get("/phone-list")

    assert "Rides Food · ZC · From Hospital (217) 555-0177" in words(response)
    assert 'href="tel:2175550177"' in response.get_data(as_text=True)


def test_the_networks_facilitator_sees_what_its_members_sent(house: Any, signed_in: Any) -> None:
    referral_id = to_rides(house)
    browser = signed_in("network", Role.COORDINATOR)

    assert "Rides" in words(browser.get("/phone-list"))
    assert "Zoelle Canaryname" in words(browser.get(f"/referrals/{referral_id}/call"))


def test_a_stranger_sees_an_empty_list_and_no_sheet(house: Any, signed_in: Any) -> None:
    referral_id = to_rides(house)
    browser = signed_in("other", Role.COORDINATOR)

    assert "Nobody has to be phoned now." in words(browser.get("/phone-list"))
    assert browser.get(f"/referrals/{referral_id}/call").status_code == 404
    assert browser.get(f"/referrals/{referral_id}/sheet").status_code == 404


def test_an_answer_by_phone_is_recorded_with_who_gave_it(house: Any, signed_in: Any) -> None:
    referral_id = to_rides(house)
    browser = signed_in("hospital", Role.COORDINATOR)
    here = f"/referrals/{referral_id}/call"
    browser.get(here)

    nameless = browser.post(f"{here}/accept", answered_by="")
    recorded = browser.follow(browser.post(f"{here}/accept", answered_by="Brother Cormac"))

    assert nameless.status_code == 422
    assert "Write down who answered" in words(nameless)
    assert "Recorded. The sender sees it now." in words(recorded)
    with house.database.read() as session:
        found = open_referral(session, house.person("hospital"), referral_id)
    assert found.referral.status is ReferralStatus.ACCEPTED
    said = found.timeline[-1]
    assert (said.source, said.actor_name) == ("phone", "Brother Cormac, by phone to Rosa of hospital")


def test_a_decline_by_phone_needs_a_reason_too(house: Any, signed_in: Any) -> None:
    referral_id = to_rides(house)
    browser = signed_in("hospital", Role.COORDINATOR)
    here = f"/referrals/{referral_id}/call"
    browser.get(here)

    gap = browser.post(f"{here}/reject", answered_by="Brother Cormac", code="", text="")
    said = browser.follow(
        browser.post(f"{here}/reject", answered_by="Brother Cormac", code="no-capacity", text="No driver.")
    )

    assert gap.status_code == 422
    assert "this referral has ended" in words(said)
    assert words(browser.get("/phone-list")).count("Rides") == 0


def test_the_sheet_is_made_for_paper(house: Any, signed_in: Any) -> None:
    referral_id = to_rides(house)

    page = words(signed_in("hospital", Role.COORDINATOR).get(f"/referrals/{referral_id}/sheet"))

    assert "Referral to Rides" in page
    assert "A food box" in page
    assert "Who answered" in page
    assert "shred it" in page


def test_a_case_worker_does_not_record_for_agencies(house: Any, signed_in: Any) -> None:
    referral_id = to_rides(house)
    browser = signed_in("hospital")
    browser.get("/sent")

    assert browser.get("/phone-list").status_code == 403
    assert browser.get(f"/referrals/{referral_id}/call").status_code == 403
    assert browser.post(f"/referrals/{referral_id}/call/accept", answered_by="Me").status_code == 403
