"""`/api/directory/search`: the command's JSON with the organisation, problem documents for what cannot be read."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from directory.importing import import_source
from exchange.app import create_app
from exchange.config import Config
from exchange.db.client import AccessTokenRow, ClientRow
from exchange.db.sealing import digest
from tests.exchange.conftest import House

DIRECTORY = Path(__file__).parents[3] / "data" / "directory" / "hsds_json"
TOKEN = "token-of-the-hospital"


@pytest.fixture
def http(house: House, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr("exchange.app.DOORS", ("api",))
    import_source(house.database.write, DIRECTORY, now=house.clock())
    at = house.clock()
    with house.database.write() as session:
        session.add(ClientRow(id="client-1", organization_id=house.ids["hospital"], name="EHR", scope="system/*.rs",
                              registered_at=at))  # fmt: skip
        session.flush()
        session.add(AccessTokenRow(token_hash=digest(TOKEN), client_id="client-1", scope="system/*.rs", issued_at=at,
                                   expires_at=at + timedelta(hours=1)))  # fmt: skip
    return create_app(Config(), house.database).test_client()


def ask(http: FlaskClient, query: str, token: str = TOKEN) -> TestResponse:
    return http.get(f"/api/directory/search{query}", headers={"Authorization": f"Bearer {token}"})


def found(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.data
    page: dict[str, Any] = json.loads(answer.data)
    return page


def test_a_hit_names_the_service_and_the_organisation_to_send_to(http: FlaskClient) -> None:
    page = found(ask(http, ""))

    assert page["hits"]
    assert set(page["hits"][0]) == {"id", "service", "organization", "organization_id", "distance_km", "reasons"}
    assert set(page) == {"hits", "total", "next_after", "notes"}


def test_pages_bring_every_service_once(http: FlaskClient) -> None:
    seen, after = [], ""
    while True:
        answer = http.get(
            "/api/directory/search",
            query_string={"limit": "1"} | ({"after": after} if after else {}),
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        page = found(answer)
        seen += [hit["id"] for hit in page["hits"]]
        after = page["next_after"]
        if after is None:
            break

    assert sorted(seen) == sorted(hit["id"] for hit in found(ask(http, "?limit=200"))["hits"])


def test_a_parameter_that_cannot_be_read_is_told_in_a_problem_document(http: FlaskClient) -> None:
    for query, pointer in [
        ("?colour=red", "colour"),
        ("?limit=1&limit=2", "limit"),
        ("?limit=many", "limit"),
        ("?near=here", "near"),
        ("?near=1,2,3", "near"),
        ("?radius_km=far", "radius_km"),
        ("?open_at=today", "open_at"),
        ("?open_at=2026-06-01T15:00:00", "open_at"),
        ("?accepts_referrals=perhaps", "accepts_referrals"),
        ("?age=old", "age"),
        ("?zip=00000", None),
        ("?need=happiness", None),
        ("?limit=100000", None),
        ("?radius_km=nan", "radius_km"),
        ("?near=nan,nan", None),
    ]:
        answer = ask(http, query)
        problem = json.loads(answer.data)
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json"), query
        assert problem.get("pointer") == pointer, query
        assert problem["detail"].endswith("."), query


def test_each_parameter_is_taken(http: FlaskClient) -> None:
    for query in [
        "?text=food",
        "?near=41.88,-87.63",
        "?open_at=2026-06-01T15:00:00-05:00",
        "?age=30",
        "?accepts_referrals=true",
        "?language=es",
        "?zip=",
    ]:
        assert isinstance(found(ask(http, query))["hits"], list), query


def test_who_is_not_known_gets_a_problem_document(http: FlaskClient) -> None:
    answer = ask(http, "", token="nonsense")

    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
