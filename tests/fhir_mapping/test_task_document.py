"""The referral Task: read tolerantly, changed only where the lifecycle owns it, compared by meaning."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping import systems
from fhir_mapping.case_data.referral import Note, Output, Priority, Reason, Referral, ReferralStatus, Stage
from fhir_mapping.codes.decline_reasons import DECLINE_REASONS, STATUSES_WITH_REASON, DeclineReason, reasons_for
from fhir_mapping.codes.referral_stages import STAGE_DISPLAYS
from fhir_mapping.conformance import check
from fhir_mapping.datatypes import Ref, Token
from fhir_mapping.json_text import JsonNumber, dump, parse
from fhir_mapping.resources.task import (
    changed_elements,
    is_referral_task,
    new_referral_task,
    task_to_referral,
    task_with,
)

OWN = Path(__file__).parents[1] / "data" / "fhir"
NOW = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)
OWNED = {"status", "businessStatus", "statusReason", "owner", "lastModified", "output", "note"}
BASE = "https://exchange.example/fhir"


def a_task(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = parse((OWN / "task.json").read_bytes())
    return value | changes


def a_referral(**changes: Any) -> Referral:
    usual = Referral(
        id="task-1",
        status=ReferralStatus.REQUESTED,
        sender_id="org-hospital",
        receiver_id="org-pantry",
        service_request_id="sr-1",
        patient_id="pat-1",
        changed_at=NOW,
    )
    return replace(usual, **changes)


def test_a_referral_is_a_task_to_fulfil_an_order() -> None:
    assert is_referral_task(a_task())
    assert not is_referral_task(a_task(intent="plan"))
    assert not is_referral_task(a_task(code={"coding": [{"code": "fulfill"}]}))
    assert not is_referral_task(parse((OWN / "patient_task.json").read_bytes()))
    assert not is_referral_task({"resourceType": "ServiceRequest", "intent": "order"})


def test_what_the_task_says_is_read() -> None:
    read = task_to_referral(a_task())

    assert read.issues == ()
    assert read.value.status == "requested"
    assert read.value.priority is Priority.URGENT
    assert read.value.focus == Ref("ServiceRequest/sr-1")
    assert read.value.requester == Ref("Organization/org-hospital", display="Mercy Hospital")
    assert read.value.owner == Ref("Organization/org-pantry", display="Mission Street Pantry")
    assert read.value.identifiers == (Token("https://mercy-hospital.example/referral", "R-2026-0042"),)
    assert read.value.authored_on == datetime(2026, 11, 20, 23, 12, tzinfo=UTC)
    assert read.value.inputs == (Ref("Observation/obs-1"),)
    assert [note.author for note in read.value.notes] == ["Discharge desk"]


def test_a_receiver_may_be_named_by_identifier() -> None:
    owner = {"identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1740000019"}}

    read = task_to_referral(a_task(owner=owner)).value.owner

    assert read == Ref(system="http://hl7.org/fhir/sid/us-npi", value="1740000019")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ({"text": "Full until May"}, "other"),
        (
            {"coding": [{"system": systems.REFERRAL_REASON, "code": "not-eligible"}], "text": "Full until May"},
            "not-eligible",
        ),
        (
            {"coding": [{"system": systems.SDOHCC_CODES, "code": "no-capacity"}], "text": "Full until May"},
            "no-capacity",
        ),
        ({"coding": [{"system": systems.REFERRAL_REASON, "code": "unheard-of"}], "text": "Full until May"}, "other"),
        ({"coding": [{"system": "urn:x", "code": "y", "display": "Full until May"}]}, "other"),
    ],
)
def test_a_reason_is_read_by_its_code_or_by_its_text(written: dict[str, Any], code: str) -> None:
    read = task_to_referral(a_task(status="rejected", statusReason=written))

    assert read.value.reason == Reason(code, "Full until May")
    assert read.issues == ()


@pytest.mark.parametrize("status", sorted(STATUSES_WITH_REASON))
def test_a_missing_reason_is_recorded_as_missing_with_a_warning(status: str) -> None:
    read = task_to_referral(a_task(status=status))

    assert read.value.reason == Reason("other", "No reason given.")
    assert [(issue.severity, issue.expression) for issue in read.issues] == [("warning", "Task.statusReason")]


@pytest.mark.parametrize("status", sorted(set(ReferralStatus) - STATUSES_WITH_REASON))
def test_other_statuses_need_no_reason(status: str) -> None:
    read = task_to_referral(a_task(status=status))

    assert read.value.reason is None
    assert read.issues == ()


def test_an_acceptance_changes_the_status_and_the_time_and_nothing_else() -> None:
    before = a_task()

    after = task_with(before, a_referral(status=ReferralStatus.ACCEPTED))

    assert {key for key in after if after[key] != before.get(key)} == {"status", "lastModified"}
    assert after["status"] == "accepted"
    assert after["lastModified"] == "2026-11-23T10:00:00.123Z"
    assert before == a_task()


def test_the_reason_carries_our_code_and_sdohccs_and_the_text() -> None:
    referral = a_referral(status=ReferralStatus.REJECTED, reason=Reason("no-capacity", "Full until May"))

    after = task_with(a_task(), referral)

    assert after["statusReason"] == {
        "coding": [
            {"system": systems.REFERRAL_REASON, "code": "no-capacity", "display": "We have no capacity"},
            {"system": systems.SDOHCC_CODES, "code": "no-capacity"},
        ],
        "text": "Full until May",
    }
    assert check(after) == ()
    assert task_to_referral(after).value.reason == referral.reason


def test_a_reason_that_already_says_so_stays_as_written() -> None:
    written = {"text": "Full until May", "extension": [{"url": "urn:x", "valueCode": "y"}]}
    referral = a_referral(status=ReferralStatus.REJECTED, reason=Reason("other", "Full until May"))

    assert task_with(a_task(statusReason=written), referral)["statusReason"] == written


def test_a_reason_goes_when_the_referral_moves_on() -> None:
    held = a_task(status="on-hold", statusReason={"text": "Waiting"})

    assert "statusReason" not in task_with(held, a_referral(status=ReferralStatus.IN_PROGRESS))


@pytest.mark.parametrize("stage", list(Stage))
def test_the_stage_is_the_business_status_and_goes_with_it(stage: Stage) -> None:
    with_stage = task_with(a_task(), a_referral(stage=stage))

    assert with_stage["businessStatus"]["coding"] == [
        {"system": systems.REFERRAL_STAGE, "code": stage, "display": STAGE_DISPLAYS[stage]}
    ]
    assert check(with_stage) == ()
    assert "businessStatus" not in task_with(with_stage, a_referral())


def test_a_business_status_of_the_writers_own_stays() -> None:
    own = {"coding": [{"system": "urn:agency", "code": "triage"}]}

    assert task_with(a_task(businessStatus=own), a_referral())["businessStatus"] == own


def test_a_claim_sets_the_owner_once() -> None:
    open_task = a_task()
    del open_task["owner"]
    referral = a_referral(status=ReferralStatus.ACCEPTED, receiver_name="Mission Street Pantry")

    claimed = task_with(open_task, referral, owner_reference="Organization/org-pantry")

    assert claimed["owner"] == {"reference": "Organization/org-pantry", "display": "Mission Street Pantry"}
    named = a_task(owner={"reference": "Organization/org-pantry", "display": "Pantry"})
    assert task_with(named, referral, owner_reference="Organization/org-pantry")["owner"] == named["owner"]


def test_outputs_and_notes_are_appended() -> None:
    referral = a_referral(
        status=ReferralStatus.COMPLETED,
        new_outputs=(Output("resulting-activity", "Procedure/1"), Output("resulting-activity", text="Groceries given")),
        new_notes=(Note("Thank you", NOW, "Organization/org-pantry"), Note("Bye", NOW, "Front desk")),
    )

    after = task_with(a_task(), referral)

    assert [note["text"] for note in after["note"]] == ["Please ask for the evening pick-up.", "Thank you", "Bye"]
    assert after["note"][1]["authorReference"] == {"reference": "Organization/org-pantry"}
    assert after["note"][2]["authorString"] == "Front desk"
    assert [output["type"]["coding"][0]["code"] for output in after["output"]] == ["resulting-activity"] * 2
    assert check(after) == ()
    assert task_to_referral(after).value.outputs == referral.new_outputs


def test_a_senders_clock_that_runs_ahead_leaves_the_task_valid() -> None:
    ahead = a_task(authoredOn="2027-01-01T00:00:00Z")

    assert check(task_with(ahead, a_referral())) == ()


def test_the_extensions_of_a_replaced_value_go_with_it() -> None:
    before = a_task(_status={"id": "a"}, _description={"id": "b"})

    after = task_with(before, a_referral(status=ReferralStatus.ACCEPTED))

    assert "_status" not in after
    assert after["_description"] == {"id": "b"}


extras = st.dictionaries(
    st.sampled_from(["description", "extension", "restriction", "groupIdentifier", "insurance", "reasonCode", "x"]),
    st.recursive(
        st.text(max_size=6) | st.booleans() | st.from_regex(r"\A[1-9]\.[0-9]{2}\Z").map(JsonNumber),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
)
referrals = st.builds(
    a_referral,
    status=st.sampled_from(ReferralStatus),
    stage=st.none() | st.sampled_from(Stage),
    reason=st.none() | st.builds(Reason, st.sampled_from(DeclineReason), st.text(min_size=1, max_size=9)),
    new_outputs=st.just(()) | st.just((Output("resulting-activity", "Procedure/1"),)),
    new_notes=st.just(()) | st.just((Note("x", NOW, "y"),)),
)


@given(extras, referrals, st.none() | st.just("Organization/org-new"))
def test_whatever_else_the_sender_wrote_stays_in_the_task(
    extra: dict[str, Any], referral: Referral, owner: str | None
) -> None:
    before = a_task(**extra)
    text = dump(before)

    after = task_with(before, referral, owner_reference=owner)

    kept = before.keys() - OWNED
    assert {key: after.get(key) for key in kept} == {key: before[key] for key in kept}
    assert after.keys() - kept <= OWNED
    assert after["status"] == referral.status
    assert after["note"][: len(before["note"])] == before["note"]
    assert dump(before) == text
    assert task_with(after, replace(referral, new_outputs=(), new_notes=()), owner_reference=owner) == after


def test_meaning_is_compared_and_not_bytes() -> None:
    before = a_task(owner={"reference": "Organization/org-pantry"})
    after = a_task(
        id="other",
        meta={"versionId": "9"},
        text={"status": "empty"},
        lastModified="2030",
        authoredOn="2026-11-20T23:12:00.000Z",
        owner={"reference": f"{BASE}/Organization/org-pantry"},
        extension=[{"valueDecimal": JsonNumber("1.5"), "url": "https://mercy-hospital.example/fhir/estimate"}],
    )

    assert changed_elements(before, after, base_url=BASE) == {}


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("status", "accepted"),
        ("owner", {"reference": "Organization/other", "display": "Mission Street Pantry"}),
        (
            "owner",
            {"reference": "https://else.example/fhir/Organization/org-pantry", "display": "Mission Street Pantry"},
        ),
        ("requester", {"reference": "Organization/a"}),
        ("priority", "routine"),
        ("authoredOn", "2026-11-20T23:12:01Z"),
        ("note", []),
        ("description", "new"),
    ],
)
def test_a_change_is_named_with_before_and_after(element: str, value: Any) -> None:
    before = a_task()

    assert changed_elements(before, before | {element: value}, base_url=BASE) == {element: (before.get(element), value)}


def test_an_element_left_out_is_reported_as_none() -> None:
    after = a_task()
    del after["restriction"]

    assert changed_elements(a_task(), after) == {"restriction": (a_task()["restriction"], None)}


def test_the_task_we_author_passes_the_check_and_reads_back() -> None:
    task = new_referral_task(
        service_request="ServiceRequest/sr-1",
        patient="Patient/pat-1",
        requester="Organization/org-hospital",
        authored_on=NOW,
        owner="Organization/org-pantry",
        owner_name="Mission Street Pantry",
        priority=Priority.STAT,
        identifiers=[Token("urn:x", "1")],
        part_of="Task/before",
        inputs=["Observation/obs-1"],
        notes=[Note("Please hurry", NOW, "Front desk")],
    )

    assert check(task) == ()
    assert is_referral_task(task)
    read = task_to_referral(task).value
    assert (read.status, read.priority) == ("requested", Priority.STAT)
    assert (read.part_of, read.inputs) == ((Ref("Task/before"),), (Ref("Observation/obs-1"),))
    assert read.authored_on == NOW.replace(microsecond=123000)


def test_an_open_task_has_no_owner() -> None:
    task = new_referral_task(
        service_request="ServiceRequest/1", patient="Patient/1", requester="Organization/1", authored_on=NOW
    )

    assert "owner" not in task
    assert check(task) == ()


def test_every_reason_has_words_and_explains_a_status() -> None:
    assert set(DECLINE_REASONS) == set(DeclineReason)
    assert set(STAGE_DISPLAYS) == set(Stage)
    for row in DECLINE_REASONS.values():
        assert row.display
        assert row.statuses
        assert row.statuses <= STATUSES_WITH_REASON


@pytest.mark.parametrize("status", sorted(STATUSES_WITH_REASON))
def test_every_status_that_wants_a_reason_offers_some_and_another_one(status: ReferralStatus) -> None:
    offered = [row.code for row in reasons_for(status)]

    assert len(offered) > 2
    assert offered[-1] is DeclineReason.OTHER
