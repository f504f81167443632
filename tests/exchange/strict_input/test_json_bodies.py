"""JSON as it should not be, through every door that reads JSON: refused with 400 and a place, never a fault of ours."""

import pytest

from tests.exchange.strict_input.conftest import Watch, issue_of
from tests.exchange.strict_input.corpus import ABSENT, Line, content, files, label, some
from tests.exchange.web.fhir.conftest import Caller, a_patient
from tests.reliability import Reached, sizes

NO_RESOURCE = "The body is JSON but no resource"
#  what the grammar takes and we refuse: RFC 7493 (I-JSON) §2.1 and §2.3, docs/divergences.md
STRICTER = {
    "y_object_duplicated_key.json": "a key given twice",
    "y_object_duplicated_key_and_value.json": "a key given twice",
    "y_string_null_escape.json": "a NUL",
}
BODIES = (
    ("POST", "/Patient"),
    ("PUT", "/Patient?identifier=urn:x|1"),
    ("POST", ""),
)


def name_of(line: Line) -> str:
    return str(line["file"]).rpartition("/")[2]


@ABSENT
@pytest.mark.invariant("strict-json", "What is no JSON is refused with its place, what is JSON is never called none.")
@pytest.mark.parametrize("doors", sizes(1, 4))
def test_every_json_file_meets_its_expectation_at_every_address_that_reads_json(
    doors: int, sender: Caller, watch: Watch, reached: Reached
) -> None:
    kept = sender.create(a_patient())
    addresses = [*BODIES, ("PUT", f"/Patient/{kept['id']}")][:doors]

    differing = []
    for line in files("json"):
        name, body = name_of(line), content(line)
        for method, path in addresses:
            answer = watch.fhir(name, sender.ask(method, path, body))
            issue, is_json = issue_of(answer), None
            if answer.status_code == 400 and issue["code"] == "structure":
                is_json = issue["diagnostics"].startswith(NO_RESOURCE)
            wanted = {"reject": False, "accept": name not in STRICTER}.get(line["expect"])
            if answer.status_code < 400 or (wanted is not None and wanted != (is_json is not False)):
                differing.append((name, method, path, answer.status_code, issue))

    assert watch.broken == []
    assert differing == [], label(differing)
    reached(files=len(files("json")), requests=watch.sent, faults=0)


@ABSENT
def test_json_inside_a_resource_is_read_as_it_is_alone(sender: Caller, watch: Watch) -> None:
    called_none, taken = [], []
    for line in files("json"):
        body = b'{"resourceType":"Patient","name":[{"family":"A"}],"unheardOf":' + content(line) + b"}"
        answer = watch.fhir(name_of(line), sender.post("/Patient", body))
        if answer.status_code == 400 and line["expect"] == "accept" and name_of(line) not in STRICTER:
            called_none.append((name_of(line), issue_of(answer)))
        if answer.status_code < 400:
            taken.append(name_of(line))

    assert watch.broken == []
    assert called_none == [], label(called_none)
    assert taken == [], label(taken)


@ABSENT
@pytest.mark.parametrize("count", sizes(70, 400))
def test_the_door_for_webhooks_reads_json_as_strictly(count: int, sender: Caller, watch: Watch) -> None:
    headers = {"Authorization": f"Bearer {sender.token}", "Content-Type": "application/json"}

    taken = []
    for line in some(files("json"), count):
        for body in (content(line), b'{"url":"https://hook.example/in","x":' + content(line) + b"}"):
            answer = sender.http.post("/api/webhooks", data=body, headers=headers)
            watch.other(name_of(line), answer, "application/problem+json", "application/json")
            if answer.status_code < 400:
                taken.append((name_of(line), line["expect"]))
                sender.http.delete(f"/api/webhooks/{answer.get_json()['id']}", headers=headers)

    assert watch.broken == []
    assert {name for name, expect in taken if expect == "reject" or name in STRICTER} == set()
    assert "accept" in {expect for _name, expect in taken}


def test_a_webhook_named_twice_in_one_object_is_not_registered(sender: Caller) -> None:
    headers = {"Authorization": f"Bearer {sender.token}", "Content-Type": "application/json"}
    body = '{"url": "https://hook.example/one", "url": "https://hook.example/two"}'

    answer = sender.http.post("/api/webhooks", data=body, headers=headers)

    assert answer.status_code == 400
    assert answer.get_json()["pointer"] == "url"
    assert "A key is given twice" in answer.get_json()["detail"]
