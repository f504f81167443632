"""Create and update: conditions, preconditions, repeats, what is returned, what is refused."""

import pytest

from tests.exchange.web.fhir.conftest import BASE, Caller, Door, Json, Send, a_patient, json_of, told

MRN = "http://hospital.example/mrn"


def with_mrn(value: str = "123", **changes: object) -> Json:
    return a_patient(identifier=[{"system": MRN, "value": value}]) | changes


def test_a_new_resource_gets_its_address_version_and_time(hospital: Caller) -> None:
    answer = hospital.post("/Patient", a_patient())

    kept = json_of(answer)
    assert (answer.status_code, answer.headers["ETag"]) == (201, 'W/"1"')
    assert answer.headers["Location"] == f"{BASE}/Patient/{kept['id']}/_history/1"
    assert "Last-Modified" in answer.headers


@pytest.mark.parametrize(
    ("prefer", "kind"), [("return=minimal", None), ("return=representation", "Patient"),
                         ("return=OperationOutcome", "OperationOutcome"), ("respond-async", "Patient")],
)  # fmt: skip
def test_what_a_write_returns_is_the_clients_choice(hospital: Caller, prefer: str, kind: str | None) -> None:
    answer = hospital.post("/Patient", a_patient(), Prefer=prefer)

    assert answer.status_code == 201
    assert (json_of(answer)["resourceType"] if answer.data else None) == kind
    assert "Location" in answer.headers


def test_warnings_come_back_in_the_outcome(hospital: Caller, referral: Send) -> None:
    task = referral()

    answer = hospital.put(
        f"/Task/{task['id']}", task | {"status": "cancelled"}, Prefer="return=OperationOutcome", If_Match='W/"1"'
    )

    issue = json_of(answer)["issue"][0]
    assert answer.status_code == 200
    assert (issue["severity"], issue["code"], issue["expression"]) == ("warning", "required", ["Task.statusReason"])


def test_what_is_no_such_resource_is_refused(hospital: Caller) -> None:
    bodies = [
        ("{", 400, "structure"),
        ("", 400, "structure"),
        ("[]", 400, "structure"),
        ('{"resourceType":"Patient","resourceType":"Patient"}', 400, "structure"),
        ('{"resourceType":"Patient","multipleBirthInteger":NaN}', 400, "structure"),
        ('{"resourceType":"Patient","gender":"woman"}', 422, "code-invalid"),
        ('{"resourceType":"Patient","colour":"red"}', 422, "structure"),
        ('{"resourceType":"Task"}', 422, "invalid"),
        ("{}", 422, "structure"),
    ]

    answers = [(body, *told(hospital.post("/Patient", body.encode()))[:2]) for body, _status, _code in bodies]

    assert answers == bodies
    assert json_of(hospital.get("/Patient?_summary=count"))["total"] == 0


def test_broken_json_is_told_with_line_and_column(hospital: Caller) -> None:
    sentence = told(hospital.post("/Patient", b'{\n "a": }'))[2]

    assert "line 2, column 7" in sentence


def test_every_fault_of_a_document_is_told_with_its_place(hospital: Caller) -> None:
    answer = hospital.post("/Patient", a_patient(gender="woman", birthDate="yesterday"))

    assert answer.status_code == 422
    assert {one["expression"][0] for one in json_of(answer)["issue"]} == {"Patient.gender", "Patient.birthDate"}


def test_a_document_too_large_is_refused(hospital: Caller) -> None:
    answer = hospital.post("/Patient", b" " * 5_000_001)

    assert told(answer) == (413, "too-long", "The request is larger than 5 MB: send it in parts.")


def test_only_json_in_utf_8_is_taken(hospital: Caller) -> None:
    for content_type in (
        "application/xml",
        "text/plain",
        "application/fhir+json; charset=latin-1",
        "application/fhir+json; fhirVersion=3.0",
        "",
    ):
        answer = hospital.post("/Patient", a_patient(), Content_Type=content_type)
        assert told(answer)[:2] == (415, "not-supported"), content_type


@pytest.mark.parametrize("content_type", ["application/json", "application/fhir+json; charset=UTF-8; fhirVersion=4.0"])
def test_json_is_taken_by_each_of_its_names(hospital: Caller, content_type: str) -> None:
    assert hospital.post("/Patient", a_patient(), Content_Type=content_type).status_code == 201


def test_a_reference_the_writer_cannot_see_is_refused_like_an_unknown_one(hospital: Caller, other: Caller) -> None:
    kept = hospital.create(a_patient())
    condition = {"resourceType": "Condition", "code": {"text": "x"}}

    invisible = other.post("/Condition", condition | {"subject": {"reference": f"Patient/{kept['id']}"}})
    unknown = other.post("/Condition", condition | {"subject": {"reference": "Patient/nobody"}})

    assert told(invisible)[:2] == told(unknown)[:2] == (422, "not-found")
    assert told(invisible)[2].replace(kept["id"], "nobody") == told(unknown)[2]


# ---- conditional create


def test_a_conditional_create_finds_what_is_there(hospital: Caller) -> None:
    first = hospital.post("/Patient", with_mrn(), If_None_Exist=f"identifier={MRN}|123")
    again = hospital.post("/Patient", with_mrn(active=True), If_None_Exist=f"identifier={MRN}|123")

    assert (first.status_code, again.status_code) == (201, 200)
    assert json_of(again) == json_of(first)
    assert again.headers["Location"] == first.headers["Location"]


def test_a_conditional_create_matches_only_what_the_caller_wrote(hospital: Caller, other: Caller) -> None:
    hospital.create(with_mrn())

    assert other.post("/Patient", with_mrn(), If_None_Exist=f"identifier={MRN}|123").status_code == 201


def test_a_condition_that_matches_several_is_refused(hospital: Caller) -> None:
    for _number in range(2):
        hospital.create(with_mrn())

    answer = hospital.post("/Patient", with_mrn(), If_None_Exist=f"identifier={MRN}|123")

    assert told(answer)[:2] == (412, "multiple-matches")


@pytest.mark.parametrize("condition", ["colour=red", "", "_count=1"])
def test_a_condition_of_unknown_parameters_is_refused(hospital: Caller, condition: str) -> None:
    assert told(hospital.post("/Patient", with_mrn(), If_None_Exist=condition))[:2] == (400, "invalid")


def test_a_condition_needs_the_scope_to_search(door: Door) -> None:
    writer = door.caller("hospital", "system/Patient.c")

    assert writer.post("/Patient", with_mrn()).status_code == 201
    assert told(writer.post("/Patient", with_mrn(), If_None_Exist=f"identifier={MRN}|123")) == (
        403,
        "forbidden",
        "This token does not reach that: ask for a token with the scope system/Patient.s.",
    )


# ---- repeats


def test_a_repeat_with_the_same_key_gets_the_first_answer(hospital: Caller) -> None:
    first = hospital.post("/Patient", a_patient(), Idempotency_Key="abc")
    again = hospital.post("/Patient", a_patient(), Idempotency_Key="abc")

    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert [again.headers[name] for name in ("ETag", "Location")] == [
        first.headers[name] for name in ("ETag", "Location")
    ]
    assert json_of(hospital.get("/Patient?_summary=count"))["total"] == 1


def test_a_key_does_not_serve_for_another_request(hospital: Caller) -> None:
    hospital.post("/Patient", a_patient(), Idempotency_Key="abc")

    answer = hospital.post("/Patient", a_patient(active=True), Idempotency_Key="abc")

    assert told(answer)[:2] == (422, "duplicate")


def test_a_key_is_of_one_organisation_and_of_one_day(door: Door, hospital: Caller, other: Caller) -> None:
    first = hospital.post("/Patient", a_patient(), Idempotency_Key="abc")
    stranger = other.post("/Patient", a_patient(), Idempotency_Key="abc")
    door.house.clock.forward(hours=25)
    later = hospital.post("/Patient", a_patient(), Idempotency_Key="abc")

    assert len({json_of(one)["id"] for one in (first, stranger, later)}) == 3


def test_a_refused_request_does_not_use_up_its_key(hospital: Caller) -> None:
    refused = hospital.post("/Patient", a_patient(gender="woman"), Idempotency_Key="abc")

    assert refused.status_code == 422
    assert hospital.post("/Patient", a_patient(), Idempotency_Key="abc").status_code == 201


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
def test_a_key_that_cannot_be_one_is_refused(hospital: Caller, key: str) -> None:
    assert told(hospital.post("/Patient", a_patient(), Idempotency_Key=key))[:2] == (400, "invalid")


# ---- update


def test_an_update_makes_the_next_version(hospital: Caller) -> None:
    kept = hospital.create(a_patient())

    answer = hospital.put(f"/Patient/{kept['id']}", kept | {"active": True})

    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"2"')
    assert json_of(answer)["active"] is True


def test_an_update_of_an_unknown_and_an_invisible_id_get_the_same_answer(hospital: Caller, other: Caller) -> None:
    kept = hospital.create(a_patient())

    invisible = other.put(f"/Patient/{kept['id']}", kept)
    unknown = other.put("/Patient/nobody", kept | {"id": "nobody"})

    assert told(invisible)[:2] == told(unknown)[:2] == (404, "not-found")
    assert told(invisible)[2].replace(kept["id"], "nobody") == told(unknown)[2]


@pytest.mark.parametrize("said", ["other", None])
def test_an_update_must_carry_the_id_of_its_address(hospital: Caller, said: str | None) -> None:
    kept = hospital.create(a_patient())

    answer = hospital.put(f"/Patient/{kept['id']}", {**kept, "id": said} if said else a_patient())

    assert told(answer)[:2] == (400, "invalid")
    assert json_of(answer)["issue"][0]["expression"] == ["Patient.id"]


def test_an_update_of_a_version_that_is_past_is_refused(hospital: Caller) -> None:
    kept = hospital.create(a_patient())
    hospital.put(f"/Patient/{kept['id']}", kept | {"active": True}, If_Match='W/"1"')

    answer = hospital.put(f"/Patient/{kept['id']}", kept | {"active": False}, If_Match='W/"1"')

    assert told(answer)[:2] == (412, "conflict")
    assert told(hospital.put(f"/Patient/{kept['id']}", kept, If_Match="one"))[:2] == (400, "invalid")


def test_a_task_is_changed_only_by_who_says_what_it_has_read(pantry: Caller, referral: Send) -> None:
    task = referral()
    blind = task | {"status": "accepted", "meta": {"versionId": "not-ours"}}

    assert told(pantry.put(f"/Task/{task['id']}", blind))[:2] == (428, "required")
    assert told(pantry.put(f"/Task/{task['id']}", blind, If_Match='W/"7"'))[:2] == (412, "conflict")
    by_body = pantry.put(f"/Task/{task['id']}", task | {"status": "accepted"})
    by_tag = pantry.put(f"/Task/{task['id']}", blind | {"status": "in-progress"}, If_Match='W/"2"')

    assert [json_of(one)["status"] for one in (by_body, by_tag)] == ["accepted", "in-progress"]


def test_a_move_that_is_not_possible_is_refused(pantry: Caller, referral: Send) -> None:
    task = referral()

    answer = pantry.put(f"/Task/{task['id']}", task | {"status": "in-progress"})

    assert told(answer) == (
        422,
        "business-rule",
        "A referral that is requested cannot become in-progress: read its current status and choose a possible move.",
    )


def test_a_stranger_to_a_referral_gets_not_found(other: Caller, referral: Send) -> None:
    task = referral()

    assert told(other.put(f"/Task/{task['id']}", task | {"status": "accepted"}))[:2] == (404, "not-found")


def test_an_open_task_is_claimed_by_sending_its_preview_back(door: Door, referral: Send) -> None:
    task, network = referral(receiver=None), door.caller("network")
    preview = json_of(network.get(f"/Task/{task['id']}"))
    owner = {"reference": f"Organization/{network.organization_id}"}

    answer = network.put(f"/Task/{task['id']}", preview | {"status": "accepted", "owner": owner})

    claimed = json_of(answer)
    assert (answer.status_code, claimed["status"], claimed["owner"]["reference"]) == (
        200,
        "accepted",
        owner["reference"],
    )
    assert claimed["for"] == task["for"]
    assert "tag" not in claimed["meta"]


def test_a_task_that_is_no_preview_must_be_whole(pantry: Caller, referral: Send) -> None:
    task = referral()
    del task["focus"]

    answer = pantry.put(f"/Task/{task['id']}", task | {"status": "accepted"})

    assert told(answer)[:2] == (422, "required")


def test_who_declined_gets_the_task_back_without_the_person(pantry: Caller, referral: Send) -> None:
    task = referral()

    answer = pantry.put(f"/Task/{task['id']}", task | {"status": "rejected", "statusReason": {"text": "Canarynote"}})

    assert (answer.status_code, json_of(answer)["status"]) == (200, "rejected")
    assert "for" not in json_of(answer)
    assert told(pantry.get("/" + task["for"]["reference"]))[:2] == (404, "not-found")


def test_a_conditional_update_changes_the_one_that_matches_or_creates_it(hospital: Caller) -> None:
    first = hospital.put(f"/Patient?identifier={MRN}|123", with_mrn())
    second = hospital.put(f"/Patient?identifier={MRN}|123", with_mrn(active=True))

    assert (first.status_code, second.status_code) == (201, 200)
    assert json_of(second)["id"] == json_of(first)["id"]
    assert second.headers["ETag"] == 'W/"2"'


def test_a_conditional_update_needs_a_condition_and_the_scopes(door: Door, hospital: Caller) -> None:
    updater = door.caller("hospital", "system/Patient.us")

    assert told(hospital.put("/Patient", with_mrn()))[:2] == (400, "required")
    assert told(hospital.put("/Patient?colour=red", with_mrn()))[:2] == (400, "invalid")
    assert told(updater.put(f"/Patient?identifier={MRN}|123", with_mrn()))[:2] == (403, "forbidden")
    assert json_of(hospital.get("/Patient?_summary=count"))["total"] == 0
