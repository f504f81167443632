"""What is measured: one row per measure. A new one is a row here and a function that makes its requests."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from tests.benchmarks.load import Request
from tests.benchmarks.stock import MRN, Stock, a_request, a_task

FLOOR, HOUSE = "floor", "house"
BARE, COMMIT = "bare", "commit"
#  no measure of its own kind: it waits for mails instead of answers (tests/benchmarks/telling.py)
TOLD: Final = "told"
#  the measured sends name another need than the stock, so that each patient has few open referrals of one need
NEED: Final = "housing-instability"
REQUEST_URN, TASK_URN = "urn:uuid:5bd7a4b0-0001-4000-8000-000000000001", "urn:uuid:5bd7a4b0-0002-4000-8000-000000000002"
WAIT, SPOOL = "wait", "spool"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. `floor` is the measure it is a share of; `targets` are shares in percent by mode of the audit.

    `once` requests are used up, each is sent one time. `reads` are measured in each mode of the audit that is asked
    for; the audit of a write stands in its own transaction, so the mode does not touch it.
    """

    name: str
    title: str
    server: str
    requests: Callable[[Stock], list[Request]]
    expects: int = 200
    floor: str = ""
    once: bool = False
    reads: bool = False
    targets: tuple[tuple[str, int], ...] = ()

    def target(self, audit: str) -> int | None:
        """Return the share of its floor that ARCHITECTURE §8 asks for, in percent."""
        return dict(self.targets).get(audit)


def _bare(_stock: Stock) -> list[Request]:
    return [Request("GET", "/bare")]


def _commit(_stock: Stock) -> list[Request]:
    return [Request("POST", "/commit", body="{}")]


def _read(stock: Stock) -> list[Request]:
    return [Request("GET", f"/fhir/Patient/{one}", stock.hospital_token) for one in stock.patients]


def _find(stock: Stock) -> list[Request]:
    return [
        Request("GET", f"/fhir/Patient?{urlencode({'identifier': f'{MRN}|B{number:07}'})}", stock.hospital_token)
        for number in range(len(stock.patients))
    ]


def _inbox(stock: Stock) -> list[Request]:
    asked = urlencode({"status": "requested", "owner": f"Organization/{stock.agency}", "_count": 10})
    return [Request("GET", f"/fhir/Task?{asked}", stock.agency_token)]


def _poll(stock: Stock) -> list[Request]:
    asked = [
        ("_lastUpdated", f"ge{stock.since}"), ("_include", "Task:focus"), ("_include", "Task:patient"), ("_count", 20),
    ]  # fmt: skip
    return [Request("GET", f"/fhir/Task?{urlencode(asked)}", stock.agency_token)]


def _create(stock: Stock) -> list[Request]:
    return [
        Request("POST", "/fhir/ServiceRequest", stock.hospital_token, json.dumps(a_request(f"Patient/{one}", NEED)))
        for one in stock.patients
    ]


def sends(stock: Stock) -> list[Request]:
    """Return a send for each patient: a transaction of ServiceRequest and Task."""
    return [Request("POST", "/fhir", stock.hospital_token, json.dumps(_bundle(stock, one))) for one in stock.patients]


def _bundle(stock: Stock, patient_id: str) -> dict[str, object]:
    patient = f"Patient/{patient_id}"
    sent = ((REQUEST_URN, a_request(patient, NEED)), (TASK_URN, a_task(stock, REQUEST_URN, patient)))
    entries = [
        {"fullUrl": urn, "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for urn, one in sent
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _answer(stock: Stock) -> list[Request]:
    """The agency accepts one half of the stock, so that its inbox never runs empty."""
    requests = []
    for task_id, body in stock.tasks[: len(stock.tasks) // 2]:
        accepted = json.loads(body) | {"status": "accepted"}
        headers = (("If-Match", 'W/"1"'),)
        path = f"/fhir/Task/{task_id}"
        requests.append(Request("PUT", path, stock.agency_token, json.dumps(accepted), headers))
    return requests


READS: Final = ((WAIT, 20), (SPOOL, 40))
CREATES: Final = ((WAIT, 25),)
MEASURES: Final = (
    Measure(BARE, "a bare route", FLOOR, _bare),
    Measure(COMMIT, "a bare commit", FLOOR, _commit),
    Measure("read", "read a Patient", HOUSE, _read, floor=BARE, reads=True, targets=READS),
    Measure("find", "find a Patient by identifier", HOUSE, _find, floor=BARE, reads=True),
    Measure("inbox", "search: 10 Tasks by owner, status", HOUSE, _inbox, floor=BARE, reads=True),
    Measure("poll", "poll: 20 Tasks, 2 × _include", HOUSE, _poll, floor=BARE, reads=True),
    Measure("create", "create a ServiceRequest", HOUSE, _create, 201, floor=COMMIT, targets=CREATES),
    Measure("transaction", "ServiceRequest + Task, transaction", HOUSE, sends, floor=COMMIT, targets=CREATES),
    Measure("answer", "answer: accept a Task by PUT", HOUSE, _answer, floor=COMMIT, once=True),
)
BY_NAME: Final = {measure.name: measure for measure in MEASURES}


def chosen(names: list[str]) -> tuple[Measure, ...]:
    """Return the named measures with the floors they are a share of; all of them for no name. Raises KeyError."""
    wanted = {name for name in names or BY_NAME}
    wanted |= {BY_NAME[name].floor for name in wanted}
    return tuple(measure for measure in MEASURES if measure.name in wanted)
