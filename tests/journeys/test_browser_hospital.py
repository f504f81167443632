"""A hospital sends, watches, sends on and cancels, in a real browser."""

import re

import pytest

from fhir_mapping.case_data.referral import Referral, ReferralStatus, Stage
from tests.journeys.conftest import WalkIn
from tests.journeys.town import HOME, PASSWORD, Agency, LivingTown, address_of
from tests.journeys.visitor import WITH_AND_WITHOUT_SCRIPTS, Visitor

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("width", "scripts"), WITH_AND_WITHOUT_SCRIPTS.values(), ids=WITH_AND_WITHOUT_SCRIPTS.keys())
def test_a_hospital_finds_an_agency_and_sends(exchange: LivingTown, walk_in: WalkIn, scripts: bool) -> None:
    pantry = exchange.town.pantry
    dana = _at_work(walk_in, scripts=scripts)
    dana.sees("You have no open referrals.")
    dana.follow("Send a referral")

    dana.press("Find agencies", answers=422)
    dana.sees("Give the first name.", "Give the ZIP code", "Choose what the person needs.")
    _say_who_and_what(dana)
    dana.press("Find agencies")
    dana.sees(pantry.name, "Told by e-mail", "Must be phoned", "miles", "Let our network choose")
    dana.pick(_of(pantry))
    dana.press("Send the referral", answers=422)
    dana.sees("Say how the person agreed to be referred.")
    dana.pick(re.compile("^Spoken"))
    dana.choose("How urgent is it?", "Urgent: answer within a day")
    dana.fill("Note to the agency (optional)", "Call after noon.")
    dana.press("Send the referral")

    dana.sees("The referral is sent.", "Food for Amal Example", "Waiting for an answer", "Urgent", "The agency's step")
    dana.sees("Timeline", "Sent", "Dana Whitfield", "Call after noon.", "(217) 555-0177")
    assert "Example" not in dana.page.url
    dana.follow("Our referrals")
    dana.sees("Food · AE", f"To {pantry.name}", "Answer by")
    exchange.work()
    assert "/answer/" in exchange.link_in_mail(pantry.email or ""), "nobody of the agency has an account"


def test_silence_goes_back_to_the_hospital_which_cancels(exchange: LivingTown, walk_in: WalkIn) -> None:
    sent = _unanswered(exchange)
    dana = _at_work(walk_in)

    dana.sees("Nobody answered", "Nobody answered in time. Send it on to another agency, or cancel it.", "Your step")
    dana.follow(re.compile("Food"))
    dana.sees("Your step", "Decision by", "The agency was reminded", "Nobody answered in time")
    cancelling = dana.unfold("Cancel")
    dana.choose("Reason", "The need has been met another way", inside=cancelling)
    dana.fill("In your words", "Her sister shops for her now.", inside=cancelling)
    dana.press("Cancel", inside=cancelling)

    dana.sees("Cancelled", "Her sister shops for her now.")
    assert exchange.now_stands(sent.id).status is ReferralStatus.CANCELLED


def test_a_hospital_sends_on_to_an_agency_that_must_be_phoned(exchange: LivingTown, walk_in: WalkIn) -> None:
    sent, phoned = _unanswered(exchange), exchange.town.phoned
    dana = _at_work(walk_in)

    dana.follow(re.compile("Food"))
    dana.follow("Send to another agency")
    dana.press("Send it on", answers=422)
    dana.sees("Choose an agency.")
    dana.pick(_of(phoned))
    dana.fill("Note to the agency (optional)", "The first agency did not answer.")
    dana.press("Send it on")

    dana.sees("Must be phoned", "(447) 555-0100", "All attempts for this request", exchange.town.pantry.name)
    assert not dana.path.endswith(sent.id), "a new attempt is a new referral"
    assert exchange.now_stands(sent.id).status is ReferralStatus.CANCELLED
    dana.follow(exchange.town.pantry.name)
    dana.sees("Cancelled", "Sent on to another agency")


def _at_work(walk_in: WalkIn, *, scripts: bool = True) -> Visitor:
    """Return Dana of the hospital, signed in, at the list of what was sent."""
    dana = walk_in(scripts=scripts)
    dana.open("/")
    dana.sign_in(address_of("hospital"), PASSWORD)
    assert dana.path == "/sent"
    return dana


def _say_who_and_what(dana: Visitor) -> None:
    dana.fill("First name", "Amal")
    dana.fill("Last name", "Example")
    dana.fill("Date of birth", "1975-11-30")
    dana.fill("Phone", "(217) 555-0177")
    dana.choose("Language", "Arabic")
    dana.fill("ZIP code", HOME)
    dana.pick("An interpreter is needed")
    dana.choose("What is needed", "Food")
    dana.fill("What you ask of the agency", "Groceries for a family of four.")


def _of(agency: Agency) -> re.Pattern[str]:
    """Return what the words beside an agency's radio button begin with."""
    return re.compile(rf"^\s*{re.escape(agency.name)}\s")


def _unanswered(exchange: LivingTown) -> Referral:
    """Return a referral that was sent, reminded of, and answered by nobody."""
    sent = exchange.send()
    for days in (3, 5):
        exchange.clock.forward(days=days)
        exchange.work()
    after = exchange.now_stands(sent.id)
    assert (after.status, after.stage) == (ReferralStatus.REQUESTED, Stage.NO_ANSWER)
    return after
