"""The ways round a read: links of others, keys of others, conditions, Bundles, the audit. None tells of a stranger."""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest
from werkzeug.test import TestResponse

from exchange.db import document
from exchange.db.ids import new_id
from tests.exchange.isolation.answers import as_told, told_alike
from tests.exchange.isolation.test_confused_deputy import seen_by_others
from tests.exchange.isolation.test_matrix import asked
from tests.exchange.isolation.world import World
from tests.exchange.web.fhir.conftest import BASE, Json, json_of, matches, told

ASKER: Final = "hospital"
NOBODY: Final = "https://tenants.example/number|nobodyatall00001"


def stored(world: World, name: str, document_id: str) -> Json:
    with world.house.database.read() as session:
        found = document.stored(session, name, document_id)
        assert found is not None
        return dict(json.loads(found.body))


def identifier_of(world: World, name: str) -> str:
    """Return the identifier of a stranger's document, as a token of a search."""
    said = stored(world, name, world.kept["other hospital's own"][name])["identifier"]
    one = said[0] if isinstance(said, list) else said
    return f"{one['system']}|{one['value']}"


def next_link(world: World, label: str, path: str) -> str:
    links = json_of(world.callers[label].get(path))["link"]
    return str(next(one["url"] for one in links if one["relation"] == "next")).removeprefix(BASE)


# ---- page tokens


def test_a_page_of_another_organisation_is_refused_whole(world: World) -> None:
    link = next_link(world, "other", "/Patient?_count=1")

    answer = world.callers[ASKER].get(link)

    assert told(answer) == (403, "forbidden", "This page belongs to another organisation's search: start your own.")
    assert matches(world.callers["other"].get(link)) != []


def test_a_page_token_that_was_changed_continues_nothing(world: World) -> None:
    link = next_link(world, "other", "/Patient?_count=1")
    start, _, token = link.partition("_page=")
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]

    for broken in (changed, token[:-4], token[::-1], f"k9.{token.partition('.')[2]}", ""):
        answer = world.callers["other"].get(f"{start}_page={broken}")
        assert told(answer)[:2] == (400, "invalid"), broken


def test_a_page_token_of_one_type_continues_no_other(world: World) -> None:
    token = next_link(world, ASKER, "/Patient?_count=1").partition("_page=")[2]

    assert told(world.callers[ASKER].get(f"/Task?_page={token}"))[:2] == (400, "invalid")
    assert told(world.callers[ASKER].get(f"/Patient?_page={token}&gender=female"))[:2] == (400, "invalid")


def test_a_page_shows_nothing_whose_release_has_ended_meanwhile(world: World) -> None:
    hospital, pantry = world.writing("hospital"), world.writing("pantry")
    task = hospital.caller.create(hospital.referral(world.kept["completed"], "pantry"))["id"]
    last = next_link(world, "pantry", "/Task?_sort=-_lastUpdated&_count=1")
    first = matches(pantry.caller.get("/Task?_sort=-_lastUpdated&_count=1"))
    assert first == [task]
    ended = hospital.caller.create(hospital.referral(world.kept["completed"], "pantry"))["id"]
    on_second_page = next_link(world, "pantry", "/Task?_sort=-_lastUpdated&_count=1")

    hospital.move(task, "cancelled", statusReason={"text": "x"})
    shown = json_of(pantry.caller.get(on_second_page))["entry"][0]["resource"]

    assert shown["id"] not in (task, ended)
    assert pantry.caller.get(last).status_code == 200


# ---- keys, conditions and tags


def test_an_idempotency_key_of_another_organisation_answers_nothing(world: World) -> None:
    other, hospital = world.callers["other"], world.callers[ASKER]
    made = {"resourceType": "Patient", "name": [{"family": "canaryotherkey"}]}
    first = other.post("/Patient", made, Idempotency_Key="the-same-key")

    again = hospital.post("/Patient", made, Idempotency_Key="the-same-key")
    differs = hospital.post("/Patient", made | {"gender": "male"}, Idempotency_Key="another-key")

    assert (first.status_code, again.status_code, differs.status_code) == (201, 201, 201)
    assert json_of(again)["id"] != json_of(first)["id"]
    assert other.get(f"/Patient/{json_of(again)['id']}").status_code == 404


@pytest.mark.parametrize("name", ["Patient", "Observation", "ServiceRequest", "Consent", "Task"])
def test_a_condition_that_names_a_strangers_identifier_finds_nobody(name: str, world: World) -> None:
    hospital, theirs = world.writing(ASKER), identifier_of(world, name)
    made = hospital.pointed(hospital.words.document(name), world.kept["hospital's own"], "pantry")
    before = stored(world, name, world.kept["other hospital's own"][name])

    created = hospital.caller.post(f"/{name}", made, If_None_Exist=urlencode({"identifier": theirs}))
    made["extension"] = [{"url": "https://tenants.example/again", "valueBoolean": True}]
    updated = hospital.caller.put(f"/{name}?{urlencode({'identifier': theirs})}", made)

    assert (created.status_code, updated.status_code) == (201, 201)
    assert stored(world, name, world.kept["other hospital's own"][name]) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"If_None_Match": 'W/"1"'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
)
@pytest.mark.parametrize("name", ["Patient", "Task", "Observation"])
def test_a_conditional_read_tells_nothing_of_a_strangers_version(
    name: str, headers: dict[str, str], world: World
) -> None:
    theirs, never = world.kept["other hospital's"][name], new_id()

    answer = asked(world.callers[ASKER], "GET", f"/{name}/{theirs}", **headers)
    other = asked(world.callers[ASKER], "GET", f"/{name}/{never}", **headers)

    assert as_told(answer) == (404, "not-found")
    assert told_alike(answer, theirs, other, never)


@pytest.mark.parametrize("if_match", ['W/"1"', 'W/"2"', 'W/"77"', "*"])
def test_an_if_match_tells_nothing_of_a_strangers_version(if_match: str, world: World) -> None:
    theirs, never = world.kept["other hospital's"]["Task"], new_id()
    task = stored(world, "Task", theirs)

    def sent(document_id: str) -> TestResponse:
        return asked(world.callers[ASKER], "PUT", f"/Task/{document_id}", task | {"id": document_id}, If_Match=if_match)

    answer, other = sent(theirs), sent(never)

    assert as_told(answer) == (404, "not-found")
    assert told_alike(answer, theirs, other, never)


# ---- chains and the like: refused with a sentence, whatever they name


@pytest.mark.parametrize(
    ("query", "told_as"),
    [
        ("/Task?patient.name={word}", (400, "not-supported")),
        ("/Task?patient:Patient.identifier={identifier}", (400, "not-supported")),
        ("/Patient?_has:Task:patient:status=requested", (400, "not-supported")),
        ("/Patient?_has:Observation:patient:code=x", (400, "not-supported")),
        ("/ServiceRequest?subject:identifier={identifier}", (400, "not-supported")),
        ("/Patient?_revinclude=Task:patient", (400, "not-supported")),
        ("/Task?_include:iterate=*", (400, "not-supported")),
        ("/Task?_include=*", (400, "not-supported")),
        ("/Task?_filter=owner eq x", (400, "not-supported")),
    ],
)
def test_what_could_infer_is_refused_with_a_sentence(query: str, told_as: tuple[int, str], world: World) -> None:
    filled = query.format(word="canaryother00001", identifier=quote(identifier_of(world, "Patient")))

    answer = world.callers[ASKER].get(filled, Prefer="handling=strict")

    assert told(answer)[:2] == told_as


def test_an_include_brings_only_what_the_asker_sees(world: World) -> None:
    """An ended referral's Task still names its sender; its focus, person and notes are not brought along."""
    pantry = world.callers["pantry"]
    wishes = "&".join(f"_include=Task:{name}" for name in ("focus", "patient", "output", "requester", "owner"))

    for whose in ("rejected", "cancelled", "run out"):
        answer = json_of(pantry.get(f"/Task?_id={world.kept[whose]['Task']}&{wishes}"))
        assert {one["resource"]["resourceType"] for one in answer["entry"]} <= {"Task", "Organization"}, whose
    whole = json_of(pantry.get(f"/Task?_id={world.kept['released']['Task']}&{wishes}"))
    assert {one["resource"]["resourceType"] for one in whole["entry"]} >= {"Task", "Patient", "ServiceRequest"}


# ---- Bundles


def an_entry(method: str, url: str, resource: Json | None = None, **more: str) -> Json:
    return {"request": {"method": method, "url": url} | more} | ({"resource": resource} if resource else {})


def bundles(world: World) -> dict[str, Callable[[str, str], Json]]:
    """Return transactions that name a stranger's document, as functions of its id and its identifier."""
    patient: Json = {"resourceType": "Patient", "gender": "other"}
    about = world.writing(ASKER).words.document("Condition")

    def of(*entries: Json, kind: str = "transaction") -> Json:
        return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}

    return {
        "a reference": lambda one, _by: of(
            an_entry("POST", "Condition", about | {"subject": {"reference": f"Patient/{one}"}})
        ),
        "a reference by its whole address": lambda one, _by: of(
            an_entry("POST", "Condition", about | {"subject": {"reference": f"{BASE}/Patient/{one}"}})
        ),
        "a conditional reference": lambda _one, by: of(
            an_entry("POST", "Condition", about | {"subject": {"reference": f"Patient?identifier={by}"}})
        ),
        "a PUT": lambda one, _by: of(an_entry("PUT", f"Patient/{one}", patient | {"id": one})),
        "a PUT under the name of an entry": lambda one, _by: of(
            an_entry("PUT", f"Patient/{one}", patient | {"id": one}) | {"fullUrl": "urn:uuid:" + new_id()},
        ),
        "a GET": lambda one, _by: of(an_entry("GET", f"Patient/{one}")),
        "a batch of a read": lambda one, _by: of(an_entry("GET", f"Patient/{one}"), kind="batch"),
        "a batch of a history": lambda one, _by: of(an_entry("GET", f"Patient/{one}/_history"), kind="batch"),
        "a batch of a search": lambda one, by: of(an_entry("GET", f"Patient?_id={one}&_total=accurate"), kind="batch"),
        "a batch of a PUT": lambda one, _by: of(an_entry("PUT", f"Patient/{one}", patient | {"id": one}), kind="batch"),
    }


def test_no_entry_of_a_bundle_tells_of_a_strangers_document(world: World) -> None:
    theirs, by = world.kept["other hospital's own"]["Patient"], identifier_of(world, "Patient")
    before, never = stored(world, "Patient", theirs), new_id()

    for what, made in bundles(world).items():
        answer = asked(world.callers[ASKER], "POST", "", json.dumps(made(theirs, by)))
        other = asked(world.callers[ASKER], "POST", "", json.dumps(made(never, NOBODY)))
        assert answer.status_code in ((200,) if "batch" in what else (404, 422)), (what, answer.data)
        assert told_alike(answer, theirs, other, never), (what, answer.data, other.data)

    assert stored(world, "Patient", theirs) == before
    assert seen_by_others(world) == set()


def test_an_entry_that_calls_itself_by_a_strangers_address_is_a_document_of_its_own(world: World) -> None:
    hospital, theirs = world.writing(ASKER), world.kept["other hospital's own"]["Patient"]
    patient = {"fullUrl": f"{BASE}/Patient/{theirs}"} | an_entry("POST", "Patient", {"resourceType": "Patient"})
    about = hospital.words.document("Condition") | {"subject": {"reference": f"Patient/{theirs}"}}
    bundle: Any = {"resourceType": "Bundle", "type": "transaction"}
    about_it = {"fullUrl": f"{BASE}/Condition/1"} | an_entry("POST", "Condition", about)

    answer = json_of(hospital.caller.post("", bundle | {"entry": [patient, about_it]}))

    made = [one["response"]["location"].removeprefix(BASE).partition("/_history")[0] for one in answer["entry"]]
    assert json_of(hospital.caller.get(made[1]))["subject"]["reference"] == made[0].removeprefix("/") != theirs
    assert seen_by_others(world) == set()


# ---- the audit


def rows(world: World, label: str, query: str = "") -> list[Json]:
    """Return the rows of the audit that a tenant may read, page by page."""
    path, found = f"/AuditEvent?_count=200&{query}", []
    while path:
        answer = json_of(world.callers[label].get(path))
        found += [one["resource"] for one in answer.get("entry", [])]
        path = next((one["url"].removeprefix(BASE) for one in answer["link"] if one["relation"] == "next"), "")
    return found


@pytest.mark.parametrize("asker", ["hospital", "pantry", "network", "clinic"])
def test_the_audit_of_a_stranger_is_not_found_by_what_it_is_about(asker: str, world: World) -> None:
    theirs = world.kept["other hospital's"]

    for query in (
        f"patient=Patient/{theirs['Patient']}",
        f"entity=Task/{theirs['Task']}",
        f"entity=Observation/{theirs['Observation']}",
        f"agent=Organization/{world.house.ids['other']}",
        f"agent=Organization/{world.house.ids['shelter']}",
    ):
        assert rows(world, asker, f"{query}&outcome=0") == [], query
    assert rows(world, "other", f"patient=Patient/{theirs['Patient']}") != []


def test_whoever_wrote_a_document_reads_who_opened_it_and_not_what_was_searched_for(world: World) -> None:
    patient = world.kept["released"]["Patient"]
    world.callers["pantry"].get(f"/Patient?_id={patient}", X_Request_Id="a-receiver-searches")

    found = rows(world, "hospital", f"entity=Patient/{patient}&date=ge{today(world)}")
    of_search = [one for one in found if "a-receiver-searches" in str(one)]
    queries = [b64decode(one["query"]).decode() for row in found for one in row["entity"] if "query" in one]

    assert len(of_search) == 1
    assert of_search[0]["agent"] != []
    assert queries == []
    of_its_own = [row for row in rows(world, "pantry", f"date=ge{today(world)}") if "a-receiver-searches" in str(row)]
    told_itself = [b64decode(one["query"]).decode() for row in of_its_own for one in row["entity"] if "query" in one]
    assert told_itself == [f"_id={patient}"]


def test_what_a_stranger_tries_is_told_to_itself_only(world: World) -> None:
    patient = world.kept["hospital's own"]["Patient"]
    world.callers["other"].get(f"/Patient/{patient}", X_Request_Id="a-stranger-tries")

    def tells(label: str) -> bool:
        return any("a-stranger-tries" in str(row) for row in rows(world, label, f"date=ge{today(world)}&outcome=4"))

    assert tells("other")
    assert not tells("hospital")


def today(world: World) -> str:
    return f"{world.house.clock():%Y-%m-%d}"
