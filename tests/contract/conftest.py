"""What the contract tests share: one running exchange a file, its keys, and programs of its organisations."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import requests
from joserfc.jwk import ECKey, RSAKey

from exchange.app import system_clock
from tests.contract.backend_client import EVERYTHING, BackendClient, Key, public
from tests.contract.live_exchange import KEYS, Exchange, LiveExchange, Wire, live_exchange
from tests.databases import migrated_database

MakeClient = Callable[..., BackendClient]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database at the newest revision; each exchange gets a copy."""
    with migrated_database(tmp_path_factory.mktemp("contract"), keys=KEYS, clock=system_clock) as url:
        yield url


@pytest.fixture(scope="session")
def keys() -> dict[str, Key]:
    """A key of each algorithm that SMART asks for, and one that nobody registers."""
    return {
        "RS384": RSAKey.generate_key(2048, {"kid": "rsa-1"}),
        "ES384": ECKey.generate_key("P-384", {"kid": "ec-1"}),
        "unknown": ECKey.generate_key("P-384", {"kid": "ec-1"}),
    }


@pytest.fixture(scope="module")
def exchange(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveExchange]:
    """A running exchange with a hospital, an agency, and a stranger that is a hospital too."""
    with live_exchange(migrated, tmp_path_factory.mktemp("live")) as made:
        made.join("hospital", "hospital")
        made.join("agency", "agency")
        made.join("stranger", "hospital")
        yield made


@pytest.fixture(scope="module")
def program_on(keys: dict[str, Key]) -> Iterator[MakeClient]:
    """Return what registers a program: `program_on(exchange, "agency", scope, key="RS384")`."""
    with requests.Session() as http:
        http.trust_env = False

        def make(
            exchange: Exchange, label: str, scope: str = EVERYTHING, *, key: str = "ES384", **registered: object
        ) -> BackendClient:
            client_id = exchange.register(label, scope, **(registered or {"jwks": public(keys[key])}))
            return BackendClient(exchange, label, keys[key], client_id, http)

        yield make


@pytest.fixture(scope="module")
def program(exchange: LiveExchange, program_on: MakeClient) -> MakeClient:
    """Return what registers a program on the exchange of this file: `program("agency", scope, key="RS384")`."""
    return partial(program_on, exchange)


@pytest.fixture(scope="module")
def hospital(program: MakeClient) -> BackendClient:
    """The hospital's EHR with a token."""
    return program("hospital").sign_in()


@pytest.fixture(scope="module")
def stranger(program: MakeClient) -> BackendClient:
    """The program of a hospital that has nothing to do with any of it, with a token."""
    return program("stranger").sign_in()


@pytest.fixture
def wire(exchange: LiveExchange) -> Wire:
    """What arrives at the server from now on."""
    exchange.wire.heard.clear()
    return exchange.wire
