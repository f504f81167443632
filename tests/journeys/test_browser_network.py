"""A network's coordinator claims from the routing queue, and an administrator invites a colleague."""

import re

import pytest

from exchange.domain.actor import Role
from fhir_mapping.case_data.referral import ReferralStatus
from tests.journeys.conftest import WalkIn
from tests.journeys.town import PASSWORD, LivingTown, address_of

pytestmark = pytest.mark.e2e


def test_a_coordinator_claims_a_preview_and_then_sees_the_person(exchange: LivingTown, walk_in: WalkIn) -> None:
    sent = exchange.send(None)
    robin = walk_in()
    robin.open("/")
    robin.sign_in(address_of("network"), PASSWORD)
    assert robin.path == "/queue"

    robin.follow(re.compile("Food"))
    robin.sees("ZIP code beginning with 627", "Spanish", "From Prairie General Hospital")
    robin.does_not_see("Canaryname", "Zoelle", "555-0143", "A food box a week")
    robin.press("Claim and accept")

    robin.sees("Claimed. You now see the person's details.", "Zoelle Canaryname", "(217) 555-0143")
    robin.follow("Back to the list")
    assert robin.path == "/received", "what was claimed is found again"
    robin.sees("Food · ZC", "Accepted", "Start by", "Your step")
    after = exchange.now_stands(sent.id)
    assert (after.status, after.receiver_id) == (ReferralStatus.ACCEPTED, exchange.town.ids["network"])


def test_an_administrator_invites_a_colleague_who_joins(exchange: LivingTown, walk_in: WalkIn) -> None:
    email = exchange.invite("pantry", "Sam Ortega", Role.ADMINISTRATOR)
    sam, noor = walk_in(), walk_in()
    sam.open("/people")
    sam.sign_in(email, PASSWORD)

    sam.press("Send the invitation", answers=422)
    sam.fill("Name", "Noor Haddad")
    sam.fill("E-mail address", "noor@pantry.invalid")
    sam.press("Send the invitation")
    sam.sees("The invitation is on its way.", "Noor Haddad", "Invited")
    exchange.work()
    noor.tap_in_mail(exchange.link_in_mail("noor@pantry.invalid"))
    noor.fill("Choose a password", "four calm herons fishing")
    noor.press("Choose this password and sign in")

    noor.sees("Inbox", "Noor Haddad")
    sam.open("/people")
    sam.sees("Noor Haddad", "Joined")
    noor.does_not_see("/people")
