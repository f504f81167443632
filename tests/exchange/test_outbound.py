"""The outgoing session reaches public https addresses and what the operator allowed, and nothing else."""

import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from exchange import outbound
from exchange.outbound import (
    Gate,
    OutboundRefused,
    check_address,
    is_public,
    outbound_session,
    read_allowed,
    read_limited,
)

REFUSED = (Path(__file__).parents[1] / "data/outbound/refused-addresses.txt").read_text(encoding="utf-8").splitlines()
SHARED = Path(__file__).parents[3] / "shared/data/badinput/own/ssrf-urls.jsonl"
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_inside_is_refused_before_anything_is_sent(url: str, canary: "Canary") -> None:
    session = outbound_session([], resolve=lambda host, port: ["127.0.0.1"])

    with pytest.raises(OutboundRefused):
        session.get(url, timeout=2)

    assert canary.hits == []


def test_every_shared_address_that_is_to_be_refused_is_refused(canary: "Canary") -> None:
    if not SHARED.exists():
        pytest.skip("../shared is not here; tests/data/outbound is the twin of its list.")
    lines = [json.loads(line) for line in SHARED.read_text(encoding="utf-8").splitlines()]
    session = outbound_session([], resolve=lambda host, port: ["127.0.0.1"])

    passed = []
    for url in [line["url"] for line in lines]:
        try:
            session.get(url, timeout=2)
        except OutboundRefused:
            continue
        passed.append(url)

    assert passed == []
    assert canary.hits == []


def test_one_private_answer_among_public_ones_is_enough_to_refuse(canary: "Canary") -> None:
    session = outbound_session([], resolve=lambda host, port: [PUBLIC, "10.0.0.1"])

    with pytest.raises(OutboundRefused, match="resolves to an address that is not on the public internet"):
        session.get("https://two-faced.example/", timeout=2)


def test_the_connection_goes_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, connected = iter([[PUBLIC], ["127.0.0.1"]]), []

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    session = outbound_session([], resolve=lambda host, port: next(answers))

    with pytest.raises(requests.ConnectionError):
        session.get("https://rebinding.example/hook")
    with pytest.raises(OutboundRefused):
        session.get("https://rebinding.example/hook")

    assert connected == [(PUBLIC, 443)]


def test_a_host_without_an_address_may_be_tried_again_later() -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(requests.ConnectionError):
        outbound_session([], resolve=nobody).get("https://gone.example/")


def test_an_allowed_address_is_reached_over_http(canary: "Canary") -> None:
    response = outbound_session([f"127.0.0.1:{canary.port}"]).get(f"{canary.url}/hook")

    assert response.status_code == 200
    assert canary.hits == ["/hook"]


@pytest.mark.parametrize(
    "entry", ["127.0.0.1", "127.0.0.0/8", "127.0.0.1:{port}", "hook.example", "hook.example:{port}"]
)
def test_each_form_of_an_allowed_entry_admits(entry: str, canary: "Canary") -> None:
    session = outbound_session([entry.format(port=canary.port)], resolve=lambda host, port: ["127.0.0.1"])
    host = "hook.example" if "hook" in entry else "127.0.0.1"

    assert session.get(f"http://{host}:{canary.port}/").status_code == 200


@pytest.mark.parametrize("entry", ["127.0.0.1:1", "10.0.0.0/8", "other.example", "hook.example:1", "::1"])
def test_an_allowed_entry_admits_nothing_else(entry: str, canary: "Canary") -> None:
    session = outbound_session([entry], resolve=lambda host, port: ["127.0.0.1"])

    for host in ("127.0.0.1", "hook.example"):
        with pytest.raises(OutboundRefused):
            session.get(f"http://{host}:{canary.port}/")
    assert canary.hits == []


@pytest.mark.parametrize("entry", ["http://ehr.example", "two words", "ehr.example:port", "10.0.0.0/99", "a/b", "-"])
def test_an_entry_that_is_none_is_told(entry: str) -> None:
    with pytest.raises(ValueError, match="EXCHANGE_ALLOWED_ADDRESSES holds"):
        read_allowed([entry])


def test_a_redirect_is_an_answer_and_leads_nowhere(canary: "Canary") -> None:
    response = outbound_session(["127.0.0.1"]).get(f"{canary.url}/redirect", allow_redirects=True)

    assert response.status_code == 302
    assert canary.hits == ["/redirect"]


def test_a_proxy_of_the_environment_is_not_used(canary: "Canary", monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")

    with pytest.raises(requests.ConnectionError):
        outbound_session(["127.0.0.1:1"]).get("http://127.0.0.1:1/")
    with pytest.raises(requests.ConnectionError):
        outbound_session(["127.0.0.1:1"]).get("http://127.0.0.1:1/", proxies={"http": canary.url})

    assert canary.hits == []


def test_a_cookie_is_not_kept(canary: "Canary") -> None:
    session = outbound_session(["127.0.0.1"])

    session.get(f"{canary.url}/cookie")

    assert list(session.cookies) == []


def test_a_large_answer_is_not_read_to_its_end(canary: "Canary", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "LARGEST_ANSWER", 10_000)

    with pytest.raises(OutboundRefused, match="larger or slower"):
        outbound_session(["127.0.0.1"]).get(f"{canary.url}/large")


def test_a_reader_may_set_a_smaller_limit(canary: "Canary") -> None:
    session = outbound_session(["127.0.0.1"])

    assert read_limited(session.get(f"{canary.url}/small", stream=True), 5) == b"small"
    with pytest.raises(OutboundRefused, match="larger than 4 bytes"):
        read_limited(session.get(f"{canary.url}/small", stream=True), 4)


@pytest.mark.parametrize("path", ["/drip", "/drip-header"])
def test_a_peer_that_sends_byte_by_byte_is_cut_off(
    path: str, canary: "Canary", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "LONGEST_SECONDS", 0.3)
    began = time.monotonic()

    with pytest.raises((OutboundRefused, requests.RequestException)):
        outbound_session(["127.0.0.1"]).get(f"{canary.url}{path}")

    assert time.monotonic() - began < 3


def test_the_name_stays_in_the_handshake_and_in_the_host_header(tmp_path: Path) -> None:
    with a_tls_server(tmp_path, "hook.example") as (port, seen):
        session = outbound_session([f"hook.example:{port}"], resolve=lambda host, port: ["127.0.0.1"])

        response = session.get(f"https://hook.example:{port}/", verify=str(tmp_path / "hook.example.pem"))

    assert response.text == "small"
    assert seen == ["hook.example", f"hook.example:{port}"]


def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    with a_tls_server(tmp_path, "other.example") as (port, _seen):
        session = outbound_session([f"hook.example:{port}"], resolve=lambda host, port: ["127.0.0.1"])

        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"https://hook.example:{port}/", verify=str(tmp_path / "other.example.pem"))


@pytest.mark.parametrize("url", ["https://ehr.example/jwks.json", "https://ehr.example:443/a?b=c"])
def test_a_public_looking_address_may_be_registered(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize("url", ["http://ehr.example/jwks.json", "https://10.0.0.1/jwks.json", "ehr.example"])
def test_an_address_that_would_be_refused_may_not_be_registered(url: str) -> None:
    with pytest.raises(OutboundRefused):
        check_address(url)


@given(st.integers(0, 2**32 - 1))
def test_an_address_of_version_4_is_judged_alike_in_whatever_it_is_wrapped(number: int) -> None:
    plain = ipaddress.IPv4Address(number)

    assert is_public(ipaddress.IPv6Address(f"::ffff:{plain}")) == is_public(plain)
    for wrapped in (f"64:ff9b::{plain}", f"::{plain}"):
        assert not is_public(ipaddress.IPv6Address(wrapped))
    assert not is_public(ipaddress.IPv6Address(0x2002 << 112 | number << 80))


@given(st.ip_addresses())
def test_what_is_public_is_never_private_loopback_or_multicast(address: Any) -> None:
    if is_public(address):
        judged = getattr(address, "ipv4_mapped", None) or address
        inside = (judged.is_private, judged.is_loopback, judged.is_link_local, judged.is_multicast)
        assert not any(inside)


@given(st.text(max_size=60))
def test_any_text_is_either_refused_or_a_plain_https_address(text: str) -> None:
    gate = Gate((), lambda host, port: [])

    try:
        gate.check(text)
    except OutboundRefused:
        return
    assert text.lower().startswith("https://")


class Canary:
    """A server on this machine that remembers who came."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.hits: list[str] = []


def drip(write: Callable[[bytes], Any], first: bytes) -> None:
    write(first)
    for _ in range(200):
        time.sleep(0.02)
        write(b"x")


class Handler(BaseHTTPRequestHandler):
    canary: Canary

    def do_GET(self) -> None:
        self.canary.hits.append(self.path)
        self.close_connection = True
        try:
            self._answer()
        except OSError:
            return

    def _answer(self) -> None:
        if self.path == "/drip-header":
            return drip(self.wfile.write, b"HTTP/1.1 200 OK\r\nX: ")
        self.send_response(302 if self.path == "/redirect" else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "a=b")
        self.end_headers()
        if self.path == "/drip":
            return drip(self.wfile.write, b"x")
        self.wfile.write(b"x" * 50_000 if self.path == "/large" else b"small")

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def a_tls_server(folder: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1)
        .not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, secret = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    seen: list[str] = []

    class Secure(Handler):
        canary = Canary(0)

        def _answer(self) -> None:
            seen.append(self.headers["Host"])
            super()._answer()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    context.sni_callback = lambda _socket, asked, _context: seen.append(asked)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Secure)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield server.server_address[1], seen


@pytest.fixture
def canary() -> Iterator[Canary]:
    class Watched(Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Watched)
    Watched.canary = Canary(server.server_address[1])
    with serving(server):
        yield Watched.canary
