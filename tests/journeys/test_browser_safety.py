"""What people type is shown as text, and what must be seen first stands above everything, in a real browser."""

import pytest

from exchange.actions.directory.add_organization import Joining, add_organization
from fhir_mapping.case_data.person import Person
from tests.journeys.conftest import WalkIn
from tests.journeys.town import HOME, OPERATOR, PASSWORD, LivingTown, address_of
from tests.journeys.visitor import DESK, Visitor

pytestmark = pytest.mark.e2e

IMAGE = "<img src=x onerror=alert(1)>"
SCRIPT = "<script>alert(2)</script>"
BREAKOUT = "\"'></textarea></title><svg onload=alert(3)>"
TEMPLATE = "{{ 7 * 7 }} ${7*7} javascript:alert(4)"
LIVE = "img, iframe, object, embed, [onerror], [onload], main script, title svg, a[href^='javascript']"


def test_the_banner_stands_above_everything_and_the_number_is_nowhere(exchange: LivingTown, walk_in: WalkIn) -> None:
    sent = exchange.send(contact_prohibited=True)
    email = exchange.invite("pantry", "Sam Ortega")
    sam = walk_in()
    sam.open(f"/referrals/{sent.id}")

    sam.sign_in(email, PASSWORD)

    sam.sees("Zoelle Canaryname")
    sam.does_not_see("555-0143")
    sam.sees_above_all("Do not contact this person.")


@pytest.mark.parametrize("width", [DESK], ids=["1280px"])
def test_what_people_type_is_shown_as_text_everywhere(exchange: LivingTown, walk_in: WalkIn) -> None:
    with exchange.database.write() as session:
        told = Joining(f"Pantry {IMAGE}", "agency", phone="217-555-0111")
        exchange.town.ids["hostile"] = add_organization(session, OPERATOR, told)
    person = Person(
        family=SCRIPT, given=(IMAGE,), birth_date="1980-01-02", phones=("\"><b>217</b>",), zip_code=HOME,
        address_lines=(BREAKOUT,), city=TEMPLATE, language="en", language_name=IMAGE,
    )  # fmt: skip
    said = {"person": person, "requested": BREAKOUT + TEMPLATE, "note": IMAGE + SCRIPT}
    mine, phoned = exchange.send(**said), exchange.send("hostile", **said)
    email = exchange.invite("pantry", f"Sam {IMAGE}")
    sam, dana = walk_in(), walk_in()

    sam.open(f"/referrals/{mine.id}")
    sam.sign_in(email, PASSWORD)
    _is_text(sam, IMAGE, SCRIPT, BREAKOUT, TEMPLATE, f"Sam {IMAGE}")
    sam.press("Accept")
    completing = sam.unfold("Complete")
    sam.fill("What was done?", BREAKOUT, inside=completing)
    sam.press("Complete", inside=completing)
    _is_text(sam, BREAKOUT)
    sam.follow("Back to the list")

    dana.open(f"/referrals/{mine.id}")
    dana.sign_in(address_of("hospital"), PASSWORD)
    _is_text(dana, IMAGE, SCRIPT, BREAKOUT, TEMPLATE, f"Sam {IMAGE}")
    for path, shown in (
        ("/sent", f"Pantry {IMAGE}"),
        ("/phone-list", f"Pantry {IMAGE}"),
        (f"/referrals/{phoned.id}/call", SCRIPT),
        (f"/referrals/{phoned.id}/sheet", BREAKOUT),
        (f"/send?again={phoned.id}", SCRIPT),
        (f"/referrals/{phoned.id}/send-on", SCRIPT),
    ):
        dana.open(path)
        _is_text(dana, shown)


@pytest.mark.parametrize("width", [DESK], ids=["1280px"])
def test_what_was_typed_into_a_refused_form_comes_back_as_text(exchange: LivingTown, walk_in: WalkIn) -> None:
    dana = walk_in()
    dana.open("/send")
    dana.sign_in(address_of("hospital"), PASSWORD)
    dana.fill("First name", IMAGE)
    dana.fill("What you ask of the agency", BREAKOUT)

    dana.press("Find agencies", answers=422)

    assert dana.page.get_by_label("First name").input_value() == IMAGE
    assert dana.page.get_by_label("What you ask of the agency").input_value() == BREAKOUT
    assert dana.page.locator(LIVE).count() == 0


def test_refusals_are_pages_that_say_what_to_do_next(exchange: LivingTown, walk_in: WalkIn) -> None:
    sent = exchange.send("table")
    email = exchange.invite("pantry", "Sam Ortega")
    sam = walk_in()
    sam.open("/")

    sam.fill("E-mail address", email)
    sam.fill("Password", "not my password")
    sam.press("Sign in", answers=401)
    sam.sees("Please check one field")
    sam.sign_in(email, PASSWORD)
    sam.open("/nowhere", answers=404)
    sam.sees("There is no page at this address.", "Go to the start page")
    sam.open(f"/referrals/{sent.id}", answers=404)
    sam.open("/phone-list", answers=403)
    sam.sees("You may not do this", "Ask an administrator")
    sam.page.context.clear_cookies(name="exchange_form")
    sam.open("/send")
    sam.page.context.clear_cookies(name="exchange_form")
    sam.press("Find agencies", answers=400)
    sam.sees("This form is too old", "Nothing was stored.")


def _is_text(visitor: Visitor, *texts: str) -> None:
    """Fail unless each text can be read on the page and none of it has come to life."""
    content = visitor.text()
    for text in texts:
        assert " ".join(text.split()) in content, f"{text} cannot be read on {visitor.path}"
    live = visitor.page.locator(LIVE)
    assert live.count() == 0, f"{live.first.evaluate('one => one.outerHTML')} is alive on {visitor.path}"
