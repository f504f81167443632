"""Requests that no client library would send, over a socket to a server as it is started: the next one is answered.

Nobody is signed in for most of them: what reads a request before it knows who asks must hold against everybody.
"""

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest

from exchange.db.client import AccessTokenRow
from exchange.db.sealing import digest
from exchange.db.session import now
from tests.exchange.strict_input.processes import HOST, Server, Town, a_town
from tests.exchange.web.fhir.conftest import a_patient
from tests.reliability import Reached, sizes

TOKEN: Final = "a-token-of-the-hospital-for-hostile-requests"
PATIENT: Final = json.dumps(a_patient()).encode()
MOST_GROWTH: Final = 100_000_000
#  for how long an answer is waited for where none may come, and where one must
SHORT_SECONDS: Final = 2.0
LONG_SECONDS: Final = 120.0
GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
MEGABYTE: Final = 1_000_000


def request(body: bytes = PATIENT, *headers: str, path: str = "/fhir/Patient", length: int | None = -1) -> bytes:
    """Return a POST as it goes over the wire; `length` replaces the true Content-Length, None leaves it out."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {TOKEN}", "Connection: close", *headers]
    if not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: application/fhir+json")
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length == -1 else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunks(*parts: bytes) -> bytes:
    """Return a body in chunks, ended."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def patient_with(inner: bytes) -> bytes:
    return request(b'{"resourceType":"Patient",' + inner + b"}")


def bundle_of(count: int) -> bytes:
    entry = {"resource": a_patient(), "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry] * count}
    return request(json.dumps(bundle).encode(), path="/fhir")


CHUNKED: Final = "Transfer-Encoding: chunked"
#  what is sent, and with which statuses it may be answered; 0 stands for a connection that is closed without a word
REFUSED: Final = {400, 411, 413, 0}
CASES: Final[dict[str, tuple[Callable[[], bytes], set[int]]]] = {
    "a plain request": (lambda: request(), {201}),
    "chunked": (lambda: request(chunks(PATIENT), CHUNKED, length=None), {201}),
    "chunked, byte by byte": (lambda: request(chunks(*(PATIENT[n : n + 1] for n in range(len(PATIENT)))), CHUNKED,
                                              length=None), {201}),
    "chunked and a length": (lambda: request(chunks(PATIENT), CHUNKED), {201, *REFUSED}),
    "chunked and a shorter length": (lambda: request(chunks(PATIENT), CHUNKED, length=3), {201, *REFUSED}),
    "two lengths": (lambda: request(PATIENT, "Content-Length: 3"), REFUSED),
    "a length that is no number": (lambda: request(PATIENT, "Content-Length: many", length=None), REFUSED),
    "a length below nothing": (lambda: request(length=-5), REFUSED),
    "a length of 20 digits": (lambda: request(length=10**19), REFUSED),
    "a length shorter than the body": (lambda: request(length=len(PATIENT) - 1), {400}),
    "a length longer than the body": (lambda: request(length=len(PATIENT) + 1), REFUSED),
    "no length": (lambda: request(length=None), REFUSED),
    "a chunk whose size lies": (lambda: request(b"fffff\r\n" + PATIENT, CHUNKED, length=None), REFUSED),
    "a chunk whose size is none": (lambda: request(b"zz\r\n" + PATIENT, CHUNKED, length=None), REFUSED),
    "chunks that begin with a bomb": (lambda: request(chunks(b" " * 8 * MEGABYTE), CHUNKED, length=None), REFUSED),
    "an encoding nobody knows": (lambda: request(PATIENT, "Transfer-Encoding: chunked, rot13", length=None), REFUSED),
    "6 MB": (lambda: request(b" " * 6 * MEGABYTE), {413}),
    "50 MB": (lambda: request(b" " * 50 * MEGABYTE), {413, 0}),
    "6 MB of a form": (lambda: request(b"a=" + b"b" * 6 * MEGABYTE, "Content-Type: application/x-www-form-urlencoded",
                                       path="/oauth/token"), {400, 413}),
    "a form of 100,000 fields": (lambda: request(b"a=b&" * 15_000, "Content-Type: application/x-www-form-urlencoded",
                                                 path="/oauth/token"), {400, 413}),
    "a form of many files": (lambda: request(
        b"".join(b'--x\r\nContent-Disposition: form-data; name="%d"; filename=f\r\n\r\n\r\n' % n for n in range(5_000))
        + b"--x--\r\n", "Content-Type: multipart/form-data; boundary=x", path="/sign-in"), {400, 413}),
    "arrays, 10,000 deep": (lambda: patient_with(b'"name":' + b"[" * 10_000 + b"]" * 10_000), {400}),
    "objects, 100,000 deep": (lambda: patient_with(b'"name":' + b'{"a":' * 100_000), {400}),
    "contained, 10,000 deep": (lambda: patient_with(b'"contained":[{"resourceType":"Patient",' * 10_000), {400}),
    "2,000 entries": (lambda: bundle_of(2_000), {400}),
    "a number of 1,000,000 digits": (lambda: patient_with(b'"multipleBirthInteger":' + b"9" * MEGABYTE), {400, 422}),
    "an exponent of 400 digits": (lambda: patient_with(b'"multipleBirthInteger":1e' + b"9" * 400), {400, 422}),
    "a decimal with an exponent of 400 digits": (
        lambda: patient_with(b'"extension":[{"url":"urn:x","valueDecimal":1e' + b"9" * 400 + b"}]"), {201, 422}),
    "a string of 4 MB": (lambda: patient_with(b'"language":"' + b"x" * 4 * MEGABYTE + b'"'), {422}),
    "a string that never ends": (lambda: patient_with(b'"language":"' + b'\\"' * MEGABYTE), {400}),
    "a million keys": (lambda: patient_with(b",".join(b'"k%d":1' % n for n in range(400_000))), {400, 422}),
    "NUL": (lambda: patient_with(b'"language":"\x00"'), {400}),
    "a byte order mark": (lambda: request(b"\xef\xbb\xbf" + PATIENT), {400}),
    "half a surrogate pair": (lambda: patient_with(b'"language":"\\ud83d"'), {400}),
    "not UTF-8": (lambda: patient_with(b'"language":"\xff\xfe"'), {400}),
    "UTF-16": (lambda: request(PATIENT.decode().encode("utf-16")), {400}),
    "a charset that is another": (lambda: request(PATIENT, "Content-Type: application/json; charset=utf-16"), {415}),
    "a charset nobody knows": (lambda: request(PATIENT, "Content-Type: application/fhir+json; charset=klingon"), {415}),
    "gzip": (lambda: request(gzip.compress(PATIENT), "Content-Encoding: gzip"), {415}),
    "a gzip bomb": (lambda: request(gzip.compress(b" " * 100 * MEGABYTE), "Content-Encoding: gzip"), {415}),
    "deflate and br": (lambda: request(PATIENT, "Content-Encoding: deflate, br"), {415}),
    "headers of 1 MB": (lambda: request(PATIENT, *[f"X-{n}: {'x' * 1_000}" for n in range(1_000)]), {400, 431, 0}),
    "one header of 1 MB": (lambda: request(PATIENT, f"X-Long: {'x' * MEGABYTE}"), {400, 431, 0}),
    "a header of other bytes": (lambda: request(PATIENT, "X-Request-Id: \xff\x80", "Accept: \xff"), {201, 400, 406}),
    "a header with a NUL": (lambda: request(PATIENT, "X-Odd: a\x00b"), {400, 0}),
    "a header that is folded": (lambda: request(PATIENT, "X-Odd: a\r\n b"), {201, 400, 0}),
    "two hosts": (lambda: request(PATIENT, "Host: elsewhere.example"), {201, 400}),
    "two authorizations": (lambda: request(PATIENT, "Authorization: Bearer other"), {201, 400, 401}),
    "an upgrade": (lambda: request(PATIENT, "Upgrade: websocket", "Connection: Upgrade"), {201, 400, 405, 426}),
    "an expectation": (lambda: request(PATIENT, "Expect: 100-continue"), {201, 417}),
    "an address of 100 kB": (lambda: request(path="/fhir/Patient/" + "x" * 100_000), {404, 405, 414, 0}),
    "an address of bytes": (lambda: request(path="/fhir/%ff%00%c0%af"), {400, 404, 405}),
    "no HTTP at all": (lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, {400, 0}),
    "half a request": (lambda: request()[:40], {400, 408, 0}),
}  # fmt: skip


@pytest.mark.invariant(
    "strict-requests-served",
    "After each hostile request the same process answers the next one, and holds less than 100 MB more than before.",
)
@pytest.mark.parametrize("rounds", sizes(1, 5))
def test_after_a_hostile_request_the_next_one_is_answered(rounds: int, server: Server, reached: Reached) -> None:
    workers, before = server.workers(), server.resident_bytes()

    differing, most = [], 0
    for _round in range(rounds):
        for name, (make, allowed) in CASES.items():
            status = answer_to(make(), server.port, SHORT_SECONDS if 0 in allowed else LONG_SECONDS)
            if status not in allowed or not server.is_alive():
                differing.append((name, status))
            most = max(most, server.resident_bytes() - before)

    assert differing == [], str(differing)
    assert server.workers() == workers
    assert most < MOST_GROWTH
    assert "Traceback" not in server.said()
    reached(requests=rounds * len(CASES), worker_deaths=0, growth_in_megabytes=most // MEGABYTE)


def answer_to(sent: bytes, port: int, seconds: float) -> int:
    """Send bytes and return the status of the answer; 0 where there is none, or where more is waited for."""
    with socket.create_connection((HOST, port), timeout=seconds) as connection:
        #  a server may answer, and close, before it has read all of a body that it refuses
        with suppress(OSError):
            connection.sendall(sent)
        heard = b""
        with suppress(OSError):
            while (b"\r\n" not in heard or heard.startswith(GO_ON)) and (piece := connection.recv(65_536)):
                heard = (heard + piece).removeprefix(GO_ON)
    return int(heard.split(b" ", 2)[1]) if heard.startswith(b"HTTP/1.") else 0


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with a_town(tmp_path_factory.mktemp("hostile")) as made:
        client_id = made.exchange.register("hospital", "system/*.cruds", jwks_url="https://ehr.example/jwks.json")
        with made.exchange.database.write() as session:
            at = now(session)
            session.add(AccessTokenRow(token_hash=digest(TOKEN), client_id=client_id, scope="system/*.cruds",
                                       issued_at=at, expires_at=at + timedelta(hours=1)))  # fmt: skip
        yield made


@pytest.fixture(scope="module")
def server(town: Town) -> Iterator[Server]:
    with town.served() as (running,):
        assert answer_to(request(), running.port, LONG_SECONDS) == 201
        yield running
