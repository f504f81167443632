"""An agency that is a member: from the invitation to the closed loop, in a real browser."""

import re

import pytest

from fhir_mapping.case_data.referral import ReferralStatus
from tests.journeys.conftest import WalkIn
from tests.journeys.town import PASSWORD, LivingTown, address_of
from tests.journeys.visitor import DESK, PHONE, WITH_AND_WITHOUT_SCRIPTS, Visitor

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("width", "scripts"), WITH_AND_WITHOUT_SCRIPTS.values(), ids=WITH_AND_WITHOUT_SCRIPTS.keys())
def test_an_agency_goes_from_its_invitation_to_the_closed_loop(
    exchange: LivingTown, walk_in: WalkIn, scripts: bool
) -> None:
    exchange.invite("pantry", "Sam Ortega", joins=False)
    sam = walk_in(scripts=scripts)

    _joins(sam, exchange)
    sent = exchange.send()
    sam.tap_in_mail(exchange.link_in_mail(exchange.town.pantry.email or ""))
    assert sam.path == "/sign-in"
    sam.sign_in(address_of("pantry"), PASSWORD)
    assert sam.path == f"/referrals/{sent.id}", "whoever signs in comes back to the page they wanted"
    sam.sees("A food box a week", "Zoelle Canaryname", "Spanish", "Interpreter needed", "(217) 555-0143")
    sam.sees("Answer by", "Call the sender", "(217) 555-0100", "If nobody answers by then")

    sam.press("Accept")
    sam.sees("Accepted. The sender knows.")
    assert exchange.now_stands(sent.id).status is ReferralStatus.ACCEPTED
    sam.press("Start")
    completing = sam.unfold("Complete")
    sam.press("Complete", inside=completing, answers=422)
    sam.sees("Please check one field")
    completing = sam.page.locator("details[open]", has_text="What was done?")
    sam.fill("What was done?", "Two food boxes, and a place in the Friday queue.", inside=completing)
    sam.press("Complete", inside=completing)
    sam.sees("Completed. The loop is closed, thank you.", "Two food boxes", "You can read it for 90 more days.")
    assert exchange.now_stands(sent.id).status is ReferralStatus.COMPLETED

    sam.follow("Back to the list")
    sam.sees("Nothing is waiting for you.")
    sam.follow("Ended")
    sam.sees("Completed")
    sam.press("Sign out")
    assert sam.path == "/sign-in"


def _joins(sam: Visitor, exchange: LivingTown) -> None:
    """Choose a password by the invitation's link, see the empty inbox, and sign out."""
    sam.tap_in_mail(exchange.link_in_mail(address_of("pantry")))
    sam.sees(f"You join {exchange.town.pantry.name}")
    sam.fill("Choose a password", "too short")
    sam.press("Choose this password and sign in", answers=422)
    sam.fill("Choose a password", PASSWORD)
    sam.press("Choose this password and sign in")
    sam.sees("Inbox", "Nothing is waiting for you.", "Sam Ortega")
    sam.press("Sign out")


def test_the_inbox_says_who_asks_for_what_and_by_when(exchange: LivingTown, walk_in: WalkIn) -> None:
    email = exchange.invite("pantry", "Sam Ortega")
    exchange.send(contact_prohibited=True)
    exchange.clock.forward(days=1)
    exchange.send()
    exchange.clock.forward(days=3, hours=12)
    sam = walk_in()

    sam.open("/")
    sam.sign_in(email, PASSWORD)

    sam.sees("Food · ZC", "From Prairie General Hospital", "ZIP 627··", "Spanish", "overdue", "left")
    sam.sees("Do not contact the person")
    sam.does_not_see("Canaryname", "Zoelle", "555-0143")
    assert sam.page.locator(".line-over").count() == 1


@pytest.mark.parametrize("width", [DESK], ids=["1280px"])
def test_two_colleagues_answer_and_the_slower_one_is_told_how_it_stands(exchange: LivingTown, walk_in: WalkIn) -> None:
    email = exchange.invite("pantry", "Sam Ortega")
    sent = exchange.send()
    quick, slow = walk_in(), walk_in()
    for colleague in (quick, slow):
        colleague.open(f"/referrals/{sent.id}")
        colleague.sign_in(email, PASSWORD)

    declining = slow.unfold("Decline")
    slow.choose("Reason", "We have no capacity", inside=declining)
    slow.fill("In your words", "We are full until June.", inside=declining)
    quick.press("Accept")
    slow.press("Decline", inside=declining, answers=409)

    slow.sees("Somebody else was faster")
    slow.follow("See how it stands now")
    slow.sees("Accepted")
    assert exchange.now_stands(sent.id).status is ReferralStatus.ACCEPTED


@pytest.mark.parametrize("width", [PHONE], ids=["360px"])
def test_a_browser_that_prefers_spanish_gets_spanish_pages_that_fit(exchange: LivingTown, walk_in: WalkIn) -> None:
    email = exchange.invite("pantry", "Sam Ortega")
    exchange.send(contact_prohibited=True)
    sam = walk_in(locale="es-MX")
    sam.open("/")

    sam.sees("Iniciar sesión")
    sam.fill("Correo electrónico", email)
    sam.fill("Contraseña", PASSWORD)
    sam.press("Iniciar sesión")
    sam.follow(re.compile("ZC"))

    sam.sees("No contacte a esta persona.", "Zoelle Canaryname")
    assert sam.page.locator("html").get_attribute("lang") == "es"
    sam.follow("Enviar")


@pytest.mark.parametrize("width", [DESK], ids=["1280px"])
def test_a_referral_is_declined_with_the_keyboard_alone(exchange: LivingTown, walk_in: WalkIn) -> None:
    email = exchange.invite("pantry", "Sam Ortega")
    sent = exchange.send()
    sam = walk_in()
    sam.open("/sign-in")
    keys = sam.page.keyboard

    sam.tab_to("E-mail address")
    keys.type(email)
    sam.tab_to("Password")
    keys.type(PASSWORD)
    sam.press_key("Enter")
    keys.press("Tab")
    assert sam.focused() == "Skip to the content"
    keys.press("Enter")
    sam.tab_to("Food · ZC")
    sam.press_key("Enter")
    sam.tab_to("Decline")
    keys.press("Enter")
    sam.tab_to("Reason")
    keys.type("We have no capacity")
    sam.tab_to("In your words")
    keys.type("We are full until June.")
    sam.tab_to("Decline")
    sam.press_key("Enter")

    sam.sees("Declined. The sender knows why", "the person's details are closed")
    assert sam.taps == 0
    after = exchange.now_stands(sent.id)
    assert after.status is ReferralStatus.REJECTED
    assert after.reason is not None
    assert after.reason.text == "We are full until June."
