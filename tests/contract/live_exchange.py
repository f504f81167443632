"""The real application on a port of this machine, over a migrated database, with every request noted as it arrived."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from flask import Flask

from directory.importing import import_source
from exchange.actions.clients.register_client import register_client
from exchange.actions.directory.add_organization import Joining, add_organization
from exchange.app import create_app, system_clock
from exchange.config import Config
from exchange.db.sealing import KeyRing
from exchange.db.session import Database
from exchange.domain.actor import Actor, ActorKind
from tests.databases import new_database
from tests.loopback import served

KEYS = KeyRing({"k1": bytes(range(32))}, "k1", bytes(32))
OPERATOR = Actor(ActorKind.OPERATOR, name="operator test")


@dataclass(frozen=True)
class Heard:
    """One request as it reached the server, and the status it was answered with."""

    method: str
    path: str
    query: str
    authorization: str | None
    body: bytes
    status: int

    @property
    def form(self) -> dict[str, list[str]]:
        """The body as a form."""
        return parse_qs(self.body.decode())


class Wire:
    """Stands in front of an application and notes what arrives: what a client really sent, not what it says it did."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application
        self.heard: list[Heard] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)

        def noting(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            self.heard.append(
                Heard(
                    environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""),
                    environ.get("HTTP_AUTHORIZATION"), body, int(status[:3]),
                )
            )  # fmt: skip
            return start_response(status, headers, *error)

        return self.application(environ, noting)

    def fhir(self) -> list[Heard]:
        """Return the requests that needed a token: those to resources of the FHIR door."""
        open_to_all = ("/fhir/metadata", "/fhir/.well-known/")
        return [one for one in self.heard if one.path.startswith("/fhir") and not one.path.startswith(open_to_all)]

    def assert_every_request_carried(self, token: str) -> None:
        """Fail unless there were requests to resources, and each came with this very token."""
        asked = self.fhir()
        assert asked, "no request to a resource arrived"
        assert {one.authorization for one in asked} == {f"Bearer {token}"}


@dataclass
class Exchange:
    """An exchange by its address and its database, and who has joined it."""

    base_url: str
    database: Database
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def fhir_base(self) -> str:
        """The FHIR base, without a slash at its end."""
        return f"{self.base_url}/fhir"

    def join(self, label: str, kind: str, **said: Any) -> str:
        """Let an organisation join and return its id."""
        said.setdefault("email", f"{label}@example.invalid")
        with self.database.write() as session:
            self.ids[label] = add_organization(session, OPERATOR, Joining(name=label.title(), kind=kind, **said))
        return self.ids[label]

    def register(self, label: str, scope: str, **keys: Any) -> str:
        """Register a program of an organisation, with `jwks` or `jwks_url`, and return its client_id."""
        with self.database.write() as session:
            return register_client(session, OPERATOR, self.ids[label], f"EHR of {label}", scope, **keys)

    def read_directory(self, path: Path) -> None:
        """Import a directory."""
        import_source(self.database.write, path, now=system_clock())


@dataclass(kw_only=True)
class LiveExchange(Exchange):
    """An exchange that runs in this process: its application, and what it hears."""

    app: Flask
    wire: Wire


@contextmanager
def live_exchange(migrated: str, folder: Path, *, allowed_addresses: tuple[str, ...] = ()) -> Iterator[LiveExchange]:
    """Serve a copy of a migrated database until the block ends."""
    with new_database(folder, like=migrated) as database_url, served(_unanswered) as server:
        base_url = f"http://127.0.0.1:{server.port}"
        config = Config(database_url=database_url, base_url=base_url, allowed_addresses=allowed_addresses)
        database = Database(config.database_url, keys=KEYS, clock=system_clock, fhir_base=config.fhir_base)
        app = create_app(config, database)
        server.app = wire = Wire(app.wsgi_app)
        yield LiveExchange(base_url, database, app=app, wire=wire)
        app.extensions["exchange_audit"].stop()
        database.close()


def _unanswered(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("503 Service Unavailable", [])
    return [b""]
