"""The load client: what it sends, what it counts, and that it stops."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.benchmarks.load import HEAD_END, Plan, Request, drive, plan_from, plan_text

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
#  an answer that comes in many pieces, its name of the length in small letters
LARGE = b"HTTP/1.1 200 OK\r\ncontent-length: 400000\r\n\r\n" + b"x" * 400_000
REFUSED = b"HTTP/1.1 422 No\r\nContent-Length: 4\r\n\r\nno!!"
ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


def test_requests_that_go_once_are_each_answered_once() -> None:
    with answering(OK) as (port, seen):
        tally = drive(a_plan(port, [Request("PUT", f"/{n}", body="{}") for n in range(10)], once=True))

    assert (len(tally.latencies), tally.used, tally.statuses) == (10, 10, {200: 10})
    assert sorted(line.split()[1] for line in seen) == sorted(f"/{n}" for n in range(10))


def test_requests_are_repeated_until_the_time_is_over() -> None:
    with answering(OK) as (port, _seen):
        tally = drive(a_plan(port, [Request("GET", "/")], seconds=0.1))

    assert len(tally.latencies) > 1
    assert tally.seconds == pytest.approx(0.1)


def test_an_answer_in_pieces_is_counted_when_it_is_whole() -> None:
    with answering(LARGE) as (port, _seen):
        tally = drive(a_plan(port, [Request("GET", "/")] * 3, once=True))

    assert tally.statuses == {200: 3}


def test_an_answer_that_was_not_expected_ends_the_measure_and_is_shown() -> None:
    with answering(REFUSED) as (port, _seen):
        tally = drive(a_plan(port, [Request("GET", "/")], seconds=30))

    assert tally.is_over
    assert "422" in tally.wrong
    assert tally.latencies == []


def test_an_answer_without_a_length_is_refused_with_a_sentence() -> None:
    with answering(ENDLESS) as (port, _seen), pytest.raises(ValueError, match="without a length"):
        drive(a_plan(port, [Request("GET", "/")], seconds=30))


def test_a_request_says_who_asks_and_how_long_its_body_is() -> None:
    request = Request("PUT", "/fhir/Task/1", "secret", "äb", (("If-Match", 'W/"1"'),))

    head, _, body = request.encoded("host:1").partition(HEAD_END)

    assert head.split(b"\r\n") == [
        b"PUT /fhir/Task/1 HTTP/1.1", b"Host: host:1", b"Authorization: Bearer secret", b'If-Match: W/"1"',
        b"Content-Type: application/fhir+json", b"Content-Length: 3",
    ]  # fmt: skip
    assert body.decode() == "äb"


def test_a_plan_reads_back_as_it_was_written() -> None:
    plan = a_plan(1, [Request("PUT", "/", "t", "{}", (("If-Match", "x"),))], once=True)

    assert plan_from(plan_text(plan)) == plan


def a_plan(port: int, requests: list[Request], *, seconds: float = 5.0, once: bool = False) -> Plan:
    return Plan(port, tuple(requests), 200, seconds=seconds, warm=0.0, once=once, connections=2)


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[int, list[str]]]:
    """A server of two connections that gives every request the same answer; yields its port and the request lines."""
    seen: list[str] = []

    def serve(server: socket.socket) -> None:
        connection, _address = server.accept()
        with connection, connection.makefile("rb") as lines:
            while line := lines.readline():
                seen.append(line.decode().strip())
                length = 0
                while (header := lines.readline().strip()) != b"":
                    name, _, value = header.partition(b":")
                    length = int(value) if name == b"Content-Length" else length
                lines.read(length)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threads = [threading.Thread(target=_until_closed, args=(serve, server)) for _ in range(2)]
        for thread in threads:
            thread.start()
        yield server.getsockname()[1], seen
        for thread in threads:
            thread.join(5)


def _until_closed(serve: object, server: socket.socket) -> None:
    """Run a connection to its end; the client may go while it is answered."""
    assert callable(serve)
    try:
        serve(server)
    except ConnectionError:
        return
