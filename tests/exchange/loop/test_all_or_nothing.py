"""A transaction Bundle with one entry that fails, at every position: the whole database is as it was before.

Security figure 10. The refused request is audited in a transaction of its own (ARCHITECTURE §5), so the tables of the
audit are left out of the digest, and asked for their one row instead.
"""

import itertools
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from exchange.db import document
from tests.exchange.conftest import House
from tests.exchange.loop.papers import SYSTEM
from tests.exchange.rows import AUDIT, digest, rows
from tests.exchange.web.fhir.conftest import BASE, Door, Json, a_patient, a_referral, a_request, json_of
from tests.reliability import Reached, sizes

LARGEST = 20
#  kind of failure → the answer it must get: status, and code of the issue
KINDS = {
    "an invalid document": (422, "required"),
    "a forbidden reference": (422, "not-found"),
    "a reference to nothing": (422, "not-found"),
    "a stale version": (412, "conflict"),
    "an unknown type": (422, "not-supported"),
    "a used identifier": (409, "duplicate"),
    "a constraint of the database": (500, "exception"),
}


def entry(resource: Json, number: int) -> Json:
    return {
        "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]},
    }


class Sender:
    """A hospital that has sent one referral already, and what each entry of its next transaction may be."""

    def __init__(self, door: Door) -> None:
        self.house, self.http = door.house, door.caller("hospital")
        stranger = door.caller("other")
        self.foreign = f"Patient/{stranger.create(a_patient())['id']}"
        self.patient = self.http.create(a_patient())
        self.request = f"ServiceRequest/{self.http.create(a_request(self.own))['id']}"
        self.http.create(self.task(identifier=[{"system": SYSTEM, "value": "used"}]))

    @property
    def own(self) -> str:
        return f"Patient/{self.patient['id']}"

    def task(self, **changes: Any) -> Json:
        return a_referral(self.own, self.request, self.http.organization_id, self.house.ids["pantry"], **changes)

    def good(self, number: int) -> Json:
        """Return an entry that does no harm: each of the four things that a transaction writes, in turn."""
        kinds = (a_patient(), a_request(self.own), self.task(), self.patient | {"active": number % 8 < 4})
        one = entry(kinds[number % 4], number)
        if number % 4 == 3:
            #  one document may stand in a Bundle once: later ones are new people
            one = entry(a_patient(active=True), number)
        if number == 3:
            one["resource"], one["request"] = kinds[3], {"method": "PUT", "url": self.own}
        return one

    def bad(self, kind: str, number: int) -> Json:
        match kind:
            case "an invalid document":
                return entry({"resourceType": "Task", "status": "requested"}, number)
            case "a forbidden reference":
                return entry(a_request(self.foreign), number)
            case "a reference to nothing":
                return entry(a_request("Patient/019e0000-0000-7000-8000-000000000000"), number)
            case "a stale version":
                request = {"method": "PUT", "url": self.own, "ifMatch": 'W/"7"'}
                return {"fullUrl": f"{BASE}/{self.own}", "resource": self.patient, "request": request}
            case "an unknown type":
                return entry({"resourceType": "Basic", "code": {"text": "x"}}, number)
            case "a used identifier":
                return entry(self.task(identifier=[{"system": SYSTEM, "value": "used"}]), number)
            case _:
                return entry(a_patient(name=[{"family": "Constraint"}]), number)

    def bundle(self, kind: str, length: int, place: int) -> Json:
        entries = [self.bad(kind, n) if n == place else self.good(n) for n in range(length)]
        if kind == "a stale version":
            entries = [one for n, one in enumerate(entries) if n == place or one["request"]["method"] == "POST"]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@pytest.mark.invariant(
    "a-transaction-is-whole-or-nothing",
    "A transaction Bundle with an entry that fails, wherever it stands and however it fails, leaves no row behind.",
)
@pytest.mark.parametrize("longest", sizes(3, 20))
def test_an_entry_that_fails_at_any_position_leaves_nothing(
    sender: Sender, failing_store: None, longest: int, reached: Reached
) -> None:
    lengths = (longest,) if longest < LARGEST else (1, 2, 7, LARGEST)
    before, tried = digest(sender.house.database, but=AUDIT), 0
    audited = len(rows(sender.house.database)["audit_event"])

    for kind, length in itertools.product(KINDS, lengths):
        for place in range(length):
            answer = sender.http.post("", sender.bundle(kind, length, place))
            outcome = json_of(answer)["issue"][0]
            assert (answer.status_code, outcome["code"]) == KINDS[kind], (kind, place, outcome)
            assert digest(sender.house.database, but=AUDIT) == before, f"{kind} at {place} of {length} left something"
            tried += 1

    assert len(rows(sender.house.database)["audit_event"]) == audited + tried, "each refusal is audited, nothing more"
    reached(bundles=tried, kinds=len(KINDS), longest=longest)


def test_without_the_failing_entry_the_same_transaction_is_stored_whole(sender: Sender) -> None:
    bundle = {
        "resourceType": "Bundle", "type": "transaction", "entry": [sender.good(n) for n in range(LARGEST)],
    }  # fmt: skip
    before = rows(sender.house.database)

    answer = sender.http.post("", bundle)

    after = rows(sender.house.database)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert len(after["document"]) - len(before["document"]) == LARGEST - 1
    assert len(after["document_version"]) - len(before["document_version"]) == 1
    assert len(after["referral"]) - len(before["referral"]) == 5
    assert len(after["outbox_message"]) > len(before["outbox_message"])


@pytest.fixture
def sender(house: House, app: Flask) -> Sender:
    return Sender(Door(house, app))


@pytest.fixture
def failing_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store refuse one document after it was written, as a constraint does that nobody foresaw."""
    real = document.add

    def add(session: Any, type_name: str, document_id: str, body: bytes, **named: Any) -> Any:
        kept = real(session, type_name, document_id, body, **named)
        if b'"Constraint"' in body:
            raise IntegrityError("INSERT", {}, Exception("a constraint"))
        return kept

    monkeypatch.setattr(document, "add", add)
