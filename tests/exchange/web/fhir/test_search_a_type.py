"""Search: parameters, modifiers, paging, includes, totals, what is unknown, and who finds what."""

from urllib.parse import quote

import pytest

from tests.exchange.web.fhir.conftest import BASE, Caller, Door, Json, Send, a_patient, json_of, matches, sample, told

MRN = "http://hospital.example/mrn"
CHANGES: list[tuple[str, bool]] = [
    ("family=canary", True),
    ("family=CANARYNAME", True),
    ("family=Canard", False),
    ("family:exact=canaryname", True),
    ("family:exact=canary", False),
    ("name=zoelle", True),
    ("given=zoelle,nobody", True),
    ("family=canary&given=nobody", False),
    ("gender=female", True),
    ("gender:not=female", False),
    ("gender=http://hl7.org/fhir/administrative-gender|female", True),
    ("gender=http://elsewhere|female", False),
    ("birthdate=1980-01-02", True),
    ("birthdate=1980-01", True),
    ("birthdate=1980", True),
    ("birthdate=1981", False),
    (f"identifier={MRN}|123", True),
    ("identifier=123", True),
    (f"identifier={MRN}|", True),
    ("identifier=|123", False),
    ("identifier=http://elsewhere|123", False),
    (r"identifier=1\,23", False),
    ("phone=(217)%20555-0143", True),
    ("phone=1-217-555-0143", True),
    ("phone=2175550144", False),
    ("email:missing=true", True),
    ("email:missing=false", False),
    ("phone:missing=true", False),
    ("address-postalcode=627", True),
    ("_lastUpdated=ge2026-06-01", True),
    ("_lastUpdated=gt2026-06-02", False),
    ("_lastUpdated=lt2026-06-01", False),
    ("_lastUpdated=2026-06", True),
    ("_lastUpdated=ge2026-06-01T10:00:00-05:00", True),
    ("_lastUpdated=ge2026-06-01T15:00:00+00:00", True),
    ("_lastUpdated=ne2026-06-01", False),
]
REFUSED: list[tuple[str, str, str]] = [
    ("birthdate=ge1980-01-01", "invalid", "birthdate"),
    ("birthdate=tomorrow", "invalid", "birthdate"),
    ("_lastUpdated=ap2026", "invalid", "_lastUpdated"),
    ("_lastUpdated=2026-02-30", "invalid", "_lastUpdated"),
    ("_id:not=1", "not-supported", "_id:not"),
    ("family:contains=a", "not-supported", "family:contains"),
    ("family=%20", "invalid", "family"),
    ("family=...", "invalid", "family"),
    ("gender=a|b|c", "invalid", "gender"),
    ("gender=|", "invalid", "gender"),
    ("email:missing=perhaps", "invalid", "email:missing"),
    ("organization.name=x", "not-supported", "organization.name"),
    ("_has:Task:patient:status=requested", "not-supported", "_has:Task:patient:status"),
    ("_count=many", "invalid", "_count"),
    ("_count=-1", "invalid", "_count"),
    ("_total=roughly", "invalid", "_total"),
    ("_page=nonsense", "invalid", "_page"),
    ("_page=k1.AAAA", "invalid", "_page"),
    ("_page=k9.AAAA&family=x", "invalid", "_page"),
]
UNKNOWN = ["colour=red", "_revinclude=Task:patient", "_include=Patient:colour", "_include=Task:patient", "_sort=family",
           "_summary=text", "_elements=name", "_include:iterate=Patient:organization"]  # fmt: skip


@pytest.fixture
def patient(hospital: Caller) -> Json:
    return hospital.create(
        a_patient(
            identifier=[{"system": MRN, "value": "123"}],
            telecom=[{"system": "phone", "value": "+1 217 555 0143"}],
            address=[{"postalCode": "62701"}],
        )
    )


def test_a_patient_is_found_by_what_it_holds_and_by_nothing_else(hospital: Caller, patient: Json) -> None:
    found = [(query, matches(hospital.get(f"/Patient?{query}")) == [patient["id"]]) for query, _is_found in CHANGES]

    assert found == CHANGES


def test_a_search_that_cannot_be_understood_is_refused(hospital: Caller) -> None:
    answers = [(query, hospital.get(f"/Patient?{query}")) for query, _code, _expression in REFUSED]

    assert {answer.status_code for _query, answer in answers} == {400}
    assert [
        (query, told(answer)[1], json_of(answer)["issue"][0]["expression"][0]) for query, answer in answers
    ] == REFUSED


def test_an_unknown_parameter_is_named_and_not_used(hospital: Caller, patient: Json) -> None:
    for query in UNKNOWN:
        answer = hospital.get(f"/Patient?{query}&gender=female")

        outcome = next(one for one in json_of(answer)["entry"] if one["search"]["mode"] == "outcome")
        issue = outcome["resource"]["issue"][0]
        assert matches(answer) == [patient["id"]], query
        assert (issue["severity"], issue["code"]) == ("warning", "not-supported"), query
        assert issue["expression"] == [query.partition("=")[0]]
        assert json_of(answer)["link"][0]["url"] == f"{BASE}/Patient?gender=female"


def test_an_unknown_parameter_is_refused_by_those_who_want_it_strict(hospital: Caller) -> None:
    for query in UNKNOWN:
        answer = hospital.get(f"/Patient?{query}", Prefer="handling=strict")

        assert told(answer)[:2] == (400, "not-supported"), query
        assert json_of(answer)["issue"][0]["expression"] == [query.partition("=")[0]]


def test_the_form_of_the_answer_is_no_parameter_of_the_search(hospital: Caller, patient: Json) -> None:
    answer = hospital.get("/Patient?gender=female&_format=json&_pretty=true", Prefer="handling=strict")

    assert matches(answer) == [patient["id"]]


def test_a_search_by_form_finds_the_same(hospital: Caller, patient: Json) -> None:
    form = hospital.ask("POST", "/Patient/_search?gender=female", "family=canary",
                        Content_Type="application/x-www-form-urlencoded")  # fmt: skip
    other_form = hospital.ask("POST", "/Patient/_search", "family=nobody",
                              Content_Type="application/x-www-form-urlencoded")  # fmt: skip

    assert (matches(form), matches(other_form)) == ([patient["id"]], [])
    assert told(hospital.ask("POST", "/Patient/_search", "{}", Content_Type="application/json"))[:2] == (
        415,
        "not-supported",
    )


def test_nobody_finds_what_another_organisation_wrote(other: Caller, patient: Json) -> None:
    assert matches(other.get("/Patient?family=canary")) == []
    assert matches(other.get(f"/Patient?_id={patient['id']}")) == []


def test_pages_bring_every_match_once_in_order(door: Door, hospital: Caller) -> None:
    kept = []
    for _number in range(5):
        kept.append(hospital.create(a_patient())["id"])
        door.house.clock.forward(seconds=1)

    seen, path, pages = [], "/Patient?family=canary&_count=2", 0
    while path:
        answer = hospital.get(path)
        seen += matches(answer)
        path = next((link["url"] for link in json_of(answer)["link"] if link["relation"] == "next"), "")
        pages += 1

    assert (seen, pages) == (kept, 3)


def test_matches_come_newest_first_when_asked(door: Door, hospital: Caller) -> None:
    kept = []
    for _number in range(3):
        kept.append(hospital.create(a_patient())["id"])
        door.house.clock.forward(seconds=1)

    first = hospital.get("/Patient?_sort=-_lastUpdated&_count=2")
    second = hospital.get(next(link["url"] for link in json_of(first)["link"] if link["relation"] == "next"))

    assert matches(first) + matches(second) == kept[::-1]


def test_a_next_link_shows_nothing_of_what_was_searched(hospital: Caller) -> None:
    for _number in range(2):
        hospital.create(a_patient())

    link = json_of(hospital.get("/Patient?family=canaryname&_count=1"))["link"][1]

    assert link["relation"] == "next"
    assert "canary" not in link["url"].lower()


def _next_page(caller: Caller) -> str:
    for _number in range(2):
        caller.create(a_patient())
    link: str = json_of(caller.get("/Patient?_count=1"))["link"][1]["url"]
    return link


def test_a_page_of_another_organisation_is_refused(hospital: Caller, other: Caller) -> None:
    assert told(other.get(_next_page(hospital))) == (
        403,
        "forbidden",
        "This page belongs to another organisation's search: start your own.",
    )


def test_a_page_that_was_changed_or_is_of_another_type_is_refused(hospital: Caller) -> None:
    link = _next_page(hospital)

    assert told(hospital.get(link[:-4] + "AAAA"))[:2] == (400, "invalid")
    assert told(hospital.get(link.replace("/Patient?", "/Task?")))[:2] == (400, "invalid")


def test_a_page_expires_after_a_day(door: Door, hospital: Caller) -> None:
    link = _next_page(hospital)
    door.house.clock.forward(days=1, seconds=1)

    assert told(hospital.get(link))[:2] == (400, "expired")


def test_a_poller_that_asks_from_the_last_answer_misses_nothing(door: Door, hospital: Caller) -> None:
    first = hospital.create(a_patient())
    before = json_of(hospital.get("/Patient"))["meta"]["lastUpdated"]
    second = hospital.create(a_patient())

    found = matches(hospital.get(f"/Patient?_lastUpdated=ge{before}"))

    assert found == [first["id"], second["id"]]
    assert matches(hospital.get(f"/Patient?_lastUpdated=gt{before}")) == [second["id"]]


def test_a_page_shows_nothing_newer_than_its_first_page(door: Door, hospital: Caller) -> None:
    link = _next_page(hospital)
    newer = hospital.create(a_patient())

    assert newer["id"] not in matches(hospital.get(link))


@pytest.mark.parametrize("query", ["_summary=count", "_count=0"])
def test_a_count_brings_the_total_and_no_entry(hospital: Caller, patient: Json, query: str) -> None:
    bundle = json_of(hospital.get(f"/Patient?{query}"))

    assert (bundle["total"], "entry" in bundle) == (1, False)


def test_the_total_comes_only_when_asked(hospital: Caller, patient: Json) -> None:
    assert "total" not in json_of(hospital.get("/Patient"))
    assert json_of(hospital.get("/Patient?_total=accurate"))["total"] == 1


def test_a_page_holds_two_hundred_at_most(hospital: Caller, patient: Json) -> None:
    assert matches(hospital.get("/Patient?_count=100000")) == [patient["id"]]


def test_references_are_found_in_each_way_they_can_be_written(hospital: Caller, referral: Send) -> None:
    task = referral()
    patient = task["for"]["reference"]

    for value in (patient, patient.removeprefix("Patient/"), f"{BASE}/{patient}"):
        assert matches(hospital.get(f"/Task?patient={quote(value)}")) == [task["id"]]
    assert matches(hospital.get(f"/Task?subject:Patient={patient.removeprefix('Patient/')}")) == [task["id"]]
    assert matches(hospital.get("/Task?patient=nobody")) == []
    assert told(hospital.get(f"/Task?subject:Group={patient}"))[:2] == (400, "invalid")


def test_a_task_is_found_by_status_owner_and_code(hospital: Caller, pantry: Caller, referral: Send) -> None:
    task = referral()

    for query in (
        "status=requested",
        "status=accepted,requested",
        "status=http://hl7.org/fhir/task-status|requested",
        "status:not=completed",
        f"owner=Organization/{pantry.organization_id}",
        f"owner={pantry.organization_id}",
        "code=fulfill",
        "code=http://hl7.org/fhir/CodeSystem/task-code|fulfill",
        "authored-on=2026-06-01",
        "priority=routine",
        "part-of:missing=true",
    ):
        assert matches(pantry.get(f"/Task?{query}")) == [task["id"]], query
    for query in ("status:not=requested", "status=completed", "owner=nobody", "code=approve", "output:missing=false"):
        assert matches(pantry.get(f"/Task?{query}")) == [], query


def test_includes_bring_what_the_caller_may_see_and_each_once(hospital: Caller, pantry: Caller, referral: Send) -> None:
    task = referral()

    answer = pantry.get("/Task?_include=Task:patient&_include=Task:focus&_include=Task:owner&_include=Task:requester")

    entries = [one for one in json_of(answer)["entry"] if one["search"]["mode"] == "include"]
    assert sorted(one["fullUrl"].removeprefix(f"{BASE}/") for one in entries) == sorted(
        [
            task["for"]["reference"],
            task["focus"]["reference"],
            f"Organization/{hospital.organization_id}",
            f"Organization/{pantry.organization_id}",
        ]
    )


def test_an_include_can_be_limited_to_a_type(pantry: Caller, referral: Send) -> None:
    referral()

    def included(query: str) -> list[str]:
        entries = json_of(pantry.get(f"/Task?_include={query}"))["entry"]
        return [one["resource"]["resourceType"] for one in entries if one["search"]["mode"] == "include"]

    assert included("Task:requester:Organization") == ["Organization"]
    assert included("Task:requester:PractitionerRole") == []


def test_an_include_follows_no_reference_of_a_preview(door: Door, referral: Send) -> None:
    task = referral(receiver=None)

    answer = door.caller("network").get("/Task?status=requested&_include=Task:patient&_include=Task:focus")

    assert matches(answer) == [task["id"]]
    assert [one["search"]["mode"] for one in json_of(answer)["entry"]] == ["match"]


def test_a_preview_is_not_found_by_the_person(door: Door, referral: Send) -> None:
    task = referral(receiver=None)
    network = door.caller("network")

    assert matches(network.get(f"/Task?patient={task['for']['reference']}")) == []
    assert matches(network.get("/Task?patient:missing=true")) == []


def test_a_search_is_audited_with_its_query_sealed(door: Door, hospital: Caller, patient: Json) -> None:
    hospital.get("/Patient?family=canaryname")

    (row,) = door.audited(interaction="search-type")
    assert (row.type, row.action, row.document_id) == ("Patient", "E", None)
    assert row.query is not None
    assert b"canary" not in row.query


def test_what_a_search_showed_of_others_is_audited_one_by_one(
    door: Door, hospital: Caller, pantry: Caller, referral: Send
) -> None:  # noqa: E501
    task = referral()

    pantry.get("/Task?status=requested")

    rows = door.audited(interaction="search-type", author_id=hospital.organization_id)
    assert [(row.type, row.document_id, row.patient_id) for row in rows] == [
        ("Task", task["id"], task["for"]["reference"].removeprefix("Patient/"))
    ]


def test_observations_are_found_by_ranges_of_time(hospital: Caller) -> None:
    kept = hospital.create(
        {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "effectiveDateTime": "2026-05-10"}
    )

    for query, is_found in (("ge2026-05-10", True), ("gt2026-05-10", False), ("lt2026-05-11", True), ("2026-05", True),
                            ("eb2026-05-11", True), ("sa2026-05-09", True), ("le2026-05-09", False)):  # fmt: skip
        assert matches(hospital.get(f"/Observation?date={query}")) == ([kept["id"]] if is_found else []), query


def test_a_questionnaire_is_found_by_its_url(hospital: Caller) -> None:
    kept = hospital.create(sample("questionnaire"))

    assert matches(hospital.get(f"/Questionnaire?url={quote(kept['url'])}")) == [kept["id"]]
