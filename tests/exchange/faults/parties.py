"""Who takes part where processes die: a hospital that sends, an agency told by mail, one told by webhook, a network."""

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from exchange.actions.directory.add_organization import Joining, add_organization
from exchange.app import create_app
from exchange.config import Config
from exchange.db.client import AccessTokenRow, ClientRow
from exchange.db.ids import new_id, new_secret
from exchange.db.person import UserRow
from exchange.db.sealing import digest
from exchange.db.session import Database
from exchange.db.webhook import add_webhook
from exchange.domain.actor import Actor, ActorKind, Role
from fhir_mapping import systems
from tests.benchmarks.stock import a_request

Json = dict[str, Any]
SCOPE: Final = "system/*.cruds"
KEYS: Final = "https://hospital.example/referrals"
SECRET: Final = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TASK_AT: Final = re.compile(r"Task/([0-9a-f-]{36})")
#  references of a Bundle to its own entries
PATIENT, REQUEST, TASK = (f"urn:uuid:5bd7a4b0-000{number}-4000-8000-000000000000" for number in range(3))


@dataclass
class Parties:
    """The ids of the organisations and the tokens of their programs, by label."""

    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def reference(self, label: str) -> str:
        """Return the reference to an organisation."""
        return f"Organization/{self.ids[label]}"

    def referral(self, key: str, receiver: str | None = "pantry", *, conditional: bool = False) -> Json:
        """Return a transaction that sends one referral of a new person; `key` stands in its ServiceRequest.

        `conditional` lets each entry be created only if its identifier is not there yet.
        """
        named = [{"system": KEYS, "value": key}]
        person = {"resourceType": "Patient", "identifier": named, "name": [{"family": "Canaryname"}]}
        request = {**a_request(PATIENT, "food-insecurity"), "identifier": named}
        sent = ((PATIENT, person), (REQUEST, request), (TASK, self.task(REQUEST, PATIENT, receiver)))
        if conditional:
            sent[2][1]["identifier"] = named
        entries = [_entry(url, body, key if conditional else None) for url, body in sent]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    def task(self, request: str, patient: str, receiver: str | None = "pantry") -> Json:
        """Return the Task that sends a request; without a receiver it is open."""
        task = {
            "resourceType": "Task", "status": "requested", "intent": "order", "priority": "routine",
            "code": {"coding": [{"system": systems.TASK_CODE, "code": "fulfill"}]}, "focus": {"reference": request},
            "for": {"reference": patient}, "requester": {"reference": self.reference("hospital")},
            "authoredOn": "2026-06-01T15:00:00Z", "lastModified": "2026-06-01T15:00:00Z",
        }  # fmt: skip
        return task | ({"owner": {"reference": self.reference(receiver)}} if receiver else {})


def send_here(database: Database, parties: Parties, *bundles: Json) -> list[str]:
    """Send referrals through the application in this process and return the ids of their Tasks."""
    app = create_app(Config(base_url="http://127.0.0.1:8080"), database)
    headers = {"Authorization": f"Bearer {parties.tokens['hospital']}"}
    tasks = []
    for bundle in bundles:
        answer = app.test_client().post(
            "/fhir", data=json.dumps(bundle), headers=headers, content_type="application/fhir+json"
        )
        assert answer.status_code == 200, answer.get_data(as_text=True)
        tasks.append(TASK_AT.findall(answer.get_data(as_text=True))[0])
    app.extensions["exchange_audit"].stop()
    return tasks


def _entry(url: str, resource: Json, key: str | None) -> Json:
    request = {"method": "POST", "url": resource["resourceType"]}
    if key is not None:
        request["ifNoneExist"] = f"identifier={KEYS}|{key}"
    return {"fullUrl": url, "resource": resource, "request": request}


def let_join(database: Database, hook: str = "") -> Parties:
    """Let all parties join, each with a program that holds a token; the shelter wants its webhooks at `hook`."""
    parties, operator = Parties(), Actor(ActorKind.OPERATOR, name="operator test")
    mail = {label: f"{label}@example.invalid" for label in ("network", "hospital", "pantry")}
    with database.write() as session:
        for label, kind in (
            ("network", "network"),
            ("hospital", "hospital"),
            ("pantry", "agency"),
            ("shelter", "agency"),
        ):
            network = parties.ids["network"] if label == "hospital" else None
            joining = Joining(name=label.capitalize(), kind=kind, email=mail.get(label), network_id=network)
            parties.ids[label] = add_organization(session, operator, joining)
            parties.tokens[label] = _let_in(session, database, parties.ids[label])
        #  with somebody who can sign in, a letter holds the referral's own address and no answer link
        session.add(
            UserRow(
                id=new_id(), organization_id=parties.ids["pantry"], email="worker@example.invalid",
                role=Role.COORDINATOR, password_hash="argon2", invited_at=database.clock(),
            )
        )  # fmt: skip
        if hook:
            add_webhook(session, parties.ids["shelter"], f"http://{hook}/", SECRET)
    return parties


def _let_in(session: Session, database: Database, organization_id: str) -> str:
    client_id, token, at = new_id(), new_secret(), database.clock()
    session.add(ClientRow(id=client_id, organization_id=organization_id, name="EHR", scope=SCOPE, registered_at=at))
    session.flush()
    expires_at = at + timedelta(days=1)
    session.add(
        AccessTokenRow(
            token_hash=digest(token), client_id=client_id, scope=SCOPE, issued_at=at, expires_at=expires_at
        )
    )  # fmt: skip
    return token
