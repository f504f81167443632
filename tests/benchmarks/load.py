"""The load client: a process of its own that keeps some connections busy over raw sockets, and stops by itself.

`python -m tests.benchmarks.load PLAN` reads a plan (JSON, see `Plan`) and prints a tally (JSON, see `Tally`). One
thread waits for all connections at once and reads no more of an answer than its status and length, so that it takes
as little as it can of the processor it shares with the server. Each connection has one request in flight.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STATUS = slice(9, 12)
RECEIVE_BYTES = 1 << 18
DRAIN_SECONDS = 5.0
SHOWN_BYTES = 400


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `body` is text, "" for none."""

    method: str
    path: str
    token: str = ""
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def encoded(self, host: str) -> bytes:
        """Return the request as it goes over HTTP/1.1."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"Authorization: Bearer {self.token}"] if self.token else []
        lines += [f"{name}: {value}" for name, value in self.headers]
        content = self.body.encode()
        if content:
            lines += ["Content-Type: application/fhir+json", f"Content-Length: {len(content)}"]
        return "\r\n".join(lines).encode() + HEAD_END + content


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send where. It ends after `warm` + `seconds`, or when requests that may go `once` only have all gone.

    What is answered in the first `warm` seconds is not counted. Any status but `expects` ends it at once.
    """

    port: int
    requests: tuple[Request, ...]
    expects: int
    seconds: float
    warm: float = 0.2
    once: bool = False
    connections: int = 16
    host: str = "127.0.0.1"


@dataclass(slots=True)
class Tally:
    """What came back: latencies in microseconds, how long it was counted, how many requests were used up.

    `busy` is the share of a core that the client itself took; near 1 it was the client that set the pace.
    `wrong` is the beginning of the first answer that was not expected.
    """

    latencies: list[int] = field(default_factory=list)
    seconds: float = 0.0
    used: int = 0
    busy: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    wrong: str = ""

    @property
    def is_over(self) -> bool:
        """Whether an answer came that ends the measure."""
        return bool(self.wrong)


class Connection:
    """One connection to the server with at most one request in flight."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(None)
        self._received = bytearray()
        self._whole = 0
        self.began = 0.0

    def ask(self, request: bytes) -> None:
        """Send a request."""
        self._received.clear()
        self._whole = 0
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> bytes | None:
        """Take what has come; return the answer when it is whole. Raises ConnectionError, ValueError."""
        part = self.socket.recv(RECEIVE_BYTES)
        if not part:
            raise ConnectionError("The server closed a connection in the middle of an answer.")
        self._received += part
        if not self._whole:
            end = self._received.find(HEAD_END)
            if end < 0:
                return None
            length = LENGTH.search(self._received, 0, end)
            if length is None:
                raise ValueError("The server sent an answer without a length: the load client cannot count it.")
            self._whole = end + len(HEAD_END) + int(length[1])
        return bytes(self._received) if len(self._received) >= self._whole else None


def drive(plan: Plan) -> Tally:
    """Send what the plan says and return the tally."""
    encoded = [request.encoded(f"{plan.host}:{plan.port}") for request in plan.requests]
    waiting: Iterator[bytes] = iter(encoded) if plan.once else cycle(encoded)
    tally = Tally()
    idle = deque(Connection(plan.host, plan.port) for _ in range(plan.connections))
    everyone = tuple(idle)
    try:
        with selectors.DefaultSelector() as selector:
            for one in everyone:
                selector.register(one.socket, selectors.EVENT_READ, one)
            _run(plan, selector, idle, waiting, tally)
    finally:
        for one in everyone:
            one.socket.close()
    return tally


def _run(
    plan: Plan, selector: selectors.BaseSelector, idle: deque[Connection], waiting: Iterator[bytes], tally: Tally
) -> None:
    counted_from = time.perf_counter() + plan.warm
    ends_at = counted_from + plan.seconds
    worked, last, flying, latest = time.process_time(), counted_from, 0, ends_at + DRAIN_SECONDS
    while True:
        moment = time.perf_counter()
        while idle and moment < ends_at and not tally.is_over:
            request = next(waiting, None)
            if request is None:
                break
            idle.popleft().ask(request)
            tally.used += 1
            flying += 1
        if not flying:
            break
        if moment > latest:
            raise TimeoutError("The server did not answer what it was asked; the log of the server may say why.")
        for key, _events in selector.select(1.0):
            connection: Connection = key.data
            answer = connection.answer()
            if answer is None:
                continue
            moment = time.perf_counter()
            idle.append(connection)
            flying -= 1
            if counted_from <= moment <= ends_at:
                last = moment
                _count(plan, tally, answer, moment - connection.began)
            elif int(answer[STATUS]) != plan.expects:
                _count(plan, tally, answer, 0.0)
    tally.seconds = (last if plan.once else ends_at) - counted_from
    tally.busy = (time.process_time() - worked) / (time.perf_counter() - counted_from + plan.warm)


def _count(plan: Plan, tally: Tally, answer: bytes, seconds: float) -> None:
    status = int(answer[STATUS])
    tally.statuses[status] = tally.statuses.get(status, 0) + 1
    if status == plan.expects:
        tally.latencies.append(round(seconds * 1e6))
    elif not tally.wrong:
        tally.wrong = answer[:SHOWN_BYTES].decode("utf-8", "replace")


def plan_from(text: str) -> Plan:
    """Return the plan that `plan_text` wrote."""
    found = json.loads(text)
    requests = tuple(
        Request(**(one | {"headers": tuple((name, value) for name, value in one["headers"])}))
        for one in found.pop("requests")
    )
    return Plan(requests=requests, **found)


def plan_text(plan: Plan) -> str:
    """Return a plan as JSON."""
    return json.dumps(asdict(plan))


def tally_from(text: str) -> Tally:
    """Return the tally that `main` printed."""
    found = json.loads(text)
    statuses = {int(status): count for status, count in found.pop("statuses").items()}
    return Tally(statuses=statuses, **found)


def main(path: str) -> int:
    """Carry out the plan of a file and print the tally."""
    tally = drive(plan_from(Path(path).read_text(encoding="utf-8")))
    json.dump(asdict(tally), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
