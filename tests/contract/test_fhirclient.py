"""PyPI `fhirclient` answers a referral. It finds the token address only in `oauth-uris`, and without it would go on
without a token and say nothing: so what arrived at the server is looked at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.procedure import Procedure
from fhirclient.models.task import Task, TaskOutput
from fhirclient.server import FHIRNotFoundException, FHIRPermissionDeniedException, FHIRUnauthorizedException
from requests import HTTPError

from tests.contract.backend_client import BackendClient
from tests.contract.live_exchange import LiveExchange, Wire
from tests.contract.referral_documents import SentReferral, a_patient, a_procedure, an_output, send_referral

SCOPE = "system/Task.rus system/ServiceRequest.r system/Patient.rs system/Procedure.cr"
Connect = Callable[..., FHIRClient]


def test_it_finds_reads_accepts_and_completes_a_referral(
    connect: Connect, agency: BackendClient, hospital: BackendClient, referral: SentReferral, wire: Wire
) -> None:
    client = connect(agency)

    found = Task.where({"status": "requested", "owner": agency.organization}).perform_resources_iter(client.server)
    task = next(one for one in found if one.id == referral.task_id)
    request = client.server.request_json(task.focus.reference)
    task.status = "accepted"
    accepted = task.update(client.server)
    task = Task(accepted)
    task.status = "in-progress"
    task = Task(task.update(client.server))
    procedure = Procedure(a_procedure(referral.patient, referral.request)).create(client.server)
    task.output = [TaskOutput(an_output(f"Procedure/{procedure['id']}"))]
    task.status = "completed"
    task.update(client.server)

    assert request["code"]["text"] == "A food box each week"
    assert accepted["status"] == "accepted"
    wire.assert_every_request_carried(client.server.auth.access_token)
    seen = hospital.read(referral.task)
    assert seen["status"] == "completed"
    assert hospital.read(seen["output"][0]["valueReference"]["reference"])["status"] == "completed"


def test_it_gets_its_token_though_it_asks_for_launch_patient_too(
    connect: Connect, agency: BackendClient, wire: Wire
) -> None:
    client = connect(agency)

    assert client.ready
    (asked,) = [one for one in wire.heard if one.path == "/oauth/token"]
    assert asked.form["scope"] == [f"launch/patient {SCOPE}"]
    assert client.launch_context["scope"] == SCOPE


def test_it_reads_page_after_page(connect: Connect, agency: BackendClient, hospital: BackendClient, wire: Wire) -> None:
    sent = {send_referral(hospital, agency.organization).task_id for _ in range(3)}
    wire.heard.clear()
    client = connect(agency)

    pages = list(Task.where({"_id": ",".join(sorted(sent)), "_count": "1"}).perform_iter(client.server))

    assert [len(page.entry) for page in pages] == [1, 1, 1]
    assert {page.entry[0].resource.id for page in pages} == sent
    wire.assert_every_request_carried(client.server.auth.access_token)


def test_it_includes_what_a_task_is_about(connect: Connect, agency: BackendClient, referral: SentReferral) -> None:
    client = connect(agency)

    found = Task.where({"_id": referral.task_id}).include("focus").perform_resources_iter(client.server)

    assert sorted(one.resource_type for one in found) == ["ServiceRequest", "Task"]


def test_it_sends_a_transaction(
    hospital: BackendClient, program: Callable[..., BackendClient], connect: Connect
) -> None:
    client = connect(program("hospital"), "system/Patient.crs")
    bundle = Bundle(
        {
            "resourceType": "Bundle", "type": "transaction",
            "entry": [{"fullUrl": "urn:uuid:6f1d2c3b-0000-4000-8000-000000000001", "resource": a_patient(),
                       "request": {"method": "POST", "url": "Patient"}}],
        }
    )  # fmt: skip

    answered = client.server.post_json("", bundle.as_json()).json()

    assert answered["type"] == "transaction-response"
    assert answered["entry"][0]["response"]["status"].startswith("201")


def test_without_a_token_it_is_refused_with_401(agency: BackendClient, referral: SentReferral, wire: Wire) -> None:
    with opened_client(agency, jwt_token=None) as client:
        client.prepare()

        with pytest.raises(FHIRUnauthorizedException) as refused:
            Task.read(referral.task_id, client.server)

    assert refused.value.response.status_code == 401
    assert [one.authorization for one in wire.fhir()] == [None]


def test_an_assertion_for_another_server_gets_no_token(connect: Connect, agency: BackendClient) -> None:
    with pytest.raises(FHIRUnauthorizedException) as refused:
        connect(agency, aud="https://elsewhere.example/oauth/token")

    assert refused.value.response.json()["error"] == "invalid_client"


def test_a_scope_that_was_not_registered_gets_no_token(connect: Connect, agency: BackendClient) -> None:
    with pytest.raises(HTTPError) as refused:
        connect(agency, "system/Consent.d")

    assert refused.value.response.json()["error"] == "invalid_scope"


def test_beyond_its_scope_it_is_refused_with_403(
    connect: Connect, agency: BackendClient, referral: SentReferral, wire: Wire
) -> None:
    client = connect(agency, "system/Patient.rs")

    with pytest.raises(FHIRPermissionDeniedException) as refused:
        Task.read(referral.task_id, client.server)

    assert refused.value.response.json()["issue"][0]["code"] == "forbidden"
    wire.assert_every_request_carried(client.server.auth.access_token)


def test_a_stranger_finds_nothing_and_is_refused_with_404(
    connect: Connect, program: Callable[..., BackendClient], referral: SentReferral, wire: Wire
) -> None:
    client = connect(program("stranger"))

    assert list(Task.where({"_id": referral.task_id}).perform_resources_iter(client.server)) == []
    with pytest.raises(FHIRNotFoundException) as refused:
        Task.read(referral.task_id, client.server)

    assert refused.value.response.json()["issue"][0]["code"] == "not-found"
    wire.assert_every_request_carried(client.server.auth.access_token)


@contextmanager
def opened_client(who: BackendClient, scope: str = SCOPE, *, jwt_token: str | None) -> Iterator[FHIRClient]:
    """Open a client, and close its connections at the end."""
    settings = {"app_id": who.client_id, "api_base": who.exchange.fhir_base, "scope": scope, "jwt_token": jwt_token}
    client = FHIRClient(settings=settings)
    client.server.session.trust_env = False
    yield client
    client.server.session.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return what lets a program of the exchange speak through fhirclient, with a token."""
    with ExitStack() as opened:

        def connected(who: BackendClient, scope: str = SCOPE, **claims: str) -> FHIRClient:
            client = opened.enter_context(opened_client(who, scope, jwt_token=who.assertion(**claims)))
            client.prepare()
            client.authorize()
            return client

        yield connected


@pytest.fixture(scope="module")
def agency(program: Callable[..., BackendClient]) -> BackendClient:
    return program("agency", SCOPE, key="RS384")


@pytest.fixture
def referral(hospital: BackendClient, agency: BackendClient, exchange: LiveExchange) -> SentReferral:
    sent = send_referral(hospital, agency.organization)
    exchange.wire.heard.clear()
    return sent
