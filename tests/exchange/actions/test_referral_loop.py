"""The loop through the actions: who sees what, from when, until when; what is told; what is refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.update_document import update_document
from exchange.actions.people.accept_invitation import accept_invitation
from exchange.actions.people.invite_user import invite_user
from exchange.actions.referrals.expire_clock import expire_clock
from exchange.actions.referrals.list_referrals import list_referrals
from exchange.actions.referrals.mark_undeliverable import mark_undeliverable
from exchange.actions.referrals.send_on import send_on
from exchange.db import referral, release
from exchange.db.organization import OrganizationRow
from exchange.domain.actor import Role
from exchange.domain.errors import Conflict, Forbidden, NotFound, Unprocessable
from fhir_mapping.case_data.referral import Priority, Reason, ReferralStatus, Side, Stage
from fhir_mapping.json_text import parse
from fhir_mapping.resources.task import new_referral_task
from tests.exchange.actions.parties import answer, page, seen, told
from tests.exchange.conftest import OPERATOR


def test_the_named_receiver_sees_the_person_from_the_moment_of_sending(house: Any) -> None:
    sent = house.send()

    shown = page(house, house.person("pantry"), sent)

    assert shown.person.name == "Zoelle Canaryname"
    assert shown.request_text == "A food box"
    assert shown.moves == ("accept", "reject", "cancel")
    assert seen(house, "pantry", "Patient", sent.referral.patient_id) is not None


def test_a_stranger_gets_not_found_whatever_it_asks(house: Any) -> None:
    sent, stranger = house.send(), house.person("other", Role.ADMINISTRATOR)

    with pytest.raises(NotFound, match="no such referral"):
        page(house, stranger, sent)
    with pytest.raises(NotFound, match="no such referral"):
        answer(house, stranger, sent, "accept")
    assert seen(house, "other", "Task", sent.referral.id) is None
    assert seen(house, "other", "Patient", sent.referral.patient_id) is None


def test_the_list_shows_initials_zip3_and_need_and_nothing_more(house: Any) -> None:
    house.send()

    with house.database.read() as session:
        (line,) = list_referrals(session, house.person("pantry"), "inbox")

    assert (line.initials, line.referral.zip_code, line.need_text) == ("ZC", "627", "Food Insecurity")
    assert "Canaryname" not in repr(line)


def test_the_loop_closes_and_the_sender_sees_what_was_done(house: Any) -> None:
    sent, pantry, hospital = house.send(), house.person("pantry"), house.person("hospital")

    for verb, more in (("accept", {}), ("start", {}), ("complete", {"outcome": "Two bags of food"})):
        answer(house, pantry, sent, verb, **more)

    shown = page(house, hospital, sent)
    assert shown.referral.status is ReferralStatus.COMPLETED
    assert shown.results == ("Two bags of food",)
    assert [entry.kind.value for entry in shown.timeline] == ["sent", "accepted", "started", "completed"]
    task = parse(seen(house, "hospital", "Task", sent.referral.id).body)
    kind, _, procedure_id = task["output"][0]["valueReference"]["reference"].partition("/")
    procedure = parse(seen(house, "hospital", kind, procedure_id).body)
    assert procedure["basedOn"] == [{"reference": f"ServiceRequest/{sent.referral.service_request_id}"}]
    assert (
        told(house)
        == [("referral.requested", "pantry@example.invalid")] + [("referral.changed", "hospital@example.invalid")] * 3
    )


def test_after_completion_the_receiver_reads_for_ninety_days(house: Any) -> None:
    sent, pantry = house.send(), house.person("pantry")
    for verb, more in (("accept", {}), ("complete", {"outcome": "Given"})):
        answer(house, pantry, sent, verb, **more)

    house.clock.forward(days=89)
    assert seen(house, "pantry", "Patient", sent.referral.patient_id) is not None

    house.clock.forward(days=2)
    assert seen(house, "pantry", "Patient", sent.referral.patient_id) is None
    with house.database.write() as session:
        assert release.end_run_out(session, house.clock()) == 1
    task = seen(house, "pantry", "Task", sent.referral.id)
    assert task is not None
    assert task.is_reduced


@pytest.mark.parametrize(("actor", "verb"), [("pantry", "reject"), ("hospital", "cancel"), ("hospital", "retract")])
def test_an_end_without_service_takes_the_person_away_at_once(house: Any, actor: str, verb: str) -> None:
    sent = house.send()

    answer(house, house.person(actor), sent, verb, reason=Reason("no-capacity", "We are full."))

    assert seen(house, "pantry", "Patient", sent.referral.patient_id) is None
    assert seen(house, "pantry", "Task", sent.referral.id).is_reduced
    shown = page(house, house.person("pantry"), sent)
    assert (shown.person, shown.request_text, shown.notes) == (None, "", ())


def test_another_referral_of_the_same_person_keeps_it_visible(house: Any) -> None:
    first = house.send()
    second = house.send(person=None, patient_id=first.referral.patient_id)

    answer(house, house.person("pantry"), first, "reject", reason=Reason("other", "No."))

    assert seen(house, "pantry", "Patient", first.referral.patient_id) is not None
    assert any("open referral of this person" in issue.sentence for issue in second.issues)


def test_somebody_elses_document_in_a_task_does_not_leak(house: Any) -> None:
    secret = house.keep(house.client("other"), {"resourceType": "Patient", "name": [{"family": "Secret"}]})
    mine = house.keep(house.client("hospital"), {"resourceType": "Patient", "name": [{"family": "Mine"}]})
    task = new_referral_task(
        service_request="ServiceRequest/none", patient=mine, requester=f"Organization/{house.ids['hospital']}",
        authored_on=house.clock(), owner=f"Organization/{house.ids['pantry']}", inputs=[secret],
    )  # fmt: skip

    with pytest.raises(Unprocessable, match="Task.focus must be a ServiceRequest") as refused:
        house.keep(house.client("hospital"), task)

    assert refused.value.expression == "Task.focus"
    sent = house.send()
    body = parse(seen(house, "hospital", "Task", sent.referral.id).body) | {"input": task["input"]}
    with house.database.write() as session, pytest.raises(Unprocessable, match="does not exist, or your organisation"):
        update_document(
            session,
            house.client("hospital"),
            "Task",
            sent.referral.id,
            check_document(body),
            if_match=sent.document.version,
        )


def test_an_agency_without_mail_must_be_phoned_and_a_facilitator_records(house: Any) -> None:
    house.join("shelter", kind="agency", phone="217-555-0199")
    sent = house.send("shelter")
    assert (sent.referral.stage, sent.referral.receiver_phone) == (Stage.MUST_BE_PHONED, "217-555-0199")
    assert any("must be phoned: 217-555-0199" in issue.sentence for issue in sent.issues)
    assert ("referral.must-be-phoned", "network@example.invalid") in told(house)
    by_phone = {"source": "phone"}
    facilitator = house.person("network", Role.COORDINATOR, **by_phone)

    with house.database.read() as session:
        assert [line.referral.id for line in list_referrals(session, facilitator, "phone")] == [sent.referral.id]
    with pytest.raises(Forbidden, match="record an answer for an agency"):
        answer(house, house.person("hospital", Role.CASE_WORKER, **by_phone), sent, "accept")
    after = answer(house, facilitator, sent, "accept")

    assert (after.status, after.stage) == (ReferralStatus.ACCEPTED, None)
    entry = page(house, house.person("hospital"), sent).timeline[-1]
    assert (entry.kind.value, entry.source, entry.side) == ("accepted", "phone", Side.RECEIVER)


def test_a_facilitator_sees_the_person_only_while_there_is_something_to_record(house: Any) -> None:
    house.join("shelter", kind="agency", phone="217-555-0199")
    sent, facilitator = house.send("shelter"), house.person("network", Role.COORDINATOR, source="phone")
    assert page(house, facilitator, sent).person is not None

    answer(house, facilitator, sent, "reject", reason=Reason("no-capacity", "Full."))

    assert page(house, facilitator, sent).person is None
    assert page(house, house.person("hospital", Role.COORDINATOR, source="phone"), sent).person is not None


def test_nobody_records_for_an_agency_whose_people_sign_in(house: Any) -> None:
    sent, facilitator = house.send(), house.person("network", Role.COORDINATOR, source="phone")
    assert page(house, facilitator, sent).moves == ("accept", "reject", "cancel")
    with house.database.write() as session:
        invited = invite_user(session, OPERATOR, house.ids["pantry"], "bob@example.invalid", Role.CASE_WORKER)
        accept_invitation(session, invited.link_token, "seven quiet otters", "Bob")

    with pytest.raises(NotFound):
        page(house, facilitator, sent)
    with pytest.raises(NotFound):
        answer(house, facilitator, sent, "accept")


def test_a_facilitator_of_another_network_finds_nothing(house: Any) -> None:
    house.join("shelter", kind="agency", phone="217-555-0199")
    sent = house.send("shelter")

    with pytest.raises(NotFound):
        answer(house, house.person("other", Role.COORDINATOR, source="phone"), sent, "accept")


def test_sending_on_is_a_new_task_on_the_same_request(house: Any) -> None:
    house.join("second", kind="agency", email="second@example.invalid")
    sent = house.send()
    answer(house, house.person("pantry"), sent, "reject", reason=Reason("no-capacity", "Full."))

    with house.database.write() as session:
        again = send_on(session, house.person("hospital"), sent.referral.id, house.ids["second"])

    assert again.referral.service_request_id == sent.referral.service_request_id
    assert page(house, house.person("hospital"), sent).timeline[-1].detail == {"task": again.referral.id}
    assert (again.referral.previous_id, again.referral.status) == (sent.referral.id, ReferralStatus.REQUESTED)
    assert page(house, house.person("second"), again).person is not None
    assert [one.id for one in page(house, house.person("hospital"), again).attempts] == [
        sent.referral.id,
        again.referral.id,
    ]
    with pytest.raises(NotFound):
        page(house, house.person("second"), sent)


def test_a_clock_reminds_then_records_silence_and_hands_the_step_to_the_sender(house: Any) -> None:
    sent = house.send()

    with house.database.write() as session:
        assert expire_clock(session, sent.referral.id, now=house.clock() + timedelta(days=1)) is None
        reminded = expire_clock(session, sent.referral.id, now=sent.referral.remind_at)
        assert reminded.reminded
        assert expire_clock(session, sent.referral.id, now=sent.referral.remind_at) is None
    with house.database.write() as session:
        silent = expire_clock(session, sent.referral.id, now=sent.referral.due_at)

    assert (silent.status, silent.stage, silent.next_step) == (ReferralStatus.REQUESTED, Stage.NO_ANSWER, Side.SENDER)
    assert silent.due_at > sent.referral.due_at
    task = parse(seen(house, "hospital", "Task", sent.referral.id).body)
    assert (task["status"], task["businessStatus"]["coding"][0]["code"]) == ("requested", "no-answer")
    assert ("referral.reminder", "pantry@example.invalid") in told(house)
    assert ("referral.no-answer", "hospital@example.invalid") in told(house)
    answer(house, house.person("hospital"), sent, "cancel", reason=Reason("other", "Nobody answered."))


def test_a_late_answer_after_silence_still_counts(house: Any) -> None:
    sent = house.send()
    with house.database.write() as session:
        expire_clock(session, sent.referral.id, now=sent.referral.due_at)

    assert answer(house, house.person("pantry"), sent, "accept").stage is None


def test_a_mail_that_bounces_hands_the_step_to_the_sender_at_once(house: Any) -> None:
    sent = house.send()

    with house.database.write() as session:
        mark_undeliverable(session, sent.referral.id)

    shown = page(house, house.person("hospital"), sent).referral
    assert (shown.stage, shown.next_step) == (Stage.UNDELIVERABLE, Side.SENDER)


def test_a_referral_that_names_nobody_waits_in_the_queue_as_a_preview(house: Any) -> None:
    sent, coordinator = house.send(None), house.person("network", Role.COORDINATOR)

    with house.database.read() as session:
        (line,) = list_referrals(session, coordinator, "queue")
    shown = page(house, coordinator, sent)
    assert (line.initials, shown.is_preview, shown.person, shown.moves) == ("", True, None, ("claim",))
    assert seen(house, "network", "Patient", sent.referral.patient_id) is None
    assert seen(house, "network", "Task", sent.referral.id).is_reduced

    claimed = answer(house, coordinator, sent, "claim")

    assert (claimed.receiver_id, claimed.status) == (house.ids["network"], ReferralStatus.ACCEPTED)
    assert page(house, coordinator, sent).person is not None


def test_without_a_network_a_referral_to_nobody_is_refused(house: Any) -> None:
    with house.database.write() as session:
        session.get_one(OrganizationRow, house.ids["hospital"]).network_id = None

    with pytest.raises(Unprocessable, match="name one in Task.owner"):
        house.send(None)


def test_the_same_task_identifier_twice_names_the_first(house: Any) -> None:
    sent = house.send()
    body = parse(seen(house, "hospital", "Task", sent.referral.id).body)
    task = {name: value for name, value in body.items() if name not in ("id", "meta")}
    task["identifier"] = [{"system": "urn:x", "value": "1"}]
    first = house.keep(house.client("hospital"), task)

    with pytest.raises(Conflict, match=f"{first} already has this identifier"):
        house.keep(house.client("hospital"), task)


def test_urgent_referrals_have_hours_not_days(house: Any) -> None:
    sent = house.send(priority=Priority.STAT)

    assert sent.referral.due_at == house.clock() + timedelta(hours=1)


def test_only_the_version_that_was_read_is_decided_upon(house: Any) -> None:
    sent = house.send()
    with house.database.write() as session:
        first = referral.lock(session, sent.referral.id, visible_to=house.person("pantry"))
        referral.save(session, replace(first, version=2))
        with pytest.raises(Conflict, match="changed this referral just now"):
            referral.save(session, replace(first, version=2))
