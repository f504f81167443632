"""Batch and transaction: answers in the order of the entries, each for itself or all as one, scopes of every entry."""

import json
from typing import Any

import pytest

from tests.exchange.web.fhir.conftest import (
    BASE,
    DATA,
    Caller,
    Door,
    Json,
    a_patient,
    a_referral,
    a_request,
    json_of,
    told,
)


def a_bundle(kind: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def an_entry(method: str, url: str, resource: Json | None = None, full_url: str | None = None, **request: Any) -> Json:
    entry: Json = {"request": {"method": method, "url": url} | request}
    return entry | ({"resource": resource} if resource else {}) | ({"fullUrl": full_url} if full_url else {})


def a_referral_bundle(sender: str, receiver: str) -> Json:
    return a_bundle(
        "transaction",
        an_entry("POST", "Task", a_referral("urn:uuid:p", "urn:uuid:r", sender, receiver), "urn:uuid:t"),
        an_entry("POST", "ServiceRequest", a_request("urn:uuid:p"), "urn:uuid:r"),
        an_entry("POST", "Patient", a_patient(), "urn:uuid:p"),
    )


def statuses(answer: Any) -> list[str]:
    return [one["response"]["status"] for one in json_of(answer)["entry"]]


# ---- transaction


def test_a_referral_arrives_in_one_transaction_in_any_order(hospital: Caller, pantry: Caller) -> None:
    answer = hospital.post("", a_referral_bundle(hospital.organization_id, pantry.organization_id))

    bundle = json_of(answer)
    assert (answer.status_code, bundle["type"]) == (200, "transaction-response")
    assert statuses(answer) == ["201 Created"] * 3
    places = [one["response"]["location"].removeprefix(f"{BASE}/").split("/")[0] for one in bundle["entry"]]
    assert places == ["Task", "ServiceRequest", "Patient"]
    task = json_of(pantry.get(bundle["entry"][0]["response"]["location"]))
    assert task["for"]["reference"] == "Patient/" + bundle["entry"][2]["response"]["location"].split("/")[-3]


def test_the_sample_bundle_arrives_whole(hospital: Caller, pantry: Caller) -> None:
    text = (DATA / "referral_bundle.json").read_text(encoding="utf-8")
    bundle = json.loads(
        text.replace("org-hospital", hospital.organization_id).replace("org-pantry", pantry.organization_id)
    )

    answer = hospital.post("", bundle, Prefer="return=representation")

    assert statuses(answer) == ["201 Created"] * 5
    kept = [one["resource"] for one in json_of(answer)["entry"]]
    assert [one["resourceType"] for one in kept] == ["Patient", "Condition", "Consent", "ServiceRequest", "Task"]
    assert f'href="Condition/{kept[1]["id"]}"' in kept[0]["text"]["div"]


def test_a_transaction_that_fails_leaves_nothing_and_names_the_entry(hospital: Caller) -> None:
    bundle = a_bundle(
        "transaction", an_entry("POST", "Patient", a_patient()), an_entry("POST", "Patient", a_patient(gender="woman"))
    )

    answer = hospital.post("", bundle)

    assert told(answer)[:2] == (422, "code-invalid")
    assert json_of(answer)["issue"][0]["expression"] == ["Bundle.entry[1].resource.gender"]
    assert json_of(hospital.get("/Patient?_summary=count"))["total"] == 0


def test_the_scopes_hold_for_every_entry(door: Door) -> None:
    caller = door.caller("hospital", "system/Patient.cruds")
    bundle = a_bundle(
        "transaction",
        an_entry("POST", "Patient", a_patient(), "urn:uuid:p"),
        an_entry("POST", "ServiceRequest", a_request("urn:uuid:p")),
    )

    refused = caller.post("", bundle)
    reading = caller.post("", a_bundle("transaction", an_entry("GET", "Task?status=requested")))

    assert told(refused)[:2] == told(reading)[:2] == (403, "forbidden")
    assert "system/ServiceRequest.c" in told(refused)[2]
    assert json_of(caller.get("/Patient?_summary=count"))["total"] == 0


def test_a_reading_entry_sees_what_the_transaction_wrote(hospital: Caller) -> None:
    bundle = a_bundle("transaction", an_entry("GET", "Patient?family=canary"), an_entry("POST", "Patient", a_patient()))

    found, written = json_of(hospital.post("", bundle))["entry"]

    assert found["resource"]["type"] == "searchset"
    assert len(found["resource"]["entry"]) == 1
    assert written["response"]["status"] == "201 Created"


def test_a_reading_entry_that_finds_nothing_fails_the_transaction(hospital: Caller) -> None:
    bundle = a_bundle("transaction", an_entry("POST", "Patient", a_patient()), an_entry("GET", "Patient/nobody"))

    answer = hospital.post("", bundle)

    assert told(answer)[:2] == (404, "not-found")
    assert json_of(answer)["issue"][0]["expression"] == ["Bundle.entry[1].request.url"]
    assert json_of(hospital.get("/Patient?_summary=count"))["total"] == 0


def test_a_transaction_is_answered_once_for_its_key(hospital: Caller, pantry: Caller) -> None:
    bundle = a_referral_bundle(hospital.organization_id, pantry.organization_id)

    first = hospital.post("", bundle, Idempotency_Key="abc")
    again = hospital.post("", bundle, Idempotency_Key="abc")

    assert first.data == again.data
    assert json_of(hospital.get("/Task?_summary=count"))["total"] == 1


def test_what_entries_return_is_the_clients_choice(hospital: Caller) -> None:
    bundle = a_bundle("transaction", an_entry("POST", "Patient", a_patient()))

    (quiet,) = json_of(hospital.post("", bundle))["entry"]
    (full,) = json_of(hospital.post("", bundle, Prefer="return=representation"))["entry"]
    (outcome,) = json_of(hospital.post("", bundle, Prefer="return=OperationOutcome"))["entry"]

    assert "resource" not in quiet
    assert full["resource"]["resourceType"] == "Patient"
    assert outcome["response"]["outcome"]["resourceType"] == "OperationOutcome"


# ---- batch


def test_a_batch_answers_each_entry_for_itself(hospital: Caller) -> None:
    kept = hospital.create(a_patient())
    bundle = a_bundle(
        "batch",
        an_entry("GET", f"Patient/{kept['id']}"),
        an_entry("GET", "Patient/nobody"),
        an_entry("POST", "Patient", a_patient()),
        an_entry("POST", "Patient", a_patient(gender="woman")),
        an_entry("DELETE", f"Patient/{kept['id']}"),
        an_entry("GET", "Colour/red"),
        an_entry("GET", f"{BASE}/Patient?family=canary&_summary=count"),
        an_entry("PUT", f"Patient/{kept['id']}", kept | {"active": True}, ifMatch='W/"1"'),
        an_entry("PUT", f"Patient/{kept['id']}", kept | {"active": False}, ifMatch='W/"1"'),
        an_entry("GET", f"Patient/{kept['id']}", ifNoneMatch='W/"2"'),
        an_entry("GET", "https://elsewhere.example/fhir/Patient/1"),
    )

    answer = hospital.post("", bundle)

    assert (answer.status_code, json_of(answer)["type"]) == (200, "batch-response")
    assert [int(one.split()[0]) for one in statuses(answer)] == [200, 404, 201, 422, 405, 404, 200, 200, 412, 304, 404]
    refused = json_of(answer)["entry"][3]["response"]["outcome"]["issue"][0]
    assert (refused["code"], refused["expression"]) == ("code-invalid", ["Patient.gender"])


def test_the_scopes_hold_for_each_entry_of_a_batch(door: Door) -> None:
    caller = door.caller("hospital", "system/Patient.rs")

    answer = caller.post("", a_bundle("batch", an_entry("GET", "Patient?gender=female"), an_entry("GET", "Task?"),
                                      an_entry("POST", "Patient", a_patient())))  # fmt: skip

    assert [int(one.split()[0]) for one in statuses(answer)] == [200, 403, 403]


def test_a_refused_entry_of_a_batch_is_audited(door: Door, hospital: Caller) -> None:
    hospital.post("", a_bundle("batch", an_entry("GET", "Patient/nobody")))

    (row,) = door.audited(status=404)
    assert (row.outcome, row.action, row.organization_id) == ("4", "R", hospital.organization_id)


def test_a_batch_is_answered_once_for_its_key(hospital: Caller) -> None:
    bundle = a_bundle("batch", an_entry("POST", "Patient", a_patient()))

    first = hospital.post("", bundle, Idempotency_Key="abc")
    again = hospital.post("", bundle, Idempotency_Key="abc")

    assert first.data == again.data
    assert json_of(hospital.get("/Patient?_summary=count"))["total"] == 1


def test_an_entry_that_fails_in_an_unknown_way_fails_alone(hospital: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("Canaryname")

    monkeypatch.setattr("exchange.web.fhir.shelves.documents.read", fail)
    bundle = a_bundle("batch", an_entry("GET", "Patient/1"), an_entry("GET", "Patient?gender=female"))

    answer = hospital.post("", bundle)

    assert [int(one.split()[0]) for one in statuses(answer)] == [500, 200]
    assert b"Canaryname" not in answer.data


# ---- Bundles that are none


def test_what_is_no_batch_or_transaction_is_refused(hospital: Caller) -> None:
    bundles: list[tuple[Json, str]] = [
        ({"resourceType": "Bundle", "type": "collection"}, "Bundle.type"),
        ({"resourceType": "Bundle"}, "Bundle.type"),
        ({"resourceType": "Patient", "type": "batch"}, "Bundle.type"),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, "Bundle.entry"),
        (a_bundle("batch", {}), "Bundle.entry[0].request"),
        (a_bundle("transaction", an_entry("SING", "Patient")), "Bundle.entry[0].request.method"),
        (a_bundle("batch", an_entry("POST", "Patient")), "Bundle.entry[0].resource"),
        (a_bundle("batch", *[an_entry("GET", "Patient/1")] * 501), "Bundle.entry"),
    ]

    answers = [(bundle, hospital.post("", bundle)) for bundle, _expression in bundles]

    assert {answer.status_code for _bundle, answer in answers} == {400}
    assert [(bundle, json_of(answer)["issue"][0]["expression"][0]) for bundle, answer in answers] == bundles
