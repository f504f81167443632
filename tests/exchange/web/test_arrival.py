"""A body that does not arrive: the thread that waits for it is given back, and each door says so in its own form."""

import io
import threading
from typing import Any

import pytest
from werkzeug.exceptions import RequestTimeout
from werkzeug.test import create_environ, run_wsgi_app

from exchange.app import create_app
from exchange.config import Config
from exchange.web.arrival import BodyInTime
from tests.exchange.conftest import House
from tests.exchange.web.fhir.conftest import Door


class Stopped:
    """A body of which half has come, and no more comes until it is let go."""

    def __init__(self, first: bytes) -> None:
        self.first, self.let_go = first, threading.Event()

    def read(self, _size: int = -1) -> bytes:
        if self.first:
            brought, self.first = self.first, b""
            return brought
        self.let_go.wait(30)
        return b""


class Broken:
    """A body whose connection has gone."""

    def read(self, _size: int = -1) -> bytes:
        raise ConnectionResetError


def body_of(raw: Any, *, seconds: float = 5) -> Any:
    """Return what an application reads from, put round a body."""
    seen: dict[str, Any] = {"wsgi.input": raw}
    BodyInTime(lambda environ, start: [], seconds)(seen, lambda *_: None)
    return seen["wsgi.input"]


def test_what_arrives_is_read_as_it_is() -> None:
    assert body_of(io.BytesIO(b"abcdef")).read(4) == b"abcd"
    assert body_of(io.BytesIO(b"abcdef")).read() == b"abcdef"


def test_what_does_not_arrive_is_waited_for_once_however_often_it_is_read() -> None:
    stopped = Stopped(b"half")
    body = body_of(stopped, seconds=0.05)

    assert body.read(4) == b"half"
    for _again in range(2):
        with pytest.raises(RequestTimeout):
            body.read(4)
    stopped.let_go.set()


def test_what_fails_fails_as_it_did() -> None:
    with pytest.raises(ConnectionResetError):
        body_of(Broken()).read()


@pytest.mark.parametrize(
    ("path", "media", "mimetype"),
    [
        ("/fhir/Patient", "application/fhir+json", "application/fhir+json"),
        ("/api/webhooks", "application/json", "application/problem+json"),
        ("/oauth/token", "application/x-www-form-urlencoded", "application/json"),
        ("/sign-in", "application/x-www-form-urlencoded", "text/html"),
    ],
)
def test_each_door_says_in_its_own_form_that_a_request_came_too_late(
    path: str, media: str, mimetype: str, house: House
) -> None:
    stopped = Stopped(b"{")
    app = create_app(Config(base_url="http://127.0.0.1:8080"), house.database)
    token = Door(house, app).caller("hospital").token
    environ = create_environ(path, method="POST", content_type=media, headers={"Authorization": f"Bearer {token}"})
    environ |= {"wsgi.input": stopped, "CONTENT_LENGTH": "100"}

    _body, status, headers = run_wsgi_app(BodyInTime(app.wsgi_app, 0.1), environ)
    stopped.let_go.set()
    app.extensions["exchange_audit"].stop()

    assert status == "408 REQUEST TIMEOUT"
    assert headers["Content-Type"].partition(";")[0] == mimetype
