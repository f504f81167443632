"""The running server's statement is one that others can read, and a client that knows nothing else can rely on it."""

from collections.abc import Iterator

import pytest
import requests
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhirclient.client import FHIRClient

from tests.contract.backend_client import BackendClient, Json
from tests.contract.live_exchange import LiveExchange

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def test_fhirclient_reads_it_and_finds_the_token_address(exchange: LiveExchange, reader: FHIRClient) -> None:
    reader.prepare()

    read = reader.server.capabilityStatement
    assert read.fhirVersion == "4.0.1"
    (uris,) = [one for one in read.rest[0].security.extension if one.url == OAUTH_URIS]
    assert {one.url: one.valueUri for one in uris.extension} == {
        name: f"{exchange.base_url}/oauth/{name}" for name in ("token", "introspect", "revoke")
    }


def test_fhir_resources_reads_it(exchange: LiveExchange, statement: Json) -> None:
    read = CapabilityStatement.model_validate(statement)

    assert read.kind == "instance"
    assert str(read.implementation.url) == exchange.fhir_base


def test_the_token_address_is_the_same_in_both_discoveries(exchange: LiveExchange, statement: Json) -> None:
    smart = requests.get(f"{exchange.fhir_base}/.well-known/smart-configuration", timeout=10).json()

    extension = statement["rest"][0]["security"]["extension"][0]["extension"]
    assert {one["url"]: one["valueUri"] for one in extension} == {
        "token": smart["token_endpoint"],
        "introspect": smart["introspection_endpoint"],
        "revoke": smart["revocation_endpoint"],
    }


def test_a_client_that_searches_by_every_promised_parameter_is_answered(
    hospital: BackendClient, statement: Json
) -> None:
    """All in one batch, under strict handling: a parameter that the server did not know would be a 400."""
    values = {"date": "2026-11", "reference": "Patient/nobody", "token": "nobody", "string": "nobody", "uri": "urn:x:y"}
    queries = [
        f"{resource['type']}?{one['name']}={values[one['type']]}"
        for resource in statement["rest"][0]["resource"]
        for one in resource["searchParam"]
    ]

    answered = [entry["response"] for entry in batch(hospital, queries)]

    assert len(queries) > 100
    assert {query: one for query, one in zip(queries, answered, strict=True) if one["status"] != "200 OK"} == {}


def test_a_parameter_it_does_not_promise_is_refused_by_those_who_want_it_strict(hospital: BackendClient) -> None:
    (entry,) = batch(hospital, ["Patient?eyecolour=green"])

    assert entry["response"]["status"].startswith("400")


def batch(client: BackendClient, queries: list[str]) -> list[Json]:
    """Return the answers to some searches under strict handling."""
    entries = [{"request": {"method": "GET", "url": query}} for query in queries]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = client.ask("POST", "", bundle, Prefer="handling=strict")
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["entry"]
    return found


@pytest.mark.parametrize("type_name", ["Encounter", "Medication", "Bundle", "Subscription", "patient"])
def test_a_type_it_does_not_name_is_not_there(type_name: str, hospital: BackendClient, statement: Json) -> None:
    assert type_name not in {one["type"] for one in statement["rest"][0]["resource"]}
    assert hospital.ask("GET", type_name).status_code == 404


@pytest.fixture(scope="module")
def statement(exchange: LiveExchange) -> Json:
    answer = requests.get(f"{exchange.fhir_base}/metadata", timeout=10)
    assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    found: Json = answer.json()
    return found


@pytest.fixture
def reader(exchange: LiveExchange) -> Iterator[FHIRClient]:
    client = FHIRClient(settings={"app_id": "nobody", "api_base": exchange.fhir_base})
    client.server.session.trust_env = False
    yield client
    client.server.session.close()
