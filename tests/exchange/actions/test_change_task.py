"""A PUT on a referral Task compares meaning: what each side may change, what is kept, which one verb it is."""

from dataclasses import replace
from typing import Any

import pytest

from exchange.actions.documents.check_document import CheckedDocument, check_document
from exchange.actions.documents.update_document import update_document
from exchange.actions.referrals.compose_referral import ReferralRequest
from exchange.db import document, referral
from exchange.domain.actor import SYSTEM
from exchange.domain.errors import Forbidden, IllegalTransition, PreconditionRequired, StaleVersion, Unprocessable
from fhir_mapping.case_data.referral import Clock, Priority, ReferralStatus, Side, Stage
from fhir_mapping.json_text import parse
from fhir_mapping.resources.procedure import new_procedure
from fhir_mapping.resources.reduced_task import task_without_person
from tests.exchange.actions.parties import seen

Json = dict[str, Any]


def task_of(house: Any, referral_id: str, organization: str = "hospital") -> Json:
    body: Json = parse(seen(house, organization, "Task", referral_id).body)
    return body


def put(house: Any, organization: str, task: Json, **more: Any) -> Json:
    with house.database.write() as session:
        actor = house.client(organization)
        written = update_document(session, actor, "Task", task["id"], check_document(task), **more)
    body: Json = parse(written.document.body)
    return body


def row(house: Any, referral_id: str) -> Any:
    with house.database.read() as session:
        return referral.find(session, referral_id, visible_to=SYSTEM)


def test_the_receiver_accepts_by_putting_the_status(house: Any) -> None:
    sent = house.send()

    after = put(house, "pantry", task_of(house, sent.referral.id, "pantry") | {"status": "accepted"})

    assert (after["status"], after["meta"]["versionId"]) == ("accepted", "2")
    assert row(house, sent.referral.id).clock is Clock.START
    assert after["focus"] == task_of(house, sent.referral.id)["focus"]


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("focus", {"reference": "ServiceRequest/other"}),
        ("for", {"reference": "Patient/other"}),
        ("requester", {"reference": "Organization/other"}),
        ("owner", {"reference": "Organization/other"}),
        ("authoredOn", "2020-01-01T00:00:00Z"),
        ("priority", "stat"),
        ("description", "new words"),
        ("intent", "order"),
    ],
)
def test_the_receiver_may_not_change_what_is_asked(house: Any, element: str, value: Any) -> None:
    sent = house.send()
    task = task_of(house, sent.referral.id, "pantry") | {"status": "accepted", element: value}

    if element == "intent":
        assert put(house, "pantry", task)["status"] == "accepted"
        return
    with pytest.raises(Unprocessable, match=f"Task.{element} is not yours to change") as refused:
        put(house, "pantry", task)

    assert refused.value.expression == f"Task.{element}"
    assert row(house, sent.referral.id).status is ReferralStatus.REQUESTED


def test_a_read_only_element_that_is_left_out_is_kept(house: Any) -> None:
    sent = house.send(note="Please call first")
    task = task_of(house, sent.referral.id, "pantry")
    bare = {
        name: task[name]
        for name in ("resourceType", "id", "meta", "intent", "code", "focus", "for", "requester", "authoredOn")
    }

    after = put(house, "pantry", bare | {"status": "accepted"})

    assert after["owner"] == task["owner"]
    assert after["note"] == task["note"]
    assert after["priority"] == task["priority"]


def test_the_sender_may_not_accept_and_the_receiver_may_not_retract(house: Any) -> None:
    sent = house.send()

    with pytest.raises(Forbidden, match="Only the receiver may accept"):
        put(house, "hospital", task_of(house, sent.referral.id) | {"status": "accepted"})
    with pytest.raises(Forbidden, match="Only the sender may retract"):
        put(house, "pantry", task_of(house, sent.referral.id, "pantry") | {"status": "entered-in-error"})


def test_a_status_the_diagram_does_not_lead_to_is_refused(house: Any) -> None:
    sent = house.send()

    with pytest.raises(IllegalTransition, match="A referral that is requested cannot become completed"):
        put(house, "pantry", task_of(house, sent.referral.id, "pantry") | {"status": "completed"})


def test_a_task_without_a_version_needs_a_precondition_and_a_stale_one_is_refused(house: Any) -> None:
    sent = house.send()
    task = task_of(house, sent.referral.id, "pantry")
    put(house, "pantry", task | {"status": "accepted"})

    with pytest.raises(StaleVersion, match="is now at version 2"):
        put(house, "pantry", task | {"status": "rejected"})
    with pytest.raises(PreconditionRequired, match="send If-Match"):
        put(house, "pantry", {name: value for name, value in task.items() if name != "meta"})


def test_nothing_changed_is_no_new_version(house: Any) -> None:
    sent = house.send()
    task = task_of(house, sent.referral.id, "pantry")

    after = put(house, "pantry", task | {"lastModified": "2030-01-01T00:00:00Z"})

    assert after["meta"]["versionId"] == "1"


def test_completion_by_put_names_the_procedure_and_the_sender_reads_it(house: Any) -> None:
    sent = house.send()
    put(house, "pantry", task_of(house, sent.referral.id, "pantry") | {"status": "accepted"})
    procedure = house.keep(
        house.client("pantry"),
        new_procedure(
            patient=f"Patient/{sent.referral.patient_id}", performed_at=house.clock(), description="Food given",
            service_request=f"ServiceRequest/{sent.referral.service_request_id}",
        ),
    )  # fmt: skip
    output = [{"type": {"text": "Resulting activity"}, "valueReference": {"reference": procedure}}]
    task = task_of(house, sent.referral.id, "pantry") | {"status": "completed"}

    with pytest.raises(Unprocessable, match="needs an output"):
        put(house, "pantry", task)
    put(house, "pantry", task | {"output": output})

    assert seen(house, "hospital", "Procedure", procedure.partition("/")[2]) is not None
    assert seen(house, "other", "Procedure", procedure.partition("/")[2]) is None


def test_an_outcome_about_another_patient_is_refused_and_not_lost_in_silence(house: Any) -> None:
    sent = house.send()
    put(house, "pantry", task_of(house, sent.referral.id, "pantry") | {"status": "accepted"})
    own = house.keep(
        house.client("pantry"), {"resourceType": "Patient", "gender": "unknown", "name": [{"text": "Own"}]}
    )
    procedure = house.keep(
        house.client("pantry"),
        new_procedure(
            patient=own, performed_at=house.clock(), description="Food given",
            service_request=f"ServiceRequest/{sent.referral.service_request_id}",
        ),
    )  # fmt: skip
    output = [{"type": {"text": "Resulting activity"}, "valueReference": {"reference": procedure}}]

    with pytest.raises(Unprocessable, match="is not about the person of the referral") as refused:
        put(house, "pantry", task_of(house, sent.referral.id, "pantry") | {"status": "completed", "output": output})

    assert refused.value.expression == "Task.output[0].valueReference"
    assert row(house, sent.referral.id).status is ReferralStatus.ACCEPTED


def test_a_stage_of_ours_is_set_by_the_receiver_and_another_systems_stays_in_the_document(house: Any) -> None:
    sent = house.send()
    put(house, "pantry", task_of(house, sent.referral.id, "pantry") | {"status": "accepted"})
    task = task_of(house, sent.referral.id, "pantry")
    system = "https://example.invalid/own-codes"

    foreign = put(house, "pantry", task | {"businessStatus": {"coding": [{"system": system, "code": "x"}]}})

    assert foreign["businessStatus"]["coding"][0]["system"] == system
    assert row(house, sent.referral.id).stage is None
    from fhir_mapping.systems import REFERRAL_STAGE

    ours = {"coding": [{"system": REFERRAL_STAGE, "code": "waitlisted"}]}
    put(house, "pantry", task_of(house, sent.referral.id, "pantry") | {"businessStatus": ours})
    assert row(house, sent.referral.id).stage is Stage.WAITLISTED
    silence = {"coding": [{"system": REFERRAL_STAGE, "code": "no-answer"}]}
    with pytest.raises(Unprocessable, match="none that a receiver sets"):
        put(house, "pantry", task_of(house, sent.referral.id, "pantry") | {"businessStatus": silence})


def test_a_raised_priority_winds_the_clock_of_an_unanswered_referral(house: Any) -> None:
    sent = house.send()

    put(house, "hospital", task_of(house, sent.referral.id) | {"priority": "stat"})

    after = row(house, sent.referral.id)
    assert (after.priority, after.due_at < sent.referral.due_at) == (Priority.STAT, True)


def test_an_open_referral_is_claimed_with_its_preview(house: Any) -> None:
    sent = house.send(None)
    preview = task_without_person(task_of(house, sent.referral.id, "network"))
    mine = {"reference": f"Organization/{house.ids['network']}"}

    with house.database.write() as session:
        checked = CheckedDocument(preview | {"status": "accepted", "owner": mine})
        written = update_document(session, house.client("network"), "Task", preview["id"], checked)
    after = parse(written.document.body)

    assert (after["status"], after["owner"]["reference"]) == ("accepted", mine["reference"])
    assert row(house, sent.referral.id).receiver_id == house.ids["network"]


def draft(house: Any) -> Json:
    sent = house.send()
    task = task_of(house, sent.referral.id)
    fresh = {name: value for name, value in task.items() if name not in ("id", "meta")} | {"status": "draft"}
    return task_of(house, house.keep(house.client("hospital"), fresh).partition("/")[2])


def test_a_draft_is_released_to_nobody_until_it_is_sent(house: Any) -> None:
    task = draft(house)
    assert seen(house, "pantry", "Task", task["id"]) is None
    assert (row(house, task["id"]).clock, row(house, task["id"]).next_step) == (Clock.FINISH_DRAFT, Side.SENDER)

    put(house, "hospital", task | {"status": "requested"})

    assert seen(house, "pantry", "Task", task["id"]) is not None
    assert row(house, task["id"]).clock is Clock.ANSWER


def test_a_draft_may_be_given_another_receiver_and_is_decided_anew(house: Any) -> None:
    house.join("second", kind="agency", phone="217-555-0170")
    task = draft(house)
    second = {"reference": f"Organization/{house.ids['second']}"}

    put(house, "hospital", task | {"owner": second})
    changed = task_of(house, task["id"])
    put(house, "hospital", changed | {"status": "requested"})

    after = row(house, task["id"])
    assert (after.receiver_id, after.stage) == (house.ids["second"], Stage.MUST_BE_PHONED)
    assert seen(house, "pantry", "Task", task["id"]) is None


def test_a_new_task_is_draft_or_requested_and_nothing_else(house: Any) -> None:
    sent = house.send()
    fresh = {name: value for name, value in task_of(house, sent.referral.id).items() if name not in ("id", "meta")}

    for status in set(ReferralStatus) - {ReferralStatus.DRAFT, ReferralStatus.REQUESTED}:
        with pytest.raises(Unprocessable, match="`draft` or `requested`"):
            house.keep(house.client("hospital"), fresh | {"status": status.value})


@pytest.mark.parametrize("kind", ["Practitioner", "CareTeam", "Patient", "Device", "RelatedPerson"])
def test_a_person_or_thing_cannot_receive_a_referral(house: Any, kind: str) -> None:
    sent = house.send()
    fresh = {name: value for name, value in task_of(house, sent.referral.id).items() if name not in ("id", "meta")}

    with pytest.raises(Unprocessable) as refused:
        house.keep(house.client("hospital"), fresh | {"owner": {"reference": f"{kind}/{sent.referral.patient_id}"}})

    assert refused.value.expression == "Task.owner"


def test_a_receiver_is_found_by_identifier_and_never_by_name(house: Any) -> None:
    house.join("clinic", kind="agency", email="c@example.invalid", identifiers=(("urn:npi", "1"),))
    house.join("twin", kind="agency", email="t@example.invalid", identifiers=(("urn:npi", "2"),))
    house.join("twins", kind="agency", email="u@example.invalid", identifiers=(("urn:npi", "2"),))
    sent = house.send()
    fresh = {name: value for name, value in task_of(house, sent.referral.id).items() if name not in ("id", "meta")}

    def owned_by(owner: Json) -> str:
        return house.keep(house.client("hospital"), fresh | {"owner": owner}).partition("/")[2]

    found = row(house, owned_by({"identifier": {"system": "urn:npi", "value": "1"}}))
    assert found.receiver_id == house.ids["clinic"]
    for owner, says in (
        ({"identifier": {"system": "urn:npi", "value": "2"}}, "known by several organisations"),
        ({"identifier": {"system": "urn:npi", "value": "3"}}, "is not known here"),
        ({"display": "Clinic"}, "no organisation|names no organisation|Nobody"),
    ):
        with pytest.raises(Unprocessable, match=says) as refused:
            owned_by(owner)
        assert refused.value.expression == "Task.owner"


def test_a_requester_of_another_organisation_is_refused(house: Any) -> None:
    sent = house.send()
    fresh = {name: value for name, value in task_of(house, sent.referral.id).items() if name not in ("id", "meta")}

    with pytest.raises(Unprocessable, match="Task.requester must be your own organisation"):
        house.keep(house.client("hospital"), fresh | {"requester": {"reference": f"Organization/{house.ids['other']}"}})


def test_history_shows_a_receiver_only_what_was_current_during_its_release(house: Any) -> None:
    sent = house.send()
    patient = parse(seen(house, "hospital", "Patient", sent.referral.patient_id).body)
    with house.database.write() as session:
        update_document(
            session, house.client("hospital"), "Patient", patient["id"], check_document(patient | {"active": True})
        )
    house.join("second", kind="agency", email="second@example.invalid")
    house.send("second", person=None, patient_id=patient["id"])

    with house.database.read() as session:
        versions = {
            name: [
                one.version for one in document.history(session, "Patient", patient["id"], viewer_id=house.ids[name])
            ]
            for name in ("hospital", "pantry", "second", "other")
        }

    assert versions == {"hospital": [2, 1], "pantry": [2, 1], "second": [2], "other": []}


def test_a_request_for_an_unknown_need_names_the_field(house: Any) -> None:
    with pytest.raises(Unprocessable, match="Choose what the person needs") as refused:
        house.send(need="gold")

    assert refused.value.expression == "need"
    assert replace(ReferralRequest("a", "b", "c"), need="x").need == "x"
