"""Organization, HealthcareService and Location as projections of membership and directory; AuditEvent as the audit."""

import base64
from pathlib import Path

import pytest

from directory.importing import import_source
from tests.exchange.web.fhir.conftest import BASE, Caller, Door, Json, a_patient, json_of, matches, told

DIRECTORY = Path(__file__).parents[3] / "data" / "directory" / "hsds_json"


@pytest.fixture
def listed(door: Door) -> Door:
    """The house with a directory."""
    import_source(door.house.database.write, DIRECTORY, now=door.house.clock())
    return door


def resources(answer: object) -> list[Json]:
    return [one["resource"] for one in json_of(answer).get("entry", []) if one["search"]["mode"] == "match"]  # type: ignore[arg-type]


def test_members_are_organizations(door: Door, hospital: Caller, pantry: Caller) -> None:
    answer = hospital.get(f"/Organization/{pantry.organization_id}")

    shown = json_of(answer)
    assert (shown["name"], shown["active"]) == ("Pantry", True)
    assert "ETag" not in answer.headers
    assert (
        hospital.get(
            f"/Organization/{pantry.organization_id}", If_Modified_Since=answer.headers["Last-Modified"]
        ).status_code
        == 304
    )  # noqa: E501


def test_everybody_finds_members_and_listed_agencies_once_each(listed: Door, hospital: Caller) -> None:
    found, path = [], "/Organization?_count=2"
    while path:
        answer = hospital.get(path)
        found += matches(answer)
        path = next((link["url"] for link in json_of(answer)["link"] if link["relation"] == "next"), "")

    assert len(found) == len(set(found))
    assert set(listed.house.ids.values()) < set(found)
    assert len(found) == json_of(hospital.get("/Organization?_summary=count"))["total"]


def test_organizations_are_found_by_name_and_id(listed: Door, hospital: Caller, pantry: Caller) -> None:
    assert matches(hospital.get("/Organization?name=pantry&_count=200")).count(pantry.organization_id) == 1
    assert matches(hospital.get(f"/Organization?_id={pantry.organization_id}")) == [pantry.organization_id]
    assert matches(hospital.get("/Organization?name:exact=nobody")) == []
    assert matches(hospital.get("/Organization?name:missing=true")) == []


def test_services_lead_to_their_organization_and_places(listed: Door, hospital: Caller) -> None:
    services = resources(hospital.get("/HealthcareService?_count=200"))
    assert services
    one = next(service for service in services if service.get("location"))
    provider = one["providedBy"]["reference"].removeprefix("Organization/")

    assert json_of(hospital.get(f"/HealthcareService/{one['id']}"))["name"] == one["name"]
    assert one["id"] in matches(hospital.get(f"/HealthcareService?organization={provider}&_count=200"))
    assert one["id"] in matches(hospital.get(f"/HealthcareService?location={one['location'][0]['reference']}"))
    assert matches(hospital.get("/HealthcareService?organization=nobody")) == []
    answer = hospital.get(
        f"/HealthcareService?_id={one['id']}&_include=HealthcareService:organization&_include=HealthcareService:location"
    )
    included = {one["fullUrl"] for one in json_of(answer)["entry"] if one["search"]["mode"] == "include"}
    assert included == {f"{BASE}/{one['providedBy']['reference']}"} | {
        f"{BASE}/{place['reference']}" for place in one["location"]
    }


def test_services_are_found_by_need(listed: Door, hospital: Caller) -> None:
    services = resources(hospital.get("/HealthcareService?_count=200"))
    codes = {
        coding["code"]
        for service in services
        for coding in service["category"][0]["coding"]
        if coding["code"] != "sdoh"
    }

    for code in codes:
        found = resources(hospital.get(f"/HealthcareService?service-category={code}&_count=200"))
        assert {one["id"] for one in found} == {
            one["id"] for one in services if code in {coding["code"] for coding in one["category"][0]["coding"]}
        }


def test_places_are_read_and_found(listed: Door, hospital: Caller) -> None:
    place = resources(hospital.get("/Location?_count=200"))[0]

    assert json_of(hospital.get(f"/Location/{place['id']}"))["id"] == place["id"]
    assert told(hospital.get("/Location/nobody"))[:2] == (404, "not-found")


def test_a_senders_own_organization_is_private_to_it(hospital: Caller, other: Caller) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": {"resourceType": "Organization", "name": "Ours alone"},
                "request": {"method": "POST", "url": "Organization"},
            }
        ],
    }
    location = json_of(hospital.post("", bundle))["entry"][0]["response"]["location"]
    own_id = location.split("/")[-3]

    assert json_of(hospital.get(f"/Organization/{own_id}"))["name"] == "Ours alone"
    assert hospital.get(location).headers["ETag"] == 'W/"1"'
    assert matches(hospital.get("/Organization?name=ours")) == [own_id]
    assert told(other.get(f"/Organization/{own_id}"))[:2] == (404, "not-found")
    assert matches(other.get("/Organization?name=ours")) == []


# ---- AuditEvent


def test_an_organisation_reads_the_audit_of_its_own_acts(door: Door, hospital: Caller, other: Caller) -> None:
    kept = hospital.create(a_patient())
    hospital.get("/Patient?family=canaryname")

    every = resources(hospital.get("/AuditEvent"))

    events = [one for one in every if one["subtype"][0]["code"] in ("create", "search-type")]
    assert [(one["action"], one["subtype"][0]["code"]) for one in events] == [("C", "create"), ("E", "search-type")], (
        every
    )
    query = next(entity["query"] for entity in events[1]["entity"] if "query" in entity)
    assert base64.b64decode(query) == b"family=canaryname"
    assert not set(matches(other.get("/AuditEvent"))) & {one["id"] for one in every}
    assert told(other.get(f"/AuditEvent/{events[0]['id']}"))[:2] == (404, "not-found")
    assert json_of(hospital.get(f"/AuditEvent/{events[0]['id']}"))["id"] == events[0]["id"]
    assert matches(hospital.get(f"/AuditEvent?patient={kept['id']}&action=C")) == [events[0]["id"]]


def test_who_wrote_a_document_learns_who_read_it(door: Door, hospital: Caller, pantry: Caller, referral) -> None:  # type: ignore[no-untyped-def]
    task = referral()
    pantry.get("/" + task["for"]["reference"])
    pantry.get("/Patient?family=canaryname")

    events = resources(hospital.get(f"/AuditEvent?agent=Organization/{pantry.organization_id}&_count=200"))

    assert {(one["action"], one["agent"][0]["who"]["reference"]) for one in events} == {
        ("R", f"Organization/{pantry.organization_id}"),
        ("E", f"Organization/{pantry.organization_id}"),
    }
    assert not any("query" in entity for one in events for entity in one["entity"])


def test_the_audit_is_found_by_time_type_and_document(door: Door, hospital: Caller) -> None:
    kept = hospital.create(a_patient())
    later = door.house.clock.forward(hours=1)
    hospital.get(f"/Patient/{kept['id']}")

    def actions(query: str) -> list[str]:
        return [one["action"] for one in resources(hospital.get(f"/AuditEvent?{query}"))]

    assert actions(f"date=ge{later:%Y-%m-%dT%H:%M:%SZ}&entity=Patient/{kept['id']}") == ["R"]
    assert actions(f"date=lt{later:%Y-%m-%dT%H:%M:%SZ}&subtype=create") == ["C"]
    assert actions("outcome=8") == []
    assert actions("subtype=create") == ["C"]
