"""An agency without an account answers from its mail: the link, the code, and what stays hidden until then."""

import pytest

from fhir_mapping.case_data.referral import ReferralStatus
from tests.journeys.conftest import WalkIn
from tests.journeys.town import LivingTown

pytestmark = pytest.mark.e2e

PERSON = ("Canaryname", "Zoelle", "555-0143", "1980")


def test_from_the_mail_to_accepted_in_three_taps_without_an_account(exchange: LivingTown, walk_in: WalkIn) -> None:
    sent = exchange.send("table")
    desk = exchange.town.table.email or ""
    link = exchange.link_in_mail(desk)
    agency = walk_in()

    agency.tap_in_mail(link)
    agency.sees("Prairie General Hospital asks for your help", "Answer by", "(217) 555-0100")
    agency.does_not_see(*PERSON, "Food", "627")
    assert exchange.now_stands(sent.id).status is ReferralStatus.REQUESTED, "opening a link changes nothing"
    agency.press("Accept")
    agency.sees("Accept this referral?", "Food", "ZIP code beginning with 627", "Spanish")
    agency.does_not_see(*PERSON)
    assert exchange.now_stands(sent.id).status is ReferralStatus.REQUESTED, "it is asked to confirm"
    agency.press("Confirm: we accept")

    assert agency.taps == 3
    agency.sees("Accepted", "Prairie General Hospital knows. Thank you.")
    agency.does_not_see(*PERSON)
    assert exchange.now_stands(sent.id).status is ReferralStatus.ACCEPTED

    agency.press("Send me the code")
    exchange.work()
    code = exchange.code_in_mail(desk)
    agency.fill("Code from the e-mail", "000000" if code != "000000" else "111111")
    agency.press("Show the person's details", answers=422)
    agency.sees("This code is wrong or too old.")
    agency.does_not_see(*PERSON)
    agency.fill("Code from the e-mail", code)
    agency.press("Show the person's details")
    agency.sees("Zoelle Canaryname", "(217) 555-0143", "Interpreter needed", "A food box a week")

    agency.press("Start")
    agency.press("Show the person's details")
    completing = agency.unfold("Complete")
    agency.fill("What was done?", "A food box was handed over.", inside=completing)
    agency.press("Complete", inside=completing)
    agency.sees("Thank you", "Completed")
    assert exchange.now_stands(sent.id).status is ReferralStatus.COMPLETED


def test_a_link_declines_with_a_reason_and_then_opens_nothing(exchange: LivingTown, walk_in: WalkIn) -> None:
    sent = exchange.send("table")
    link = exchange.link_in_mail(exchange.town.table.email or "")
    agency = walk_in()

    agency.tap_in_mail(link)
    agency.press("Show what is asked")
    agency.sees("Food", "Spanish")
    agency.does_not_see(*PERSON)
    agency.press("Decline")
    agency.press("Confirm: we decline", answers=422)
    agency.sees("Please check 2 fields", "Choose a reason.")
    agency.choose("Reason", "We do not offer this service")
    agency.fill("In your words", "We serve meals on the spot and hand out no boxes.")
    agency.press("Confirm: we decline")

    agency.sees("Thank you", "Declined")
    after = exchange.now_stands(sent.id)
    assert after.status is ReferralStatus.REJECTED
    assert after.reason is not None
    assert (after.reason.code, after.reason.text) == (
        "service-not-offered",
        "We serve meals on the spot and hand out no boxes.",
    )
    agency.open(link, answers=404)
    agency.sees("There is nothing here for you")


def test_the_link_of_a_person_who_must_not_be_contacted_says_so_first(exchange: LivingTown, walk_in: WalkIn) -> None:
    exchange.send("table", contact_prohibited=True)
    desk = exchange.town.table.email or ""
    agency = walk_in()
    agency.tap_in_mail(exchange.link_in_mail(desk))
    agency.press("Accept")
    agency.press("Confirm: we accept")
    agency.press("Send me the code")
    exchange.work()
    agency.fill("Code from the e-mail", exchange.code_in_mail(desk))

    agency.press("Show the person's details")

    agency.sees("Zoelle Canaryname")
    agency.does_not_see("555-0143")
    agency.sees_above_all("Do not contact this person.")
