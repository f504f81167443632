"""A program that sends while servers come and go: plain sockets, so that a connection can be cut after sending."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from tests.exchange.faults.parties import TASK_AT
from tests.exchange.faults.servers import HOST, LONGEST_SECONDS

FHIR_JSON: Final = "application/fhir+json"


class NotSent(Exception):
    """Nobody listened: the request never left."""


class Unanswered(Exception):
    """The request went out and no answer came: it may have been carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its body as text and its headers in lower case."""

    status: int
    body: str
    headers: dict[str, str]

    @property
    def task(self) -> str:
        """The first Task that the answer names, "" for none."""
        found = TASK_AT.search(self.body)
        return found[0] if found else ""


@dataclass
class Line:
    """One program's connection: to one of the ports, and to the next of them when that one does not answer."""

    ports: Sequence[int]
    token: str
    at: int = 0
    _connection: HTTPConnection | None = None

    def ask(self, method: str, path: str, resource: Any = None, **headers: str) -> Answer:
        """Send a request below the FHIR base and return its answer. Raises NotSent, Unanswered."""
        self._send(method, path, resource, headers)
        return self.answer()

    def hand_over(self, bundle: Any) -> None:
        """Send a Bundle and return when a thread of the server reads it: `answer` then brings the answer."""
        connection, body = self._connected(), json.dumps(bundle).encode()
        connection.putrequest("POST", "/fhir")
        for name, value in {**self._headers(), "Content-Length": str(len(body)), "Expect": "100-continue"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert b" 100 " in connection.sock.recv(1024), "The server did not ask for the body."
        connection.send(body)

    def answer(self) -> Answer:
        """Return the answer to what was sent. Raises Unanswered."""
        assert self._connection is not None
        try:
            answer = self._connection.getresponse()
            said = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, answer.read().decode(), said)
        except (OSError, HTTPException) as error:
            self.move_on()
            raise Unanswered(type(error).__name__) from error

    def cut_off(self, method: str, path: str, resource: Any = None, **headers: str) -> None:
        """Send a request and hang up before its answer. Raises NotSent, Unanswered."""
        self._send(method, path, resource, headers)
        self.hang_up()

    def move_on(self) -> None:
        """Hang up and go to the next port."""
        self.hang_up()
        self.at += 1

    def hang_up(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": FHIR_JSON, "Accept": FHIR_JSON}

    def _send(self, method: str, path: str, resource: Any, headers: dict[str, str]) -> None:
        said = self._headers() | {name.replace("_", "-"): value for name, value in headers.items()}
        body = None if resource is None else json.dumps(resource)
        connection = self._connected()
        try:
            connection.request(method, f"/fhir/{path}".rstrip("/"), body, said)
        except (OSError, HTTPException) as error:
            self.move_on()
            raise Unanswered(type(error).__name__) from error

    def _connected(self) -> HTTPConnection:
        if self._connection is None:
            connection = HTTPConnection(HOST, self.ports[self.at % len(self.ports)], timeout=LONGEST_SECONDS)
            try:
                connection.connect()
            except OSError as error:
                self.at += 1
                raise NotSent from error
            self._connection = connection
        return self._connection
