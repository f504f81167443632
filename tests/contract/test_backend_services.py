"""SMART Backend Services against the running exchange: from nothing but the FHIR base to a token, and no further."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.contract.backend_client import BackendClient, Json
from tests.contract.live_exchange import LiveExchange

LETTERS = {
    "create": "c",
    "read": "r",
    "vread": "r",
    "history-instance": "r",
    "update": "u",
    "search-type": "s",
}
REQUESTS = {
    "create": ("POST", ""),
    "read": ("GET", "/nobody"),
    "vread": ("GET", "/nobody/_history/1"),
    "history-instance": ("GET", "/nobody/_history"),
    "update": ("PUT", "/nobody"),
    "search-type": ("GET", "?_id=nobody"),
}


def test_discovery_leads_to_a_token(exchange: LiveExchange, agency: BackendClient) -> None:
    found = agency.http.get(f"{exchange.fhir_base}/.well-known/smart-configuration", headers={"Accept": "text/html"})

    assert found.headers["Content-Type"] == "application/json"
    said = found.json()
    assert said["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert said["token_endpoint_auth_signing_alg_values_supported"] == ["ES384", "RS384"]
    assert {urlsplit(said[name]).netloc for name in said if name.endswith("_endpoint")} == {
        urlsplit(exchange.base_url).netloc
    }
    answer = agency.http.post(said["token_endpoint"], data=form(agency, "system/Task.rs"))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    told = answer.json()
    assert set(told) == {"access_token", "token_type", "expires_in", "scope"}
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 300, "system/Task.rs")


def test_what_every_client_can_prove_is_what_it_gets(agency: BackendClient, hospital: BackendClient) -> None:
    """One program cannot use the name of another, though both are registered with the same key."""
    refused = agency.ask_for_token(client_assertion=agency.assertion(sub=hospital.client_id))

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer ")


def test_an_assertion_opens_once(agency: BackendClient) -> None:
    assertion = agency.assertion()

    first, second = (agency.ask_for_token(client_assertion=assertion) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 401)
    assert second.json()["error_description"].startswith("This assertion was used before")


def test_a_token_that_was_given_back_opens_nothing(agency: BackendClient, exchange: LiveExchange) -> None:
    token = agency.ask_for_token().json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert agency.http.get(f"{exchange.fhir_base}/Task", headers=headers).status_code == 200

    given_back = agency.http.post(f"{exchange.base_url}/oauth/revoke", data={"token": token}, headers=headers)

    assert given_back.status_code == 200
    refused = agency.http.get(f"{exchange.fhir_base}/Task", headers=headers)
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (401, "expired")


@pytest.mark.parametrize(
    "carried",
    [
        {"params": {"access_token": "TOKEN"}},
        {"headers": {"Authorization": "TOKEN"}},
        {"headers": {"Authorization": "Basic TOKEN"}},
        {"headers": {"Authorization": "Bearer TOKENx"}},
        {"headers": {"X-Access-Token": "TOKEN"}},
        {"cookies": {"access_token": "TOKEN", "exchange_session": "TOKEN"}},
    ],
    ids=lambda carried: " ".join(f"{kind} {value}" for kind, value in carried.items()),
)
def test_a_token_opens_only_as_a_bearer_header(
    carried: dict[str, Any], agency: BackendClient, exchange: LiveExchange
) -> None:
    token = agency.ask_for_token().json()["access_token"]
    written = {
        kind: {name: value.replace("TOKEN", token) for name, value in pairs.items()} for kind, pairs in carried.items()
    }

    refused = requests.get(f"{exchange.fhir_base}/Task", timeout=10, **written)

    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (401, "login")


@pytest.mark.parametrize("turn", range(5))
def test_each_scope_reaches_its_own_type_and_interaction_only(
    turn: int, program: Callable[..., BackendClient], statement: Json
) -> None:
    """One letter for each type, another one each turn: after five turns every type has had every letter alone."""
    client = program("agency")
    promised = {one["type"]: {row["code"] for row in one["interaction"]} for one in statement["rest"][0]["resource"]}
    held = {type_name: "cruds"[(turn + place) % 5] for place, type_name in enumerate(promised)}
    held = {name: letter for name, letter in held.items() if letter in {LETTERS[code] for code in promised[name]}}
    asked = [(type_name, code) for type_name, codes in promised.items() for code in sorted(codes)]

    client.sign_in(" ".join(f"system/{type_name}.{letter}" for type_name, letter in held.items()))
    reached = reaches(client, asked)

    assert len(promised) >= 22
    assert {one for one, is_reached in zip(asked, reached, strict=True) if is_reached} == {
        (type_name, code) for type_name, code in asked if held.get(type_name) == LETTERS[code]
    }


def reaches(client: BackendClient, asked: list[tuple[str, str]]) -> list[bool]:
    """Return which interactions a token reaches, by one batch: an entry beyond its scope is answered 403.

    What is asked for does not exist: scopes are judged first.
    """
    entries = [
        {"request": {"method": method, "url": type_name + rest}}
        | ({"resource": {"resourceType": type_name, "id": "nobody"}} if method in ("POST", "PUT") else {})
        for type_name, (method, rest) in ((type_name, REQUESTS[code]) for type_name, code in asked)
    ]
    answer = client.ask("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert answer.status_code == 200, answer.text
    return [not entry["response"]["status"].startswith("403") for entry in answer.json()["entry"]]


def test_no_address_of_the_fhir_door_opens_without_a_token(
    exchange: LiveExchange, rules: list[tuple[str, str]]
) -> None:
    opened = {}
    with requests.Session() as http:
        for method, path in rules:
            answer = http.request(method, f"{exchange.base_url}{path}", timeout=10)
            if answer.status_code != 401:
                opened[f"{method} {path}"] = answer.status_code
            else:
                assert answer.headers["WWW-Authenticate"].startswith("Bearer "), path
                assert method == "HEAD" or answer.json()["issue"][0]["code"] == "login", path

    assert len(rules) > 100
    assert opened == {
        "GET /fhir/metadata": 200, "HEAD /fhir/metadata": 200,
        "GET /fhir/.well-known/smart-configuration": 200, "HEAD /fhir/.well-known/smart-configuration": 200,
    }  # fmt: skip


def form(client: BackendClient, scope: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials", "scope": scope, "client_assertion": client.assertion(),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }  # fmt: skip


@pytest.fixture(scope="module")
def agency(program: Callable[..., BackendClient]) -> BackendClient:
    return program("agency")


@pytest.fixture(scope="module")
def statement(exchange: LiveExchange) -> Json:
    found: Json = requests.get(f"{exchange.fhir_base}/metadata", timeout=10).json()
    return found


@pytest.fixture
def rules(exchange: LiveExchange) -> list[tuple[str, str]]:
    """Every method and address of the FHIR door, from the map that the running application routes by."""
    places = {"document_id": "nobody", "version": "1", "path": "Colour/red"}
    found = set()
    for rule in exchange.app.url_map.iter_rules():
        if rule.rule.startswith("/fhir"):
            path = rule.rule
            for name in rule.arguments & set(places):
                path = path.replace(f"<fhir_id:{name}>", places[name]).replace(f"<path:{name}>", places[name])
            assert "<" not in path, rule
            found |= {(method, path) for method in (rule.methods or set()) - {"OPTIONS"}}
    return sorted(found)
