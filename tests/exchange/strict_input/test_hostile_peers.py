"""Peers that answer without end, in disguise or by bombs: what is read of them is bounded, and nothing of it is used.

Peers that send byte by byte are in `tests/exchange/test_outbound.py`.
"""

import gzip
import json
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final

import pytest
from joserfc.jwk import ECKey

from exchange.outbound import LARGEST_ANSWER, outbound_session
from exchange.web.oauth.assertion import BadAssertion
from exchange.web.oauth.key_sets import KeySets
from exchange.work.channels.parcel import Parcel, TryAgain
from exchange.work.channels.webhook import webhook_channel
from tests.reliability import Reached

HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PIECE: Final = b"x" * 65_536
MOST_SENT: Final = LARGEST_ANSWER + 16_000_000
MOST_HELD: Final = 4 * LARGEST_ANSWER
ENDLESS: Final = 400
Send = Callable[[bytes], None]


def endless_body(send: Send) -> None:
    send(HEAD + b"\r\n")
    for _piece in range(ENDLESS):
        send(PIECE)


def endless_chunks(send: Send) -> None:
    send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for _piece in range(ENDLESS):
        send(b"%x\r\n%s\r\n" % (len(PIECE), PIECE))


def endless_header(send: Send) -> None:
    send(HEAD + b"X-Long: ")
    for _piece in range(ENDLESS):
        send(PIECE)


def endless_headers(send: Send) -> None:
    send(HEAD)
    for number in range(100_000):
        send(b"X-%d: y\r\n" % number)


def endless_status(send: Send) -> None:
    send(b"HTTP/1.1 200 ")
    for _piece in range(ENDLESS):
        send(PIECE)


@cache
def bomb() -> bytes:
    """Return 40 MB of JSON in 40 kB."""
    return gzip.compress(b'{"keys":[' + b" " * 40_000_000 + b"]}")


def gzip_bomb(send: Send) -> None:
    send(HEAD + b"Content-Encoding: gzip\r\n\r\n" + bomb())


def deflate_in_gzip(send: Send) -> None:
    send(HEAD + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(bomb()))


def a_length_that_lies(send: Send) -> None:
    send(HEAD + b"Content-Length: 999999999999\r\n\r\n{}")


def another_type(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><script>alert(1)</script></html>")


def deep_json(send: Send) -> None:
    send(HEAD + b"\r\n" + b'{"keys":' + b"[" * 100_000)


def not_http(send: Send) -> None:
    send(b"SSH-2.0-OpenSSH_9.2\r\n" * 100)


def continues(send: Send) -> None:
    for _time in range(10_000):
        send(b"HTTP/1.1 100 Continue\r\n\r\n")


PEERS: Final = (
    endless_body, endless_chunks, endless_header, endless_headers, endless_status, gzip_bomb, deflate_in_gzip,
    a_length_that_lies, another_type, deep_json, not_http, continues,
)  # fmt: skip


@dataclass
class Peer:
    """A server on this machine that answers by one behaviour, and how many bytes it got rid of."""

    port: int
    sent: int = 0


@pytest.fixture
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Peer(int(listening.getsockname()[1]))
        thread = threading.Thread(target=answer, args=(listening, made, request.param), daemon=True)
        thread.start()
        yield made
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def answer(listening: socket.socket, made: Peer, behaviour: Callable[[Send], None]) -> None:
    while True:
        try:
            connection, _address = listening.accept()
        except OSError:
            return

        def send(piece: bytes, connection: socket.socket = connection) -> None:
            connection.sendall(piece)
            made.sent += len(piece)

        with connection, suppress(OSError):
            connection.recv(65_536)
            behaviour(send)
            connection.shutdown(socket.SHUT_WR)


@pytest.mark.invariant(
    "ssrf-bounded-answers", "Of a peer that answers without end no more is read than the bound, and nothing used."
)
@pytest.mark.parametrize("peer", PEERS, indirect=True, ids=lambda one: one.__name__)
def test_of_a_hostile_peer_little_is_read_and_nothing_used(peer: Peer, reached: Reached) -> None:
    session, at = outbound_session((f"127.0.0.1:{peer.port}",)), f"http://127.0.0.1:{peer.port}/"

    bomb()  # made before anything is counted
    tracemalloc.start()
    with pytest.raises(BadAssertion, match="The registered key set could not be read"):
        KeySets(session).keys(at, kid="a", algorithm="ES384", now=datetime.now(UTC))
    by_key_sets, most_held = peer.sent, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with suppress(TryAgain):
        webhook_channel(session)(Parcel("1", at, "{}", secret="whsec_" + "QUJD" * 10), datetime.now(UTC))

    assert most_held < MOST_HELD
    assert by_key_sets < MOST_SENT
    assert peer.sent - by_key_sets < MOST_SENT
    reached(peers=len(PEERS), most_bytes=MOST_SENT)


def a_key_set(send: Send) -> None:
    key = ECKey.generate_key("P-384", {"kid": "ec-1"}).as_dict(private=False)
    send(HEAD + b"\r\n" + json.dumps({"keys": [key]}).encode())


@pytest.mark.parametrize("peer", [a_key_set], indirect=True)
def test_a_peer_that_answers_well_is_read(peer: Peer) -> None:
    session = outbound_session((f"127.0.0.1:{peer.port}",))

    found = KeySets(session).keys(
        f"http://127.0.0.1:{peer.port}/", kid="ec-1", algorithm="ES384", now=datetime.now(UTC)
    )

    assert [one["kid"] for one in found] == ["ec-1"]
