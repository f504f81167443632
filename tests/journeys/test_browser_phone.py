"""A facilitator phones an agency that has no e-mail, and records what it says."""

import pytest

from fhir_mapping.case_data.referral import ReferralStatus, Stage
from tests.journeys.conftest import WalkIn
from tests.journeys.town import PASSWORD, LivingTown, address_of
from tests.journeys.visitor import DESK

pytestmark = pytest.mark.e2e


def test_a_decline_is_recorded_by_phone_and_the_hospital_sees_who_said_it(
    exchange: LivingTown, walk_in: WalkIn
) -> None:
    agency = exchange.town.phoned
    sent = exchange.send("phoned")
    assert exchange.now_stands(sent.id).stage is Stage.MUST_BE_PHONED
    robin, dana = walk_in(), walk_in()

    robin.open("/")
    robin.sign_in(address_of("network"), PASSWORD)
    robin.follow("To be phoned")
    robin.sees(agency.name, "Must be phoned", "Food · ZC", "From Prairie General Hospital", "(447) 555-0100")
    robin.does_not_see("Canaryname", "555-0143")
    robin.follow("Sheet")
    robin.sees(f"Referral to {agency.name}", "Zoelle Canaryname", "Their answer", "Who answered")
    robin.follow("Back")
    declining = robin.unfold("Decline")
    robin.press("Decline", inside=declining, answers=422)
    robin.sees("Please check 3 fields", "Write down who answered")
    declining = robin.page.locator("details[open]", has_text="Who answered the phone?")
    robin.fill("Who answered the phone?", "Mrs Abel, front desk", inside=declining)
    robin.choose("Reason", "We have no capacity", inside=declining)
    robin.fill("In your words", "No boxes are left before July.", inside=declining)
    robin.press("Decline", inside=declining)
    robin.sees("Recorded. The sender sees it now.", "by phone", "Mrs Abel, front desk")
    robin.follow("Back to the list")
    robin.sees("Nobody has to be phoned now.")

    assert exchange.now_stands(sent.id).status is ReferralStatus.REJECTED
    dana.open(f"/referrals/{sent.id}")
    dana.sign_in(address_of("hospital"), PASSWORD)
    dana.sees("Declined", "No boxes are left before July.", "by phone", "Mrs Abel, front desk")


@pytest.mark.parametrize("width", [DESK], ids=["1280px"])
def test_the_sheet_prints_on_white_paper_without_menus(exchange: LivingTown, walk_in: WalkIn) -> None:
    sent = exchange.send("phoned", contact_prohibited=True)
    dana = walk_in()
    dana.open(f"/referrals/{sent.id}/sheet")
    dana.sign_in(address_of("hospital"), PASSWORD)

    dana.page.emulate_media(media="print")

    dana.sees(f"Referral to {exchange.town.phoned.name}", "Do not contact this person.", "Their answer")
    for gone in ("Sign out", "Use your browser's Print"):
        assert not dana.page.get_by_text(gone).first.is_visible()
    background = dana.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"


def test_the_call_page_of_a_person_who_must_not_be_contacted_says_so_first(
    exchange: LivingTown, walk_in: WalkIn
) -> None:
    sent = exchange.send("phoned", contact_prohibited=True)
    dana = walk_in()
    dana.open(f"/referrals/{sent.id}/call")

    dana.sign_in(address_of("hospital"), PASSWORD)

    dana.sees(f"Call {exchange.town.phoned.name}")
    dana.does_not_see("555-0143")
    dana.sees_above_all("Do not contact this person.")
