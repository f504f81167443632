"""The stock of a benchmark: a hospital, an agency, their tokens, and referrals sent through the real actions."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from exchange.actions.directory.add_organization import Joining, add_organization
from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.create_document import create_document
from exchange.db.client import AccessTokenRow, ClientRow
from exchange.db.document import Document
from exchange.db.ids import new_id, new_secret
from exchange.db.outbox import SENT, MessageRow
from exchange.db.sealing import digest
from exchange.db.session import Database
from exchange.domain.actor import Actor, ActorKind
from fhir_mapping import systems
from tests.benchmarks.bulk import Sent, multiply

Json = dict[str, Any]
Progress = Callable[[int, int], None]
SCOPE = "system/*.cruds"
MRN = "https://hospital.benchmark.invalid/mrn"
PER_TRANSACTION = 50
AT = "2026-06-01T15:00:00Z"


@dataclass
class Stock:
    """What lies in the database. `tasks` are (id, body as sent out, JSON text); ids stand in the order of sending."""

    hospital: str = ""
    agency: str = ""
    hospital_token: str = field(default_factory=new_secret)
    agency_token: str = field(default_factory=new_secret)
    patients: list[str] = field(default_factory=list)
    tasks: list[tuple[str, str]] = field(default_factory=list)
    since: str = ""


def fill(database: Database, count: int, progress: Progress = lambda _done, _all: None, *, copies: int = 0) -> Stock:
    """Let two organisations join and send `count` referrals, each of a patient of its own, and return what was laid in.

    They are sent by the actions, `PER_TRANSACTION` at a time, so that what is found and released is as in real life.
    `copies` of one more lie beneath them, which are older and in no list of the stock (tests/benchmarks/bulk.py).
    """
    stock = Stock()
    with database.write() as session:
        operator = Actor(ActorKind.OPERATOR, name="benchmark")
        for label, kind in (("hospital", "hospital"), ("agency", "agency")):
            joining = Joining(f"Benchmark {label}", kind, email=f"{label}@benchmark.invalid", phone="217-555-0100")
            setattr(stock, label, add_organization(session, operator, joining))
        _let_in(session, stock.hospital, stock.hospital_token, database.clock())
        _let_in(session, stock.agency, stock.agency_token, database.clock())
    actor = Actor(ActorKind.CLIENT, stock.hospital, "benchmark", "Benchmark client")
    if copies:
        with database.write() as session:
            first_sent = _send(session, actor, Stock(stock.hospital, stock.agency), 9_999_999)
        multiply(database, first_sent, copies, progress)
    for first in range(0, count, PER_TRANSACTION):
        with database.write() as session:
            for number in range(first, min(first + PER_TRANSACTION, count)):
                _send(session, actor, stock, number)
        progress(min(first + PER_TRANSACTION, count), count)
    with database.write() as session:
        session.execute(update(MessageRow).values(state=SENT, sent_at=database.clock()))
    #  a poller who was here before the last twenty referrals
    late = stock.tasks[max(0, count - 20) :]
    stock.since = json.loads(late[0][1])["meta"]["lastUpdated"] if late else AT
    return stock


def _let_in(session: Session, organization_id: str, token: str, at: datetime) -> None:
    client_id = new_id()
    session.add(
        ClientRow(id=client_id, organization_id=organization_id, name="Benchmark", scope=SCOPE, registered_at=at)
    )
    session.flush()
    session.add(
        AccessTokenRow(
            token_hash=digest(token), client_id=client_id, scope=SCOPE, issued_at=at, expires_at=at + timedelta(days=1)
        )
    )


def _send(session: Session, actor: Actor, stock: Stock, number: int) -> Sent:
    patient = _keep(session, actor, a_patient(number))
    request = _keep(session, actor, a_request(f"Patient/{patient.id}", "food-insecurity"))
    task = _keep(session, actor, a_task(stock, f"ServiceRequest/{request.id}", f"Patient/{patient.id}"))
    stock.patients.append(patient.id)
    stock.tasks.append((task.id, task.body.decode()))
    return Sent(patient.id, request.id, task.id)


def _keep(session: Session, actor: Actor, document: Json) -> Document:
    return create_document(session, actor, check_document(document)).document


def a_patient(number: int) -> Json:
    """Return a Patient of nobody: made-up words, found by a number."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": MRN, "value": f"B{number:07}"}],
        "name": [{"use": "official", "family": f"Benchmark{number:07}", "given": ["Person"]}],
        "telecom": [{"system": "phone", "value": f"217-555-{number % 10_000:04}"}],
        "gender": "unknown",
        "birthDate": f"{1940 + number % 70}-0{1 + number % 9}-1{number % 10}",
        "address": [{"line": ["1 Benchmark Row"], "city": "Springfield", "state": "IL", "postalCode": "62701"}],
    }


def a_request(patient: str, need: str) -> Json:
    """Return a ServiceRequest of SDOHCC for a patient."""
    return {
        "resourceType": "ServiceRequest",
        "meta": {"profile": [systems.SDOHCC_SERVICE_REQUEST]},
        "status": "active",
        "intent": "order",
        "category": [
            {"coding": [{"system": systems.SNOMED, "code": "410606002", "display": "Social service procedure"}]},
            {"coding": [{"system": systems.SDOHCC_CODES, "code": need}]},
        ],
        "priority": "routine",
        "code": {"text": "A weekly food box"},
        "subject": {"reference": patient},
        "authoredOn": AT,
    }


def a_task(stock: Stock, request: str, patient: str) -> Json:
    """Return the Task that sends a ServiceRequest from the hospital to the agency."""
    return {
        "resourceType": "Task",
        "meta": {"profile": [systems.SDOHCC_TASK]},
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {"coding": [{"system": systems.TASK_CODE, "code": "fulfill", "display": "Fulfill the focal request"}]},
        "focus": {"reference": request},
        "for": {"reference": patient},
        "authoredOn": AT,
        "lastModified": AT,
        "requester": {"reference": f"Organization/{stock.hospital}"},
        "owner": {"reference": f"Organization/{stock.agency}"},
    }
