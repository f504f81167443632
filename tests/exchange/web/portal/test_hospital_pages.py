"""The hospital: send, see who has it, send on, cancel."""

from typing import Any

import pytest

from directory.county import county, write_hsds
from directory.importing import import_source
from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.expire_clock import expire_clock
from exchange.actions.referrals.list_referrals import list_referrals
from exchange.db.outbox import messages
from fhir_mapping.case_data.referral import Reason
from tests.exchange.web.portal.conftest import words

FORM = {
    "given": "Zoelle", "family": "Canaryname", "birth_date": "1980-01-02", "phone": "217-555-0143", "language": "es",
    "zip_code": "62701", "need": "food-insecurity", "requested": "A food box every week.", "radius": "25",
}  # fmt: skip
TERMS = {"consent": "verbal", "priority": "routine", "note": ""}


def sent_by(house: Any) -> list[Any]:
    with house.database.read() as session:
        return list_referrals(session, house.person("hospital"), "sent")


def test_a_referral_is_sent_in_two_steps_without_javascript(house: Any, signed_in: Any) -> None:
    browser = signed_in("hospital")
    browser.get("/send")
    agency = f"organization:{house.ids['pantry']}"

    found = browser.post("/send", step="find", key="one", **FORM)
    response = browser.follow(
        browser.post("/send", step="send", key="one", receiver=agency, interpreter="y", **FORM, **TERMS)
    )

    assert found.status_code == 200
    assert "Pantry Told by e-mail (217) 555-0110" in words(found)
    assert "The referral is sent." in words(response)
    assert "The agency's step Answer by" in words(response)
    line = sent_by(house)[0]
    assert (line.initials, line.receiver_name, line.referral.need) == ("ZC", "Pantry", "food-insecurity")
    with house.database.read() as session:
        assert [one.destination for one in messages(session)] == ["pantry@example.invalid"]


def test_the_same_form_sent_twice_sends_one_referral(house: Any, signed_in: Any) -> None:
    browser = signed_in("hospital")
    browser.get("/send")
    filled = {**FORM, **TERMS, "step": "send", "key": "one", "receiver": f"organization:{house.ids['pantry']}"}

    first = browser.post("/send", **filled)
    second = browser.post("/send", **{**filled, "person": "new"})

    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert len(sent_by(house)) == 1


def test_agencies_come_from_the_directory_nearest_first(house: Any, signed_in: Any, listed: None) -> None:
    browser = signed_in("hospital")
    browser.get("/send")

    response = browser.post("/send", step="find", key="one", **FORM)
    page = response.get_data(as_text=True)

    assert page.count('value="service:') == 12
    assert "miles" in words(response)
    assert "km away" not in words(response)


def test_a_listed_agency_without_mail_is_announced_as_must_be_phoned(house: Any, signed_in: Any) -> None:
    house.join("rides", kind="agency", phone="217-555-0177")
    browser = signed_in("hospital")
    browser.get("/send")

    found = browser.post("/send", step="find", key="one", **FORM)
    response = browser.follow(
        browser.post("/send", step="send", key="one", receiver=f"organization:{house.ids['rides']}", **FORM, **TERMS)
    )

    assert "Rides Must be phoned (217) 555-0177" in words(found)
    assert "Must be phoned: (217) 555-0177" in words(response)


def test_somebody_we_know_is_never_taken_for_somebody_else_without_being_asked(house: Any, signed_in: Any) -> None:
    known = house.send().referral.patient_id
    browser = signed_in("hospital")
    browser.get("/send")
    filled = {**FORM, **TERMS, "step": "send", "key": "one", "receiver": f"organization:{house.ids['pantry']}"}

    asked = browser.post("/send", **filled)
    same = browser.post("/send", **{**filled, "person": known})

    assert asked.status_code == 422
    assert "say whether it is one of them" in words(asked)
    assert same.status_code == 303
    assert {line.referral.patient_id for line in sent_by(house)} == {known}


def test_another_hospital_is_not_told_whom_we_know(house: Any, signed_in: Any) -> None:
    house.send()
    browser = signed_in("other")
    browser.get("/send")

    response = browser.post("/send", step="find", key="one", **FORM)

    assert "Is it one of these people?" not in words(response)


def test_a_person_of_ours_is_referred_again_by_a_link_without_health_data(house: Any, signed_in: Any) -> None:
    earlier = house.send().referral
    browser = signed_in("hospital")

    page = browser.get(f"/send?again={earlier.id}")
    response = browser.post(
        "/send", step="send", key="two", patient_id=earlier.patient_id, zip_code="62701", need="homelessness",
        requested="A bed.", receiver=f"organization:{house.ids['pantry']}", language="es", **TERMS,
    )  # fmt: skip

    assert "Zoelle Canaryname" in words(page)
    assert response.status_code == 303
    assert {line.referral.patient_id for line in sent_by(house)} == {earlier.patient_id}


def test_nobody_refers_a_person_of_another_hospital_again(house: Any, signed_in: Any) -> None:
    theirs = house.send().referral
    browser = signed_in("other")
    browser.get("/send")

    page = browser.get(f"/send?again={theirs.id}")
    response = browser.post(
        "/send", step="send", key="two", patient_id=theirs.patient_id, zip_code="62701", need="homelessness",
        requested="A bed.", receiver=f"organization:{house.ids['pantry']}", language="es", **TERMS,
    )  # fmt: skip

    assert page.status_code == response.status_code == 404
    assert "Canaryname" not in words(page)


@pytest.mark.parametrize(
    ("gap", "sentence"),
    [
        ("given", "Give the first name."),
        ("family", "Give the last name."),
        ("birth_date", "Give the date of birth"),
        ("zip_code", "Give the ZIP code"),
        ("need", "Choose what the person needs."),
        ("requested", "Say in a sentence what you ask for."),
        ("receiver", "Choose an agency."),
        ("consent", "Say how the person agreed"),
    ],
)
def test_what_is_missing_is_asked_for_and_nothing_is_sent(gap: str, sentence: str, house: Any, signed_in: Any) -> None:
    browser = signed_in("hospital")
    browser.get("/send")
    filled = {**FORM, **TERMS, "step": "send", "key": "one", "receiver": f"organization:{house.ids['pantry']}"}

    response = browser.post("/send", **{**filled, gap: ""})

    assert response.status_code == 422
    assert sentence in words(response)
    assert sent_by(house) == []


@pytest.mark.parametrize("zip_code", ["0000", "62701-1", "abcde", "00000"])
def test_a_place_that_is_none_is_said_to_be_none(zip_code: str, signed_in: Any) -> None:
    browser = signed_in("hospital")
    browser.get("/send")

    response = browser.post("/send", step="find", key="one", **{**FORM, "zip_code": zip_code})

    assert "has-error" in response.get_data(as_text=True)


def test_a_birth_date_that_is_none_is_refused(house: Any, signed_in: Any) -> None:
    browser = signed_in("hospital")
    browser.get("/send")

    response = browser.post("/send", step="find", key="one", **{**FORM, "birth_date": "1980-02-31"})

    assert response.status_code == 422


def test_without_an_agency_the_network_chooses(house: Any, signed_in: Any) -> None:
    browser, coordinator = signed_in("hospital"), signed_in("network")
    browser.get("/send")
    browser.post("/send", step="send", key="one", receiver="network", **FORM, **TERMS)

    queue = coordinator.get("/queue")
    here = sent_by(house)[0].referral.id
    preview = words(coordinator.get(f"/referrals/{here}"))
    claimed = words(coordinator.follow(coordinator.post(f"/referrals/{here}/answer/claim")))

    assert "Food" in words(queue)
    assert "ZC" not in words(queue)
    assert "Canaryname" not in preview
    assert "ZIP code beginning with 627" in preview
    assert "Zoelle Canaryname" in claimed
    assert "Accepted Food · ZC" in words(coordinator.get("/received"))
    assert "Food" not in words(coordinator.get("/queue"))


def test_our_referrals_say_whose_step_is_next(house: Any, signed_in: Any) -> None:
    sent = house.send()
    house.clock.forward(days=10)
    with house.database.write() as session:
        expire_clock(session, sent.referral.id, now=house.clock())

    page = words(signed_in("hospital").get("/sent"))

    assert "Nobody answered Food · ZC" in page
    assert "Send it on to another agency, or cancel it." in page
    assert "Your step" in page


def test_overdue_referrals_stand_first_and_say_so(house: Any, signed_in: Any) -> None:
    first = house.send()
    house.clock.forward(days=10)
    second = house.send()

    page = signed_in("hospital").get("/sent").get_data(as_text=True)

    assert page.index(first.referral.id) < page.index(second.referral.id)
    assert "overdue" in page[page.index(first.referral.id) : page.index(second.referral.id)]


def test_a_declined_referral_is_sent_on_to_another_agency_once(house: Any, signed_in: Any) -> None:
    sent = house.send()
    house.join("kitchen", kind="agency", email="kitchen@example.invalid")
    with house.database.write() as session:
        answer_referral(
            session, house.person("pantry"), sent.referral.id, "reject", reason=Reason("no-capacity", "Empty shelves.")
        )
    browser = signed_in("hospital")
    here = f"/referrals/{sent.referral.id}"
    page, form = browser.get(here), browser.get(f"{here}/send-on")

    new = browser.follow(browser.post(f"{here}/send-on", step="send", receiver=house.ids["kitchen"], zip_code="62701"))
    again = browser.post(f"{here}/send-on", step="send", receiver=house.ids["kitchen"], zip_code="62701")

    assert "Empty shelves." in words(page)
    assert "Send to another agency" in words(page)
    assert "Kitchen" in words(form)
    assert "Pantry Told" not in words(form)
    assert "Sent on. Here you see what happens with it." in words(new)
    assert "All attempts for this request Pantry Declined Kitchen Waiting for an answer" in words(new)
    assert again.status_code == 422
    assert [line.referral.service_request_id for line in sent_by(house)] == [sent.referral.service_request_id]


def test_a_cancel_says_why_and_closes_the_agencys_page(house: Any, signed_in: Any) -> None:
    sent = house.send()
    browser, agency = signed_in("hospital"), signed_in("pantry")
    here = f"/referrals/{sent.referral.id}"
    browser.get(here)

    response = browser.follow(browser.post(f"{here}/answer/cancel", code="need-met", text="Her sister helps."))

    assert "This referral was cancelled." in words(response)
    assert "there is nothing left for you to do" in words(agency.get(here))
    assert "Canaryname" not in words(agency.get(here))
    assert "Cancelled" in words(browser.get("/sent?show=ended"))


def test_the_hospital_may_not_accept_in_the_agencys_place(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("hospital")
    here = f"/referrals/{sent.referral.id}"
    browser.get(here)

    response = browser.post(f"{here}/answer/accept")

    assert response.status_code == 403
    assert "Only the receiver may accept this referral." in words(response)


def test_a_step_that_does_not_exist_is_not_found(house: Any, signed_in: Any) -> None:
    sent, browser = house.send(), signed_in("hospital")
    browser.get("/sent")

    assert browser.post(f"/referrals/{sent.referral.id}/answer/obliterate").status_code == 404


@pytest.fixture
def listed(house: Any, tmp_path: Any) -> None:
    """The demo's county, imported."""
    path = write_hsds(county(1), tmp_path / "county")
    import_source(house.database.write, path, now=house.clock())
