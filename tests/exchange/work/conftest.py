"""For later work: channels that keep what they are given, a relay over them, and what stands in the outbox.

The house itself (database, standing clock, organisations) is that of `tests/exchange/conftest.py`.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from exchange.db.ids import new_id
from exchange.db.outbox import MessageRow
from exchange.db.person import UserRow
from exchange.domain.actor import Role
from exchange.work.channels.parcel import Parcel
from exchange.work.relay import Relay

BASE_URL = "https://exchange.example"


@dataclass
class Recorder:
    """A channel that keeps every parcel; each of `failures` is raised once, and what `refuses` names always."""

    parcels: list[Parcel] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    refuses: dict[str, Exception] = field(default_factory=dict)

    def __call__(self, parcel: Parcel, now: datetime) -> None:
        assert now.tzinfo is not None
        self.parcels.append(parcel)
        if parcel.to in self.refuses:
            raise self.refuses[parcel.to]
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class Receiver:
    """A real HTTP server on this machine; it answers each request with the next of `answers`, then with 204."""

    server: ThreadingHTTPServer
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def allowed(self) -> tuple[str, ...]:
        return (f"127.0.0.1:{self.server.server_port}",)


@pytest.fixture
def mail() -> Recorder:
    return Recorder()


@pytest.fixture
def hook() -> Recorder:
    return Recorder()


@pytest.fixture
def relay(house: Any, mail: Recorder, hook: Recorder) -> Relay:
    return Relay(house.database, {"email": mail, "webhook": hook}, BASE_URL, jitter=lambda: 0.0)


@pytest.fixture
def messages(house: Any) -> Callable[[], list[MessageRow]]:
    """Return a function that reads the whole outbox, oldest first."""

    def read() -> list[MessageRow]:
        with house.database.read() as session:
            return list(session.scalars(select(MessageRow).order_by(MessageRow.sequence)))

    return read


@pytest.fixture
def hire(house: Any) -> Callable[..., str]:
    """Return a function that gives an organisation somebody who can sign in."""

    def add(organization: str, email: str = "worker@example.invalid", *, password_hash: str | None = "argon2") -> str:
        user_id = new_id()
        with house.database.write() as session:
            session.add(
                UserRow(
                    id=user_id, organization_id=house.ids[organization], email=email, role=Role.COORDINATOR,
                    password_hash=password_hash, invited_at=house.clock(),
                )
            )  # fmt: skip
        return user_id

    return add


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found: list[Receiver] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found[0].requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status, headers = found[0].answers.pop(0) if found[0].answers else (204, {})
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found.append(Receiver(server))
    yield found[0]
    server.shutdown()
    server.server_close()
    thread.join()
