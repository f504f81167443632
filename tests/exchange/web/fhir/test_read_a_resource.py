"""Read, vread and history: stored bytes, versions, conditions, and the one answer to strangers."""

from tests.exchange.web.fhir.conftest import BASE, Caller, Door, Send, a_patient, json_of, told


def test_a_resource_is_read_with_its_version_and_time(hospital: Caller) -> None:
    kept = hospital.create(a_patient())

    answer = hospital.get(f"/Patient/{kept['id']}")

    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"1"')
    assert answer.headers["Last-Modified"].endswith("GMT")
    assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert json_of(answer)["meta"]["versionId"] == "1"


def test_a_resource_is_handed_on_as_it_was_sent(hospital: Caller) -> None:
    sent = (
        '{"resourceType":"Observation","status":"final","code":{"text":"Weight"},'
        '"valueQuantity":{"value":1.50,"unit":"kg"},"_status":{"id":"s1"}}'
    )
    answer = hospital.post("/Observation", sent)

    read = hospital.get(answer.headers["Location"])

    assert b'"value":1.50' in read.data
    assert json_of(read)["_status"] == {"id": "s1"}


def test_unknown_and_invisible_resources_get_the_same_answer(hospital: Caller, other: Caller) -> None:
    kept = hospital.create(a_patient())

    unknown, invisible = other.get("/Patient/nobody"), other.get(f"/Patient/{kept['id']}")

    assert told(unknown) == (404, "not-found", "Patient/nobody does not exist, or your organisation may not see it.")
    assert told(invisible)[:2] == told(unknown)[:2]
    assert told(invisible)[2] == told(unknown)[2].replace("nobody", kept["id"])


def test_a_resource_of_another_type_is_not_found(hospital: Caller) -> None:
    kept = hospital.create(a_patient())

    assert told(hospital.get(f"/Task/{kept['id']}"))[:2] == (404, "not-found")


def test_a_known_version_is_not_sent_again(hospital: Caller) -> None:
    kept = hospital.create(a_patient())
    first = hospital.get(f"/Patient/{kept['id']}")

    by_tag = hospital.get(f"/Patient/{kept['id']}", If_None_Match=first.headers["ETag"])
    by_time = hospital.get(f"/Patient/{kept['id']}", If_Modified_Since=first.headers["Last-Modified"])
    by_old_tag = hospital.get(f"/Patient/{kept['id']}", If_None_Match='W/"7"')

    assert [by_tag.status_code, by_time.status_code, by_old_tag.status_code] == [304, 304, 200]
    assert (by_tag.data, by_tag.headers["ETag"]) == (b"", 'W/"1"')


def test_each_version_can_be_read(hospital: Caller) -> None:
    kept = hospital.create(a_patient())
    hospital.put(f"/Patient/{kept['id']}", kept | {"active": True})

    first, second = (hospital.get(f"/Patient/{kept['id']}/_history/{number}") for number in (1, 2))

    assert "active" not in json_of(first)
    assert json_of(second)["active"] is True
    assert told(hospital.get(f"/Patient/{kept['id']}/_history/3"))[:2] == (404, "not-found")


def test_the_history_holds_every_version_newest_first(hospital: Caller) -> None:
    kept = hospital.create(a_patient())
    hospital.put(f"/Patient/{kept['id']}", kept | {"active": True})

    bundle = json_of(hospital.get(f"/Patient/{kept['id']}/_history"))

    assert (bundle["type"], bundle["total"]) == ("history", 2)
    assert [one["response"]["etag"] for one in bundle["entry"]] == ['W/"2"', 'W/"1"']
    assert [one["request"]["method"] for one in bundle["entry"]] == ["PUT", "POST"]
    assert {one["fullUrl"] for one in bundle["entry"]} == {f"{BASE}/Patient/{kept['id']}"}


def test_a_history_since_a_time_leaves_out_what_is_older(door: Door, hospital: Caller) -> None:
    kept = hospital.create(a_patient())
    since = door.house.clock.forward(hours=1)
    hospital.put(f"/Patient/{kept['id']}", kept | {"active": True})

    bundle = json_of(hospital.get(f"/Patient/{kept['id']}/_history?_since={since:%Y-%m-%dT%H:%M:%SZ}"))

    assert [one["resource"]["meta"]["versionId"] for one in bundle["entry"]] == ["2"]
    assert told(hospital.get(f"/Patient/{kept['id']}/_history?_since=never"))[:2] == (400, "invalid")


def test_each_read_is_audited_with_document_person_and_writer(
    door: Door, hospital: Caller, pantry: Caller, referral: Send
) -> None:
    task = referral()

    pantry.get("/" + task["for"]["reference"])

    rows = door.audited(interaction="read", organization_id=pantry.organization_id)
    patient_id = task["for"]["reference"].removeprefix("Patient/")
    assert [(row.type, row.document_id, row.patient_id, row.author_id) for row in rows] == [
        ("Patient", patient_id, patient_id, hospital.organization_id)
    ]


def test_a_refused_read_is_audited(door: Door, other: Caller) -> None:
    other.get("/Patient/nobody")

    rows = door.audited(organization_id=other.organization_id, status=404)

    assert [(row.type, row.document_id, row.outcome) for row in rows] == [("Patient", "nobody", "4")]


def test_a_preview_of_an_open_task_says_nothing_about_the_person(door: Door, referral: Send) -> None:
    network = door.caller("network")
    task = referral(receiver=None, note=[{"text": "Canarynote about her"}], description="Canarywords")

    answer = network.get(f"/Task/{task['id']}")

    shown = json_of(answer)
    assert answer.status_code == 200
    assert (shown["status"], shown["priority"]) == ("requested", "routine")
    assert shown["requester"]["reference"].startswith("Organization/")
    assert not {"for", "focus", "note", "input", "output", "description"} & set(shown)
    assert b"Canary" not in answer.data
    assert told(network.get("/" + task["for"]["reference"]))[:2] == (404, "not-found")
