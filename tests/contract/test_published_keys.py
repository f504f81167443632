"""Keys that a client publishes at an address, fetched over a real connection: SMART wants this and inline keys both."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.contract.backend_client import BackendClient, Key, public
from tests.contract.live_exchange import LiveExchange, live_exchange
from tests.loopback import served


@dataclass
class Publisher:
    """A program's own web server: it publishes the keys it has now, and knows how often it was asked."""

    keys: tuple[Key, ...] = ()
    status: str = "200 OK"
    location: str = ""
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.asked.append(environ["PATH_INFO"])
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-cache")]
        start_response(self.status, headers + ([("Location", self.location)] if self.location else []))
        return [json.dumps(public(*self.keys)).encode() if self.status == "200 OK" else b""]

    def url(self, path: str) -> str:
        """Return an address of this server."""
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_token_is_issued_to_a_program_that_publishes_its_keys(
    algorithm: str, publisher: Publisher, keys: dict[str, Key], program: Callable[..., BackendClient]
) -> None:
    publisher.keys = (keys["RS384"], keys["ES384"])
    client = program("agency", key=algorithm, jwks_url=publisher.url(f"/{algorithm}.json"))

    assert client.sign_in().ask("GET", "Patient").status_code == 200
    assert publisher.asked == [f"/{algorithm}.json"]


def test_a_key_that_is_published_no_more_opens_no_more(
    publisher: Publisher, keys: dict[str, Key], program: Callable[..., BackendClient]
) -> None:
    publisher.keys = (keys["ES384"],)
    client = program("agency", jwks_url=publisher.url("/rotated.json"))
    assert client.ask_for_token().status_code == 200
    publisher.keys = (keys["RS384"],)

    refused = client.ask_for_token()

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_a_redirect_is_not_followed(
    publisher: Publisher, keys: dict[str, Key], program: Callable[..., BackendClient]
) -> None:
    publisher.keys, publisher.status, publisher.location = (keys["ES384"],), "302 Found", publisher.url("/there.json")
    client = program("agency", jwks_url=publisher.url("/moved.json"))

    refused = client.ask_for_token()

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert publisher.asked == ["/moved.json"]


def test_an_address_inside_that_nobody_allowed_is_never_asked(
    keys: dict[str, Key], program: Callable[..., BackendClient]
) -> None:
    secret = Publisher(keys=(keys["ES384"],))
    with served(secret) as server:
        client = program("agency", jwks_url=f"http://127.0.0.1:{server.port}/jwks.json")
        refused = client.ask_for_token()

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert secret.asked == []


@pytest.fixture(scope="module")
def publishing() -> Iterator[Publisher]:
    made = Publisher()
    with served(made) as server:
        made.port = server.port
        yield made


@pytest.fixture
def publisher(publishing: Publisher) -> Publisher:
    """A server of keys that the exchange may reach, as if nobody had asked it yet."""
    publishing.keys, publishing.status, publishing.location = (), "200 OK", ""
    publishing.asked.clear()
    return publishing


@pytest.fixture(scope="module")
def exchange(migrated: str, tmp_path_factory: pytest.TempPathFactory, publishing: Publisher) -> Iterator[LiveExchange]:
    """A running exchange that may reach the publisher, and nothing else of this machine."""
    allowed = (f"127.0.0.1:{publishing.port}",)
    with live_exchange(migrated, tmp_path_factory.mktemp("published"), allowed_addresses=allowed) as made:
        made.join("agency", "agency")
        yield made
