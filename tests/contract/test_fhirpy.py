"""PyPI `fhirpy` answers a referral: it sends JSON as application/json, no If-Match, and version ids without quotes."""

from collections.abc import Callable

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import (
    AuthorizationError,
    ForbiddenError,
    MultipleResourcesFound,
    OperationOutcome,
    ResourceNotFound,
)

from tests.contract.backend_client import BackendClient
from tests.contract.live_exchange import LiveExchange, Wire
from tests.contract.referral_documents import SentReferral, a_patient, a_procedure, an_output, send_referral


def test_it_finds_reads_accepts_and_completes_a_referral(
    agency: SyncFHIRClient, agency_program: BackendClient, hospital: BackendClient, referral: SentReferral, wire: Wire
) -> None:
    found = agency.resources("Task").search(status="requested", owner=agency_program.organization).fetch_all()
    task = next(one for one in found if one.id == referral.task_id)
    request = agency.reference(reference=task["focus"]["reference"]).to_resource()
    task["status"] = "accepted"
    task.save()
    accepted = task["status"], task["meta"]["versionId"]
    task["status"] = "in-progress"
    task.save()
    procedure = agency.resource("Procedure", **a_procedure(referral.patient, referral.request))
    procedure.save()
    task["output"] = [an_output(f"Procedure/{procedure.id}")]
    task["status"] = "completed"
    task.save()

    assert request["code"]["text"] == "A food box each week"
    assert accepted == ("accepted", "2")
    wire.assert_every_request_carried(agency_program.token)
    seen = hospital.read(referral.task)
    assert seen["status"] == "completed"
    assert hospital.read(seen["output"][0]["valueReference"]["reference"])["code"]["text"].startswith("A food box")


def test_it_reads_page_after_page_and_counts(
    agency: SyncFHIRClient, agency_program: BackendClient, hospital: BackendClient, wire: Wire
) -> None:
    sent = {send_referral(hospital, agency_program.organization).task_id for _ in range(3)}
    wire.heard.clear()

    search = agency.resources("Task").search(_id=",".join(sorted(sent)))

    assert search.count() == 3
    assert {one.id for one in search.limit(1).fetch_all()} == sent
    assert len(wire.heard) == 4
    wire.assert_every_request_carried(agency_program.token)


def test_it_includes_what_a_task_is_about(agency: SyncFHIRClient, referral: SentReferral) -> None:
    found = agency.resources("Task").search(_id=referral.task_id).include("Task", "focus").include("Task", "patient")

    assert sorted(entry["search"]["mode"] for entry in found.fetch_raw()["entry"]) == ["include", "include", "match"]


def test_it_asks_again_only_for_what_has_changed(
    agency: SyncFHIRClient, hospital: BackendClient, referral: SentReferral, wire: Wire
) -> None:
    known = agency.resource("Task", **agency.get("Task", referral.task_id))
    known.refresh()
    assert [one.status for one in wire.fhir()] == [200, 304]
    hospital.update(hospital.read(referral.task) | {"priority": "urgent"})

    known.refresh()

    assert (known["priority"], known["meta"]["versionId"]) == ("urgent", "2")


def test_it_creates_a_person_once_and_keeps_it_current_by_identifier(hospital: BackendClient) -> None:
    client = opened_client(hospital)
    named = {"identifier": [{"system": "https://hospital.example/mrn", "value": "M-77"}]}
    person = client.resource("Patient", **a_patient(), **named)
    search = client.resources("Patient").search(identifier="https://hospital.example/mrn|M-77")

    first, was_new = search.update(person)
    person["gender"] = "other"
    second, is_new = search.update(person)

    assert (was_new, is_new) == (True, False)
    assert (second.id, second["gender"], second["meta"]["versionId"]) == (first.id, "other", "2")


def test_a_stale_task_is_not_written_over(agency: SyncFHIRClient, referral: SentReferral) -> None:
    stale, fresh = (agency.resource("Task", **agency.get("Task", referral.task_id)) for _ in range(2))
    fresh["status"] = "accepted"
    fresh.save()
    stale["status"] = "rejected"

    #  this client knows 412 by one name only; the status is what it stands for
    with pytest.raises(MultipleResourcesFound):
        stale.save()

    assert agency.get("Task", referral.task_id)["status"] == "accepted"


def test_a_move_that_is_not_drawn_is_told_with_the_place(agency: SyncFHIRClient, referral: SentReferral) -> None:
    task = agency.resource("Task", **agency.get("Task", referral.task_id))
    task["status"] = "completed"

    with pytest.raises(OperationOutcome) as refused:
        task.save()

    assert refused.value.resource["issue"][0]["code"] == "business-rule"


def test_without_a_token_it_is_refused_with_401(exchange: LiveExchange, referral: SentReferral, wire: Wire) -> None:
    with pytest.raises(AuthorizationError):
        SyncFHIRClient(exchange.fhir_base).get("Task", referral.task_id)

    assert [(one.authorization, one.status) for one in wire.fhir()] == [(None, 401)]


def test_a_token_that_nobody_issued_is_refused_with_401(
    exchange: LiveExchange, referral: SentReferral, wire: Wire
) -> None:
    with pytest.raises(AuthorizationError):
        SyncFHIRClient(exchange.fhir_base, authorization="Bearer made-up").get("Task", referral.task_id)

    assert [(one.authorization, one.status) for one in wire.fhir()] == [("Bearer made-up", 401)]


def test_beyond_its_scope_it_is_refused_with_403(
    program: Callable[..., BackendClient], referral: SentReferral, wire: Wire
) -> None:
    reader = program("agency", "system/Task.rs").sign_in("system/Task.rs")
    client = opened_client(reader)
    task = client.resource("Task", **client.get("Task", referral.task_id))
    task["status"] = "accepted"

    with pytest.raises(ForbiddenError):
        task.save()

    assert [one.status for one in wire.fhir()] == [200, 403]
    wire.assert_every_request_carried(reader.token)


def test_a_stranger_finds_nothing_and_is_refused_with_404(
    stranger: BackendClient, referral: SentReferral, wire: Wire
) -> None:
    client = opened_client(stranger)

    assert client.resources("Task").search(_id=referral.task_id).fetch_all() == []
    with pytest.raises(ResourceNotFound):
        client.get("Task", referral.task_id)

    wire.assert_every_request_carried(stranger.token)


def opened_client(who: BackendClient) -> SyncFHIRClient:
    """Let a program of the exchange that has a token speak through fhirpy."""
    return SyncFHIRClient(who.exchange.fhir_base, authorization=f"Bearer {who.token}")


@pytest.fixture(scope="module")
def agency_program(program: Callable[..., BackendClient]) -> BackendClient:
    return program("agency", key="RS384").sign_in()


@pytest.fixture
def agency(agency_program: BackendClient) -> SyncFHIRClient:
    return opened_client(agency_program)


@pytest.fixture
def referral(hospital: BackendClient, agency_program: BackendClient, exchange: LiveExchange) -> SentReferral:
    sent = send_referral(hospital, agency_program.organization)
    exchange.wire.heard.clear()
    return sent
