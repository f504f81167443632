"""PyPI `cumulus-fhir-support` signs with its own cryptography, discovers the token address, and asks for v1 scopes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from cumulus_fhir_support import FhirClient
from cumulus_fhir_support.auth import AuthFailed
from cumulus_fhir_support.http import FatalNetworkError

from tests.contract.backend_client import BackendClient, Key, private
from tests.contract.live_exchange import LiveExchange, Wire
from tests.contract.referral_documents import SentReferral, send_referral

SCOPE = "system/Task.rs system/Patient.rs"
READ_ONCE = {"retry_delays": []}


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_it_gets_a_token_and_reads(
    algorithm: str, program: Callable[..., BackendClient], referral: SentReferral, wire: Wire
) -> None:
    reader = program("agency", SCOPE, key=algorithm)

    async def read(client: FhirClient) -> list[httpx.Response]:
        return [
            await client.request("GET", path, **READ_ONCE)
            for path in (referral.task, f"Task?_id={referral.task_id}", referral.patient)
        ]

    task, found, patient = spoken(reader, reader.key, ["Task", "Patient"], read)

    assert task.json()["status"] == "requested"
    assert [entry["resource"]["id"] for entry in found.json()["entry"]] == [referral.task_id]
    assert patient.json()["name"][0]["family"] == "Canaryname"
    (asked,) = [one for one in wire.heard if one.path == "/oauth/token"]
    assert asked.form["scope"] == ["system/Task.read system/Patient.read"]
    sent = {one.authorization for one in wire.fhir()}
    assert len(sent) == 1
    assert len(str(sent.pop()).removeprefix("Bearer ")) >= 22


def test_a_key_that_is_not_registered_gets_no_token(
    program: Callable[..., BackendClient], keys: dict[str, Key], wire: Wire
) -> None:
    reader = program("agency", SCOPE)

    with pytest.raises(AuthFailed, match=r"\[401\] The signature of the assertion does not fit"):
        spoken(reader, keys["unknown"], ["Task"], nothing)

    assert [one.status for one in wire.heard if one.path == "/oauth/token"] == [401]
    assert wire.fhir() == []


def test_a_scope_that_is_not_registered_gets_no_token(program: Callable[..., BackendClient]) -> None:
    reader = program("agency", SCOPE)

    with pytest.raises(AuthFailed, match=r"\[400\] This client is not registered for: system/Consent.read"):
        spoken(reader, reader.key, ["Task", "Consent"], nothing)


def test_beyond_its_scope_it_is_refused_with_403(
    program: Callable[..., BackendClient], referral: SentReferral, wire: Wire
) -> None:
    reader = program("agency", SCOPE)

    with pytest.raises(FatalNetworkError, match=r"\[403\].*system/Patient\.r") as refused:
        spoken(reader, reader.key, ["Task"], lambda client: client.request("GET", referral.patient, **READ_ONCE))

    assert refused.value.response.status_code == 403
    assert all((one.authorization or "").startswith("Bearer ") for one in wire.fhir())


def test_a_stranger_is_refused_with_404(program: Callable[..., BackendClient], referral: SentReferral) -> None:
    reader = program("stranger", SCOPE)

    with pytest.raises(FatalNetworkError, match=r"\[404\]"):
        spoken(reader, reader.key, ["Task"], lambda client: client.request("GET", referral.task, **READ_ONCE))


def test_without_signing_it_is_refused_with_401(exchange: LiveExchange, referral: SentReferral, wire: Wire) -> None:
    async def read() -> None:
        async with FhirClient(exchange.fhir_base, ["Task"], bearer_token="made-up") as client:
            await client.request("GET", referral.task, **READ_ONCE)

    with pytest.raises(FatalNetworkError) as refused:
        asyncio.run(read())

    assert refused.value.response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert {(one.authorization, one.status) for one in wire.fhir()} == {("Bearer made-up", 401)}


async def nothing(_client: FhirClient) -> None:
    """Ask for nothing: the token is asked for before."""


def spoken(who: BackendClient, key: Key, resources: list[str], say: Callable[[FhirClient], Awaitable[Any]]) -> Any:
    """Run a conversation of a program through cumulus-fhir-support and return what came of it."""

    async def conversation() -> Any:
        async with FhirClient(
            who.exchange.fhir_base, resources, smart_client_id=who.client_id, smart_jwks=private(key)
        ) as client:
            return await say(client)

    return asyncio.run(conversation())


@pytest.fixture(scope="module")
def referral(hospital: BackendClient, exchange: LiveExchange) -> SentReferral:
    return send_referral(hospital, f"Organization/{exchange.ids['agency']}")
