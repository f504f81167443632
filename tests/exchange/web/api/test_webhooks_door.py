"""`/api/webhooks`: registered, listed without its secret, removed; by administrators and clients of their own house."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from exchange.app import create_app
from exchange.config import Config
from exchange.db import audit
from exchange.db.client import AccessTokenRow, ClientRow
from exchange.db.person import PortalSessionRow, UserRow
from exchange.db.sealing import digest
from exchange.domain.actor import Role
from exchange.web.guard import SESSION_COOKIE
from tests.exchange.conftest import House

Call = Callable[..., TestResponse]
URL = "https://ehr.hospital.example/hook"


@pytest.fixture
def http(house: House, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr("exchange.app.DOORS", ("api",))
    at = house.clock()
    with house.database.write() as session:
        for name in ("hospital", "other"):
            session.add(
                ClientRow(id=f"c-{name}", organization_id=house.ids[name], name="EHR", scope="", registered_at=at)
            )
            session.flush()
            session.add(
                AccessTokenRow(
                    token_hash=digest(name),
                    client_id=f"c-{name}",
                    scope="",
                    issued_at=at,
                    expires_at=at + timedelta(hours=1),
                )
            )
    return create_app(Config(), house.database).test_client()


@pytest.fixture
def call(http: FlaskClient) -> Call:
    def ask(method: str, path: str = "", *, token: str | None = "hospital", **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return http.open(f"/api/webhooks{path}", method=method, headers=headers, **more)

    return ask


def test_a_webhook_is_registered_with_a_secret_that_is_shown_once(house: House, call: Call) -> None:
    made = call("POST", json={"url": URL})

    assert made.status_code == 201
    body = made.get_json()
    assert set(body) == {"id", "url", "secret", "created_at"}
    assert made.headers["Location"].endswith(f"/api/webhooks/{body['id']}")
    assert len(Webhook(body["secret"])._whsecret) == 32
    (listed,) = call("GET").get_json()["webhooks"]
    assert listed == {name: body[name] for name in ("id", "url", "created_at")}
    with house.database.read() as session:
        rows = session.execute(select(audit.audit_event.c.interaction, audit.audit_event.c.document_id)).all()
    assert ("register-webhook", body["id"]) in [tuple(row) for row in rows]


def test_a_webhook_is_removed_by_its_own_house_only(call: Call) -> None:
    webhook_id = call("POST", json={"url": URL}).get_json()["id"]

    stranger = call("DELETE", f"/{webhook_id}", token="other")
    own = call("DELETE", f"/{webhook_id}")
    again = call("DELETE", f"/{webhook_id}")

    assert (stranger.status_code, own.status_code, again.status_code) == (404, 204, 404)
    assert stranger.get_json()["detail"] == again.get_json()["detail"]
    assert call("GET").get_json() == {"webhooks": []}
    assert call("GET", token="other").get_json() == {"webhooks": []}


@pytest.mark.parametrize(
    "url",
    [
        "http://ehr.hospital.example/hook",
        "https://127.0.0.1/hook",
        "https://169.254.169.254/latest",
        "https://user:word@ehr.hospital.example/hook",
        "https://ehr.hospital.example:8443/hook",
        "ftp://ehr.hospital.example/",
        "hook",
    ],
)
def test_an_address_that_is_never_connected_to_is_refused_at_once(call: Call, url: str) -> None:
    refused = call("POST", json={"url": url})

    assert (refused.status_code, refused.content_type) == (422, "application/problem+json")
    assert refused.get_json()["pointer"] == "url"
    assert call("GET").get_json() == {"webhooks": []}


@pytest.mark.parametrize(
    "body",
    [
        {"json": {}},
        {"json": ["x"]},
        {"json": {"url": 7}},
        {"json": {"url": " "}},
        {"data": {"url": URL}},
        {"data": "{"},
    ],
)
def test_what_cannot_be_read_is_refused(call: Call, body: dict[str, Any]) -> None:
    refused = call("POST", **body)

    assert (refused.status_code, refused.content_type) == (400, "application/problem+json")
    assert refused.get_json()["detail"].startswith("Send a JSON object such as")


def test_an_address_is_registered_once_and_not_too_many_of_them(call: Call) -> None:
    assert [call("POST", json={"url": f"{URL}/{n}"}).status_code for n in range(5)] == [201] * 5

    assert call("POST", json={"url": f"{URL}/0"}).status_code == 409
    assert "at most 5" in call("POST", json={"url": f"{URL}/6"}).get_json()["detail"]


def test_nobody_without_a_token_and_no_other_method(call: Call) -> None:
    nobody = call("GET", token=None)
    wrong = call("PUT", json={})

    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert wrong.status_code == 405


@pytest.mark.parametrize(
    ("role", "status"), [(Role.ADMINISTRATOR, 201), (Role.COORDINATOR, 403), (Role.CASE_WORKER, 403)]
)
def test_of_people_only_administrators(house: House, http: FlaskClient, role: Role, status: int) -> None:
    at = house.clock()
    with house.database.write() as session:
        session.add(
            UserRow(id="u", organization_id=house.ids["hospital"], email="a@hospital.example", role=role, invited_at=at)
        )
        session.flush()
        session.add(PortalSessionRow(token_hash=digest("cookie"), user_id="u", started_at=at, seen_at=at))
    http.set_cookie(SESSION_COOKIE, "cookie")

    assert http.post("/api/webhooks", json={"url": URL}).status_code == status
