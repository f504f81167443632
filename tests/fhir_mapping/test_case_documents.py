"""Patient, Consent, ServiceRequest, Procedure, Provenance and AuditEvent: read tolerantly, authored well-formed."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping import systems
from fhir_mapping.case_data.person import Person
from fhir_mapping.case_data.referral import Priority
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from fhir_mapping.conformance import check
from fhir_mapping.datatypes import Ref, Token
from fhir_mapping.json_text import parse
from fhir_mapping.resources.audit_event import audit_event
from fhir_mapping.resources.consent import consent, new_consent
from fhir_mapping.resources.patient import new_patient, person
from fhir_mapping.resources.procedure import new_procedure
from fhir_mapping.resources.provenance import provenance
from fhir_mapping.resources.service_request import content, new_service_request

OWN = Path(__file__).parents[1] / "data" / "fhir"
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def document(name: str) -> dict[str, Any]:
    value: dict[str, Any] = parse((OWN / f"{name}.json").read_bytes())
    return value


def test_a_patient_is_read_with_the_name_and_the_phone_to_use() -> None:
    read = person(document("patient"))

    assert read.issues == ()
    assert read.value == Person(
        family="Alvarez Núñez",
        given=("Rosa", "María"),
        birth_date="1984-07-09",
        gender="female",
        phones=("+1 415 555 0177", "(415) 555-0123"),
        emails=("Rosa.Alvarez@mail.example",),
        address_lines=("12 Larkspur Lane", "Apt 4"),
        city="San Francisco",
        state="CA",
        zip_code="94110",
        language="es",
        language_name="Spanish",
        interpreter_needed=True,
    )
    assert (read.value.name, read.value.initials) == ("Rosa María Alvarez Núñez", "RA")


def test_a_patient_without_name_and_phone_is_read_and_said_to_be_so() -> None:
    read = person({"resourceType": "Patient"})

    assert read.value == Person()
    assert read.value.initials == ""
    assert {(issue.severity, issue.expression) for issue in read.issues} == {
        ("information", "Patient.name"),
        ("information", "Patient.telecom"),
    }


@pytest.mark.parametrize(
    ("someone", "initials"),
    [
        (Person(full_name="rosa alvarez nuñez"), "RN"),
        (Person(full_name="Cher"), "C"),
        (Person(family="ñandú"), "Ñ"),
        (Person(given=("Li", "Na"), family="Wu"), "LW"),
    ],
)
def test_initials_are_two_letters_at_most(someone: Person, initials: str) -> None:
    assert someone.initials == initials


def test_old_phones_are_left_out_and_death_is_seen() -> None:
    read = person(
        {
            "telecom": [{"system": "phone", "value": "1", "use": "old"}, {"system": "sms", "value": "2"}],
            "deceasedDateTime": "2026-01-01",
        }
    ).value

    assert read.phones == ("2",)
    assert read.deceased


@pytest.mark.parametrize(("code", "needed"), [("373066001", True), ("373067005", False)])
def test_us_cores_interpreter_extension_is_read(code: str, needed: bool) -> None:
    extension = {"url": systems.INTERPRETER_NEEDED, "valueCoding": {"system": systems.SNOMED, "code": code}}

    assert person({"extension": [extension]}).value.interpreter_needed is needed


names = st.text(st.characters(categories=["L"]), min_size=1, max_size=8)
people = st.builds(
    Person,
    family=names,
    given=st.lists(names, max_size=2).map(tuple),
    birth_date=st.dates().map(lambda day: f"{day:%Y-%m-%d}".zfill(10)),
    gender=st.sampled_from(["male", "female", "other", "unknown"]),
    phones=st.lists(names, max_size=2, unique=True).map(tuple),
    emails=st.lists(names, max_size=1).map(tuple),
    address_lines=st.lists(names, max_size=2).map(tuple),
    city=st.just("") | names,
    zip_code=st.just("") | st.just("94110"),
    interpreter_needed=st.booleans(),
)


@given(people)
def test_a_person_goes_out_and_comes_back_the_same(someone: Person) -> None:
    written = new_patient(someone, identifiers=(Token("urn:x", "1"),))

    assert check(written) == ()
    assert person(written).value == someone


def test_a_consent_is_read_with_its_limits() -> None:
    read = consent(document("consent"))

    assert read.issues == ()
    assert (read.value.status, read.value.scope, read.value.denies) == ("active", "patient-privacy", False)
    assert read.value.patient == "Patient/pat-1"
    assert read.value.recipients == ("Organization/org-pantry",)
    assert read.value.period_start == datetime(2026, 11, 20, tzinfo=UTC)
    assert read.value.period_end == datetime(2027, 11, 20, tzinfo=UTC)
    assert read.value.given_at == datetime(2026, 11, 20, 23, tzinfo=UTC)


def test_exceptions_about_recipients_are_read_and_others_are_named() -> None:
    actor = {"role": {"text": "x"}, "reference": {"reference": "Organization/2"}}
    base = document("consent")
    base["provision"]["provision"] = [{"type": "deny", "actor": [actor]}]
    limited = consent(base)
    base["provision"]["provision"] = [{"type": "deny", "class": [{"code": "x"}]}]
    partial = consent(base)

    assert limited.value.denied_recipients == ("Organization/2",)
    assert (limited.value.has_exceptions, limited.issues) == (False, ())
    assert partial.value.has_exceptions
    assert [issue.expression for issue in partial.issues] == ["Consent.provision.provision"]


def test_a_refusal_and_labels_are_read() -> None:
    read = consent(
        {
            "resourceType": "Consent",
            "status": "active",
            "meta": {"security": [{"code": "R"}]},
            "provision": {"type": "deny", "securityLabel": [{"code": "V"}], "purpose": [{"code": "TREAT"}]},
        }
    ).value

    assert read.denies
    assert read.security_labels == ("V", "R")
    assert read.purposes == ("TREAT",)


@pytest.mark.parametrize("recipients", [(), ("Organization/2", "Organization/3")])
def test_the_consent_we_author_passes_the_check_and_reads_back(recipients: tuple[str, ...]) -> None:
    written = new_consent(
        patient="Patient/1", organization="Organization/1", given_at=NOW, how="Spoken", recipients=recipients
    )

    assert check(written) == ()
    read = consent(written).value
    assert (read.patient, read.recipients, read.status) == ("Patient/1", recipients, "active")
    assert read.period_start == NOW
    assert read.period_end is None


def test_an_order_is_read_with_its_need_and_its_ban_on_contact() -> None:
    read = content(document("service_request"))

    assert (read.need, read.need_text) == ("food-insecurity", "Food Insecurity")
    assert read.requested_text == "Assistance with application for food pantry program"
    assert read.contact_prohibited
    assert read.performers == (Ref("Organization/org-pantry", display="Mission Street Pantry"),)
    assert read.priority is Priority.URGENT


def test_without_a_category_the_need_is_what_is_requested() -> None:
    assert content({"code": {"text": "A ride"}}).need_text == "A ride"
    assert content({"category": [{"text": "Transport"}]}).need_text == "Transport"
    assert content({}).need_text == ""


@pytest.mark.parametrize("need", SDOH_CATEGORIES)
def test_the_order_we_author_passes_the_check_and_reads_back(need: str) -> None:
    written = new_service_request(
        need=need,
        requested="Groceries for four",
        patient="Patient/1",
        requester="Organization/1",
        authored_on=NOW,
        performer="HealthcareService/1",
        contact_prohibited=True,
        supporting_info=["Consent/1"],
        reasons=["Condition/1"],
        note="Two children",
    )

    assert check(written) == ()
    read = content(written)
    assert (read.need, read.requested_text, read.contact_prohibited) == (need, "Groceries for four", True)


def test_the_procedure_we_author_passes_the_check() -> None:
    written = new_procedure(
        patient="Patient/1",
        service_request="ServiceRequest/1",
        performed_at=NOW,
        description="Groceries for one week",
        need="food-insecurity",
        performer="Organization/1",
        note="Came twice",
    )

    assert check(written) == ()
    assert written["basedOn"] == [{"reference": "ServiceRequest/1"}]
    assert (
        check(new_procedure(patient="Patient/1", service_request="ServiceRequest/1", performed_at=NOW, description="x"))
        == ()
    )


def test_the_provenance_we_author_passes_the_check() -> None:
    written = provenance(
        targets=["Task/1/_history/2"],
        recorded=NOW,
        organization="Organization/1",
        author="A facilitator, by phone",
        on_behalf_of="Organization/2",
        activity="UPDATE",
        reason="Recorded by phone",
    )

    assert check(written) == ()
    assert [agent["type"]["coding"][0]["code"] for agent in written["agent"]] == ["author", "transmitter"]


ROW = {
    "id": "0192-a",
    "at": NOW,
    "action": "R",
    "interaction": "read",
    "outcome": "0",
    "organization_id": "org-1",
    "actor_id": "client-1",
    "actor_name": "Mercy EHR",
    "type": "Task",
    "document_id": "task-1",
    "version": 3,
    "patient_id": "pat-1",
    "address": "192.0.2.7",
    "request_id": "req-1",
    "query": None,
    "purpose": None,
}


@pytest.mark.parametrize("action", list("CRUDE"))
@pytest.mark.parametrize("patient", [None, "pat-1"])
def test_every_audit_row_becomes_a_wellformed_event(action: str, patient: str | None) -> None:
    event = audit_event(ROW | {"action": action, "patient_id": patient}, server="https://exchange.example/fhir")

    assert check(event) == ()
    assert event["meta"]["profile"][0].startswith(systems.BALP + "IHE.BasicAudit.")
    assert ("Patient" in event["meta"]["profile"][0]) is (patient is not None)


def test_on_a_read_the_data_flow_to_the_client_and_on_a_write_from_it() -> None:
    read, written = (audit_event(ROW | {"action": action}, server="https://x.example") for action in "RC")

    assert [agent["type"]["coding"][0]["code"] for agent in read["agent"]] == ["110152", "110153"]
    assert [agent["type"]["coding"][0]["code"] for agent in written["agent"]] == ["110153", "110152"]
    assert read["entity"][0]["what"] == {"reference": "Task/task-1/_history/3"}
    assert read["agent"][0]["who"]["reference"] == "Organization/org-1"


def test_a_search_keeps_its_query_in_base64() -> None:
    event = audit_event(
        ROW | {"action": "E", "interaction": "search-type", "query": "owner=é", "document_id": None},
        server="https://x.example",
    )

    assert base64.b64decode(event["entity"][0]["query"]).decode() == "owner=é"
    assert check(event) == ()


def test_a_row_about_nothing_in_particular_is_an_event_too() -> None:
    bare = {key: None for key in ROW} | {key: ROW[key] for key in ("id", "at", "action", "interaction", "outcome")}

    event = audit_event(bare, server="https://x.example")

    assert check(event) == ()
    assert "entity" not in event
