"""The list of Bundles and HTTP requests that servers have fallen over: each is met here with one answer.

Those that a client library cannot send at all are in `test_hostile_requests.py`, over a socket.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.exchange.strict_input.corpus import ABSENT, own
from tests.exchange.web.fhir.conftest import Caller, Door, Json, a_patient, json_of, told
from tests.exchange.web.fhir.test_receive_a_bundle import a_bundle, an_entry
from tests.reliability import Reached

SYSTEM: Final = "urn:example:bundle-cases"
Answer = tuple[int, str]
Case = Callable[[Caller, Caller], Answer]


def numbered(number: str, **changes: Any) -> Json:
    return a_patient(identifier=[{"system": SYSTEM, "value": number}], **changes)


def post(body: Any, path: str = "/Patient", **headers: str) -> Case:
    return lambda sender, other: told(sender.post(path, body, **headers))[:2]


def patient(**changes: Any) -> Case:
    return post(a_patient(**changes))


def patient_text(inner: str) -> Case:
    return post(f'{{"resourceType":"Patient",{inner}}}')


def bundle(kind: str, *entries: Json) -> Case:
    return post(a_bundle(kind, *entries), "")


def entry_of_a_batch(entry: Json) -> Case:
    """Return the answer to the one entry of a batch."""

    def send(sender: Caller, other: Caller) -> Answer:
        answer = json_of(sender.post("", a_bundle("batch", entry)))["entry"][0]["response"]
        return int(answer["status"].split()[0]), answer["outcome"]["issue"][0]["code"]

    return send


def condition_of(number: str, *, owners: str) -> Case:
    """Return the answer to a transaction whose condition names documents of the sender (s) or another house (o)."""

    def send(sender: Caller, other: Caller) -> Answer:
        for owner in owners:
            (sender if owner == "s" else other).create(numbered(number))
        about = {"reference": f"Patient?identifier={SYSTEM}|{number}"}
        device = {"resourceType": "Device", "patient": about}
        return told(sender.post("", a_bundle("transaction", an_entry("POST", "Device", device))))[:2]

    return send


def if_none_exist_of_another(sender: Caller, other: Caller) -> Answer:
    """A condition that another house's document meets is met by none: a new one is made."""
    theirs = other.create(numbered("theirs"))
    entry = an_entry("POST", "Patient", numbered("theirs"), ifNoneExist=f"identifier={SYSTEM}|theirs")
    answer = json_of(sender.post("", a_bundle("transaction", entry)))["entry"][0]["response"]
    assert theirs["id"] not in answer["location"]
    return int(answer["status"].split()[0]), "a document of its own"


def delete_and_put(sender: Caller, other: Caller) -> Answer:
    kept = sender.create(a_patient())
    at = f"Patient/{kept['id']}"
    answer = sender.post("", a_bundle("transaction", an_entry("DELETE", at), an_entry("PUT", at, kept)))
    assert json_of(sender.get(f"/{at}"))["meta"]["versionId"] == "1"
    return told(answer)[:2]


def other_body(sender: Caller, other: Caller) -> Answer:
    sender.post("/Patient", a_patient(), Idempotency_Key="the-same")
    return told(sender.post("/Patient", a_patient(active=True), Idempotency_Key="the-same"))[:2]


def twenty_at_once(sender: Caller, other: Caller) -> Answer:
    """Twenty threads send one request under one key: one document, and each answer names it or asks to come again."""
    answers: list[Any] = []
    begin = threading.Barrier(20)

    def send() -> None:
        caller = Caller(sender.http.application.test_client(), sender.token, sender.organization_id)
        begin.wait()
        answers.append(caller.post("/Patient", numbered("at-once"), Idempotency_Key="at-once"))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = {one.headers["Location"] for one in answers if one.status_code == 201}
    found = json_of(sender.get(f"/Patient?identifier={SYSTEM}|at-once"))["entry"]
    assert {one.status_code for one in answers} <= {201, 503}
    assert len(made) == len(found) == 1
    return 201, "one document"


def alone(sender: Caller, other: Caller) -> Answer:
    kept = sender.post("/Patient", a_patient() | {"_active": {"extension": [{"url": "urn:x", "valueCode": "masked"}]}})
    return kept.status_code, "kept" if json_of(kept)["_active"]["extension"][0]["valueCode"] == "masked" else "lost"


def huge_number(sender: Caller, other: Caller) -> Answer:
    """A decimal of FHIR has no largest value: this one is a JSON number, and comes back as it was written."""
    made = sender.post("/Patient", '{"resourceType":"Patient","extension":[{"url":"urn:x","valueDecimal":1e400}]}')
    return made.status_code, "kept" if b'"valueDecimal":1e400' in made.data else "lost"


def type_last(sender: Caller, other: Caller) -> Answer:
    return sender.post("/Patient", '{"gender":"female","resourceType":"Patient"}').status_code, "kept"


def of_another_owner(sender: Caller, other: Caller) -> Answer:
    """A search for another's Tasks inside a batch finds nothing."""
    entry = an_entry("GET", f"Task?owner=Organization/{other.organization_id}")
    found = json_of(sender.post("", a_bundle("batch", entry)))["entry"][0]
    assert "entry" not in found["resource"]
    return int(found["response"]["status"].split()[0]), "nothing"


def identifier_of_pipes(sender: Caller, other: Caller) -> Answer:
    made = sender.post("/Patient", a_patient(identifier=[{"system": "||", "value": "|a|"}]))
    assert sender.get("/Patient?identifier=||||a|").status_code in (200, 400)
    return made.status_code, "kept"


SYNTAX: Final = (400, "structure")
CASES: Final[dict[str, tuple[Case, Answer]]] = {
    "transaction, DELETE + PUT same id": (delete_and_put, (422, "not-supported")),
    "transaction, conditional reference matching 2": (condition_of("two", owners="ss"), (412, "multiple-matches")),
    "transaction, conditional reference matching a resource of another tenant": (
        condition_of("foreign", owners="o"), (422, "not-found"),
    ),
    "transaction, ifNoneExist matching another tenant": (if_none_exist_of_another, (201, "a document of its own")),
    "batch with nested Bundle entry": (
        entry_of_a_batch(an_entry("POST", "Bundle", a_bundle("batch", an_entry("GET", "Patient")))),
        (404, "not-supported"),
    ),
    "batch entry request.url absolute to other server": (
        entry_of_a_batch(an_entry("GET", "https://elsewhere.example/fhir/Patient/1")), (404, "not-supported"),
    ),
    "batch entry request.url ../../admin": (entry_of_a_batch(an_entry("GET", "../../admin")), (404, "not-supported")),
    "batch entry GET Task?owner=other": (of_another_owner, (200, "nothing")),
    "transaction 50 MB": (post(b" " * 50_000_000, ""), (413, "too-long")),
    "same Idempotency-Key different body": (other_body, (422, "duplicate")),
    "same Idempotency-Key concurrent 20": (twenty_at_once, (201, "one document")),
    "Content-Type text/plain with JSON": (
        post(a_patient(), Content_Type="text/plain"), (415, "not-supported"),
    ),
    "Content-Type application/fhir+xml with DTD": (
        post('<!DOCTYPE x [<!ENTITY e "e">]><Patient/>', Content_Type="application/fhir+xml"), (415, "not-supported"),
    ),
    "depth 10000 arrays": (patient_text(f'"name":{"[" * 10_000}{"]" * 10_000}'), SYNTAX),
    "depth 10000 contained": (
        patient_text('"contained":[{"resourceType":"Patient",' * 10_000 + '"active":true' + "}]" * 10_000), SYNTAX,
    ),
    "1e400 decimal": (huge_number, (201, "kept")),
    "1e400 integer": (patient_text('"multipleBirthInteger":1e400'), (422, "value")),
    "duplicate JSON keys status accepted/rejected": (
        post('{"resourceType":"Task","status":"accepted","status":"rejected"}', "/Task"), SYNTAX,
    ),
    "array 100000 identifiers": (
        patient(identifier=[{"value": str(number)} for number in range(100_000)]), (422, "too-costly"),
    ),
    "references to 20000 documents": (
        post({"resourceType": "Group", "type": "person", "actual": True, "member": [
            {"entity": {"reference": f"Patient/x{number}"}} for number in range(20_000)
        ]}, "/Group"), (422, "too-costly"),
    ),
    "NUL in string": (patient_text('"language":"a\\u0000"'), SYNTAX),
    "lone surrogate": (patient_text('"language":"\\ud800"'), SYNTAX),
    "empty string value": (patient(name=[{"family": ""}]), (422, "value")),
    "empty array": (patient(name=[]), (422, "structure")),
    "empty object": (patient(name=[{}]), (422, "structure")),
    "null in array": (patient(name=[None]), (422, "structure")),
    "unknown property": (patient(nickname="Zo"), (422, "structure")),
    "resourceType not first": (type_last, (201, "kept")),
    "primitive extension _status only": (alone, (201, "kept")),
    "reference javascript:alert(1)": (
        patient(managingOrganization={"reference": "javascript:alert(1)"}), (422, "value"),
    ),
    "attachment.data not base64": (patient(photo=[{"contentType": "image/png", "data": "%%%"}]), (422, "value")),
    "identifier.system ||": (identifier_of_pipes, (201, "kept")),
    "Patient.deceasedBoolean and deceasedDateTime both": (
        patient(deceasedBoolean=False, deceasedDateTime="2020"), (422, "structure"),
    ),
}  # fmt: skip
ON_A_SOCKET: Final = {"chunked with Content-Length"}
OURS: Final = {"references to 20000 documents", "1e400 integer"}


@ABSENT
@pytest.mark.invariant(
    "strict-bundle-cases", "Each Bundle and request that servers have fallen over has its one answer."
)
def test_every_case_of_the_list_is_here(reached: Reached) -> None:
    assert {line["case"] for line in own("fhir-bundle-http-cases")} == (CASES.keys() - OURS) | ON_A_SOCKET
    reached(cases=len(CASES), on_a_socket=len(ON_A_SOCKET))


@pytest.mark.parametrize("name", CASES)
def test_a_case_of_the_list_has_its_answer(name: str, sender: Caller, stranger: Caller) -> None:
    case, expected = CASES[name]

    assert case(sender, stranger) == expected


@pytest.fixture(scope="module")
def stranger(long_door: Door) -> Caller:
    return long_door.caller("other")
