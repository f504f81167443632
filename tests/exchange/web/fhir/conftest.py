"""The FHIR door of a test: a house with programs that hold tokens, and what they can say over HTTP."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from exchange.app import create_app
from exchange.config import Config
from exchange.db.audit import audit_event
from exchange.db.client import AccessTokenRow, ClientRow
from exchange.db.sealing import digest
from tests.exchange.conftest import House

DATA = Path(__file__).parents[3] / "data" / "fhir"
ALL = "system/*.cruds"
BASE = "http://127.0.0.1:8080/fhir"
Json = dict[str, Any]
Send = Callable[..., Json]


@dataclass
class Caller:
    """A program of an organisation with a token: its methods are those of HTTP, below `/fhir`."""

    http: FlaskClient
    token: str
    organization_id: str

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, resource: Any, **headers: str) -> TestResponse:
        return self.ask("POST", path, resource, **headers)

    def put(self, path: str, resource: Any, **headers: str) -> TestResponse:
        return self.ask("PUT", path, resource, **headers)

    def ask(self, method: str, path: str, resource: Any = None, **headers: str) -> TestResponse:
        """Send a request; header names are written with underscores."""
        said = {"Authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        if resource is not None:
            said.setdefault("Content-Type", "application/fhir+json")
        data = resource if isinstance(resource, (str, bytes, type(None))) else json.dumps(resource)
        return self.http.open(path.removeprefix(BASE) and f"/fhir{path.removeprefix(BASE)}" or "/fhir", method=method,
                              headers=said, data=data)  # fmt: skip

    def create(self, resource: Json) -> Json:
        """Create a resource and return it."""
        answer = self.post(f"/{resource['resourceType']}", resource)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return json_of(answer)


@dataclass
class Door:
    """The house with its app; `caller(label, scope)` is a program of an organisation."""

    house: House
    app: Flask
    number: int = 0

    def caller(self, label: str, scope: str = ALL) -> Caller:
        self.number += 1
        token = f"token-{self.number}-{'x' * 20}"
        organization_id, at = self.house.ids[label], self.house.clock()
        with self.house.database.write() as session:
            client_id = f"client-{self.number}"
            session.add(ClientRow(id=client_id, organization_id=organization_id, name=f"EHR of {label}", scope=scope,
                                  registered_at=at))  # fmt: skip
            session.flush()
            session.add(AccessTokenRow(token_hash=digest(token), client_id=client_id, scope=scope, issued_at=at,
                                       expires_at=at + timedelta(days=30)))  # fmt: skip
        return Caller(self.app.test_client(), token, organization_id)

    def audited(self, **wanted: Any) -> list[Any]:
        """Return the audit rows that have these values."""
        with self.house.database.read() as session:
            rows = session.execute(select(audit_event).order_by(audit_event.c.at, audit_event.c.id)).all()
        return [row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]


def json_of(answer: TestResponse) -> Json:
    """Return the JSON of an answer."""
    return json.loads(answer.data)


def told(answer: TestResponse) -> tuple[int, str, str]:
    """Return status, issue code and sentence of a refusal."""
    outcome = json_of(answer)
    assert outcome["resourceType"] == "OperationOutcome"
    issue = outcome["issue"][0]
    return answer.status_code, issue["code"], issue["diagnostics"]


def matches(answer: TestResponse) -> list[str]:
    """Return the ids of the matches of a searchset, in order."""
    bundle = json_of(answer)
    assert answer.status_code == 200, bundle
    return [one["resource"]["id"] for one in bundle.get("entry", []) if one["search"]["mode"] == "match"]


def sample(name: str, **changes: Any) -> Json:
    """Return a document of `tests/data/fhir` without references and id, with changes."""
    document: Json = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    document.pop("id", None)
    return copy.deepcopy(document) | changes


def a_patient(**changes: Any) -> Json:
    return {"resourceType": "Patient", "name": [{"family": "Canaryname", "given": ["Zoelle"]}],
            "gender": "female", "birthDate": "1980-01-02"} | changes  # fmt: skip


def a_referral(patient: str, request: str, sender: str, receiver: str | None, **changes: Any) -> Json:
    task = {
        "resourceType": "Task", "status": "requested", "intent": "order", "priority": "routine",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": request}, "for": {"reference": patient}, "authoredOn": "2026-06-01T15:00:00Z",
        "lastModified": "2026-06-01T15:00:00Z", "requester": {"reference": f"Organization/{sender}"},
    }  # fmt: skip
    if receiver:
        task["owner"] = {"reference": f"Organization/{receiver}"}
    return task | changes


def a_request(patient: str, **changes: Any) -> Json:
    return {
        "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": patient},
        "category": [{"coding": [{"system": "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes",
                                  "code": "food-insecurity"}]}],
        "code": {"text": "A food box"},
    } | changes  # fmt: skip


@pytest.fixture
def door(house: House, monkeypatch: pytest.MonkeyPatch) -> Door:
    """The app over the house of the test, with the doors that are tested here."""
    monkeypatch.setattr("exchange.app.DOORS", ("fhir", "api"))
    app = create_app(Config(base_url="http://127.0.0.1:8080"), house.database)
    return Door(house, app)


@pytest.fixture
def hospital(door: Door) -> Caller:
    return door.caller("hospital")


@pytest.fixture
def pantry(door: Door) -> Caller:
    return door.caller("pantry")


@pytest.fixture
def other(door: Door) -> Caller:
    return door.caller("other")


@pytest.fixture
def referral(hospital: Caller, pantry: Caller) -> Send:
    """Send a referral from the hospital to the pantry and return its Task."""

    def send(receiver: str | None = pantry.organization_id, **changes: Any) -> Json:
        patient = f"Patient/{hospital.create(a_patient())['id']}"
        request = f"ServiceRequest/{hospital.create(a_request(patient))['id']}"
        return hospital.create(a_referral(patient, request, hospital.organization_id, receiver, **changes))

    return send
