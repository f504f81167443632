"""Somebody who knocks at every door in turn while the database comes and goes, and notes how each was answered."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from typing import Final

from tests.exchange.faults.servers import HOST, LONGEST_SECONDS

FORM: Final = "application/x-www-form-urlencoded"
NOBODY: Final = "00000000-0000-7000-8000-000000000000"
PAUSE_SECONDS: Final = 0.05
A_BATCH: Final = """{"resourceType": "Bundle", "type": "batch",
                     "entry": [{"request": {"method": "GET", "url": "Patient?birthdate=2020"}}]}"""
#  method, address, body: each asks the database for something, at another door or in another way
VISITS: Final = (
    ("GET", f"/fhir/Patient/{NOBODY}", None),
    ("GET", "/fhir/Task?status=requested&_include=Task:focus", None),
    ("GET", f"/fhir/Task/{NOBODY}/_history", None),
    ("PUT", f"/fhir/Patient/{NOBODY}", '{"resourceType": "Patient"}'),
    ("POST", "/fhir", A_BATCH),
    ("POST", "/oauth/token", "grant_type=client_credentials&client_assertion=x"),
    ("GET", "/api/directory/search?near=62701", None),
    ("GET", "/sent", None),
    ("POST", "/sign-in", "email=nobody%40example.invalid&password=x"),
    ("GET", "/answer/unknown", None),
    ("GET", "/readyz", None),
    ("GET", "/healthz", None),
)  # fmt: skip


@dataclass
class Visitor:
    """Knocks while its block runs. `answers` counts statuses by address, `rude` are refusals without Retry-After."""

    port: int
    token: str
    answers: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    rude: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def knocking(self) -> Iterator[None]:
        """Knock in a thread until the block ends."""
        thread = threading.Thread(target=self._knock, name="visitor")
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def faults(self) -> dict[str, list[int]]:
        """Return the addresses that answered with another failure than 503, or not at all (0)."""
        found = {
            address: [status for status in counted if status in (0, 500) or status > 503]
            for address, counted in self.answers.items()
        }
        return {address: statuses for address, statuses in found.items() if statuses}

    def refused(self) -> int:
        """Return how often somebody was told 503."""
        return sum(counted[503] for counted in self.answers.values())

    def _knock(self) -> None:
        for method, address, body in cycle(VISITS):
            if self._stop.wait(PAUSE_SECONDS):
                return
            status, waits = self._visit(method, address, body)
            self.answers[f"{method} {address}"][status] += 1
            #  /readyz is asked by machines that ask again anyway
            if status == 503 and not waits and address != "/readyz":
                self.rude.add(address)

    def _visit(self, method: str, address: str, body: str | None) -> tuple[int, bool]:
        is_fhir = address.startswith(("/fhir", "/api"))
        headers = {"Authorization": f"Bearer {self.token}"} if is_fhir else {}
        if body is not None:
            headers["Content-Type"] = "application/fhir+json" if is_fhir else FORM
        connection = HTTPConnection(HOST, self.port, timeout=LONGEST_SECONDS)
        try:
            connection.request(method, address, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.getheader("Retry-After") is not None
        except (OSError, HTTPException):
            return 0, False
        finally:
            connection.close()
