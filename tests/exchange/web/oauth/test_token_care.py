"""Introspection tells of one's own organisation's tokens, revocation stops one at once, discovery says where."""

from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from exchange.db.audit import audit_event
from exchange.web.oauth.discovery import scopes_supported
from exchange.web.oauth_addresses import oauth_addresses
from fhir_mapping.resource_types import RESOURCE_TYPES
from tests.exchange.web.oauth.conftest import TOKEN_URL, Door

INTROSPECT, REVOKE = "/oauth/introspect", "/oauth/revoke"


@pytest.mark.parametrize("by_token", [True, False])
def test_a_living_token_is_told_to_its_own_organisation(by_token: bool, door: Door) -> None:
    token = door.token()

    answer = door.post(INTROSPECT, {"token": token}, by=door.token() if by_token else None)

    at = int(door.house.clock().timestamp())
    assert answer.status_code == 200
    assert answer.json == {
        "active": True,
        "scope": "system/Task.rs",
        "client_id": door.client_id,
        "sub": door.client_id,
        "token_type": "bearer",
        "iat": at,
        "exp": at + 300,
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_of_another_organisation_is_told_as_unknown(door: Door) -> None:
    token, first = door.token(), door.client_id
    door.client_id = door.register("other", scope="system/Task.r")
    stranger = door.token(scope="system/Task.r")

    assert introspected(door, token, stranger) == {"active": False}
    door.client_id = first
    assert introspected(door, token, token)["active"] is True


@pytest.mark.parametrize("text", ["unknown", "x" * 5_000, "ä", "\0", " "])
def test_a_text_that_is_no_token_is_not_active(text: str, door: Door) -> None:
    assert introspected(door, text, door.token()) == {"active": False}


def test_an_ended_or_revoked_token_is_not_active(door: Door) -> None:
    ended = door.token()
    door.house.clock.forward(seconds=300)
    revoked, living = door.token(), door.token()
    revoke(door, revoked, living)

    assert introspected(door, ended, living) == {"active": False}
    assert introspected(door, revoked, living) == {"active": False}


@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
@pytest.mark.parametrize("authorization", [None, "Bearer unknown", "Basic eDp5", "Bearer", ""])
def test_a_stranger_is_told_nothing(path: str, authorization: str | None, door: Door) -> None:
    token = door.token()
    headers = {} if authorization is None else {"Authorization": authorization}

    answer = door.browser.post(path, data={"token": token}, headers=headers)

    assert answer.status_code == 401
    assert answer.json["error"] in ("invalid_client", "invalid_token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert door.probe(token).status_code == 200


@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
def test_a_missing_token_is_told(path: str, door: Door) -> None:
    answer = door.post(path, {})

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
def test_an_assertion_may_be_meant_for_this_endpoint_and_is_used_up(path: str, door: Door) -> None:
    assertion = door.sign(door.claims(aud=f"https://exchange.example{path}"))

    statuses = [door.post(path, {"token": "x"}, assertion=assertion).status_code for _ in range(2)]

    assert statuses == [200, 401]


def test_an_assertion_for_introspection_gets_no_token(door: Door) -> None:
    assertion = door.sign(door.claims(aud="https://exchange.example/oauth/introspect"))

    assert door.ask(assertion).status_code == 401


@pytest.mark.parametrize("by_token", [True, False])
def test_a_revoked_token_stops_at_once(by_token: bool, door: Door) -> None:
    token = door.token()

    answer = revoke(door, token, by=door.token() if by_token else None)

    assert (answer.status_code, answer.json) == (200, {})
    assert door.probe(token).status_code == 401
    with door.house.database.read() as session:
        rows = session.execute(select(audit_event).where(audit_event.c.interaction == "revoke-token")).all()
    assert [row.actor_id for row in rows] == [door.client_id]


@pytest.mark.parametrize("label", ["hospital", "other"])
def test_a_token_of_another_client_is_left_alone_and_nothing_is_told_of_it(label: str, door: Door) -> None:
    token = door.token()
    door.client_id = door.register(label, scope="system/Task.r")

    of_another = revoke(door, token)
    of_nobody = revoke(door, "unknown")

    assert (of_another.status_code, of_another.json) == (of_nobody.status_code, of_nobody.json) == (200, {})
    assert door.probe(token).status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/fhir+json", "*/*", ""])
def test_discovery_is_json_whatever_is_accepted(accept: str, door: Door) -> None:
    answer = door.browser.get("/fhir/.well-known/smart-configuration", headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_discovery_says_all_that_a_backend_service_needs(door: Door) -> None:
    found = door.browser.get("/fhir/.well-known/smart-configuration").json

    assert found["token_endpoint"] == TOKEN_URL
    assert found["grant_types_supported"] == ["client_credentials"]
    assert found["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert found["token_endpoint_auth_signing_alg_values_supported"] == ["ES384", "RS384"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert {"client-confidential-asymmetric", "permission-v1", "permission-v2"} <= set(found["capabilities"])
    assert not {"issuer", "authorization_endpoint", "registration_endpoint", "jwks_uri"} & set(found)


def test_every_address_that_discovery_names_is_there(door: Door) -> None:
    found = door.browser.get("/fhir/.well-known/smart-configuration").json
    addresses = [value for name, value in found.items() if name.endswith("_endpoint")]

    rules = {rule.rule for rule in door.app.url_map.iter_rules()}
    assert len(addresses) == 3
    assert {address.removeprefix("https://exchange.example") for address in addresses} <= rules


def test_the_addresses_are_the_same_for_every_door(door: Door) -> None:
    addresses = oauth_addresses(door.app.extensions["exchange_config"])

    found = door.browser.get("/fhir/.well-known/smart-configuration").json
    assert addresses.token == found["token_endpoint"]
    assert addresses.introspect == found["introspection_endpoint"]
    assert addresses.revoke == found["revocation_endpoint"]


def test_every_scope_that_discovery_names_can_be_registered_and_granted(door: Door) -> None:
    scopes = scopes_supported()

    door.client_id = door.register(scope=" ".join(scopes))
    assert door.ask(scope=" ".join(scopes)).json["scope"] == " ".join(scopes)
    assert {scope.split("/")[1].split(".")[0] for scope in scopes} == {"*", *RESOURCE_TYPES}


def introspected(door: Door, token: str, by: str) -> Any:
    answer = door.post(INTROSPECT, {"token": token}, by=by)
    assert answer.status_code == 200
    return answer.json


def revoke(door: Door, token: str, by: str | None = None) -> TestResponse:
    return door.post(REVOKE, {"token": token}, by=by)
