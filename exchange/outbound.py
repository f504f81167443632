"""The only outgoing HTTP session: addresses are guarded, time and size have limits, nothing is followed elsewhere.

A host's name is resolved once, every answer must be a public address, and the connection goes to the very address that
was judged: a name that answers differently the next moment (DNS rebinding) gains nothing. The name itself stays in the
Host header and in the TLS handshake. What is on `EXCHANGE_ALLOWED_ADDRESSES` is exempt from the judgement, and only
that may be spoken to over http or on another port than 443. Sources: OWASP Server-Side Request Forgery Prevention
Cheat Sheet; IANA IPv4 and IPv6 Special-Purpose Address Registries.
"""

import ipaddress
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from exchange.domain.errors import ExchangeError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], list[str]]

#  for one address of a host, and for all of them: a host may have as many as it likes
CONNECT_SECONDS: Final = 5.0
ALL_CONNECT_SECONDS: Final = 12.0
READ_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 30.0
LARGEST_ANSWER: Final = 5_000_000
LONGEST_URL: Final = 2_000
CHUNK: Final = 65_536
PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?\Z")
_NEVER_IN_A_URL: Final = re.compile(r"[\x00-\x20\x7f\\#]")
_ENDS_IN_A_NUMBER: Final = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)\.?\Z")
#  RFC 6761 §6.3, RFC 6762, RFC 8375, and the name that ICANN keeps for private use: never on the public internet
_INSIDE: Final = re.compile(r"(.*\.)?(localhost|local|internal|home\.arpa)\.?\Z")
_PUBLIC_6: Final = ipaddress.IPv6Network("2000::/3")
#  `is_global` of Python 3.11 lets these through; each can stand for an address inside
_NEVER: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20", "5f00::/16", "64:ff9b::/96")
)


class OutboundRefused(ExchangeError):
    """The exchange does not connect there, or stopped reading: trying again as it is will not help."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of the allow-list: a host name, or a network; with a port, that port only."""

    host: str | None
    network: Network | None
    port: int | None

    def admits(self, host: str, port: int, address: Address | None) -> bool:
        """Return whether this entry admits a host, or the address it was resolved to, at a port."""
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return address is not None and address.version == self.network.version and address in self.network
        return host == self.host


def read_allowed(entries: Sequence[str]) -> tuple[Allowed, ...]:
    """Return the allow-list of entries such as `ehr.example`, `ehr.example:8443`, `10.1.0.0/16`, `[::1]:8080`.

    Raises ValueError with a sentence for an entry that is none of these.
    """
    return tuple(_allowed(entry.strip().lower()) for entry in entries if entry.strip())


def _allowed(entry: str) -> Allowed:
    with suppress(ValueError):
        return Allowed(None, ipaddress.ip_network(entry, strict=False), None)
    host, port = _host_and_port(entry)
    with suppress(ValueError):
        return Allowed(None, ipaddress.ip_network(host), port)
    if not _HOST.match(host):
        raise ValueError(f"EXCHANGE_ALLOWED_ADDRESSES holds {entry!r}: write a host, host:port, address or network.")
    return Allowed(host, None, port)


def _host_and_port(entry: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{entry}")
        return ((parts.hostname or "").rstrip(".") if parts.netloc == entry else ""), parts.port
    except ValueError:
        return "", None


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public internet, and does not merely stand for one that is not."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in _PUBLIC_6 or address.scope_id is not None:
            return False
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def resolve_host(host: str, port: int) -> list[str]:
    """Return every address a host has, as the machine's resolver answers. Raises OSError."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Gate:
    """Judges an address before anything is sent: by its text, and by what its host resolves to."""

    def __init__(self, allowed: tuple[Allowed, ...], resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve

    def check(self, url: str) -> None:
        """Raise OutboundRefused for an address that may not be connected to, judged by its text alone."""
        _check_characters(url)
        try:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme, parts.hostname or "", parts.port
        except ValueError:
            raise OutboundRefused("The address cannot be read: write https://host/path.") from None
        if scheme not in PORTS or not host:
            raise OutboundRefused("Only https addresses with a host are connected to: write https://host/path.")
        if "@" in parts.netloc:
            raise OutboundRefused("An address may not hold a user name or password: leave it out.")
        self._check_host(host, port or PORTS[scheme], scheme)

    def _check_host(self, host: str, port: int, scheme: str) -> None:
        literal = _literal(host)
        if literal is None and (not _HOST.match(host) or _ENDS_IN_A_NUMBER.match(host)):
            raise OutboundRefused("The host of the address is neither a name nor a plain IP address: correct it.")
        if self.admits(host, port, literal):
            return
        if _INSIDE.match(host) or (literal is not None and not is_public(literal)):
            raise OutboundRefused("The address is not on the public internet: the operator can allow it by setting.")
        if (scheme, port) != ("https", PORTS["https"]):
            raise OutboundRefused("Only https on port 443 is connected to: the operator can allow another by setting.")

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses to connect to, in order. Raises OutboundRefused when any may not be, OSError."""
        host = host.strip("[]").lower()
        found = self._resolve(host.rstrip("."), port)
        for text in found:
            address = ipaddress.ip_address(text)
            if not self.admits(host, port, address) and not is_public(address):
                raise OutboundRefused("The host resolves to an address that is not on the public internet: refused.")
        return found

    def admits(self, host: str, port: int, address: Address | None) -> bool:
        """Return whether the allow-list admits this."""
        return any(entry.admits(host.rstrip("."), port, address) for entry in self._allowed)


def _check_characters(url: str) -> None:
    if len(url) > LONGEST_URL or _NEVER_IN_A_URL.search(url):
        raise OutboundRefused("The address is too long or holds characters that no address may hold: correct it.")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


class Cutter:
    """Shuts a socket down after so many seconds, unless it is let go of before; `has_cut` says whether it did.

    A peer that sends byte by byte satisfies each read's own limit.
    """

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self.has_cut = False
        #  the duplicate outlives the TLS wrapping
        self._watched = sock.dup()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def _cut(self) -> None:
        self.has_cut = True
        with suppress(OSError), self._watched:
            self._watched.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Leave the socket alone from now on."""
        self._timer.cancel()
        self._watched.close()


class _Guarded(HTTPConnection):
    """A connection that goes to an address the gate has judged, and is cut when it has lived too long."""

    gate: Gate
    _cutter: Cutter | None = None

    def _new_conn(self) -> socket.socket:
        failure: OSError | None = None
        port = self.port or self.default_port
        try:
            addresses = self.gate.addresses(self.host, port)
        except OSError as error:
            raise NewConnectionError(self, "The host has no address") from error
        until = time.monotonic() + ALL_CONNECT_SECONDS
        for address in addresses:
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                #  a literal address: no second look-up can answer otherwise
                sock = socket.create_connection((address, port), min(CONNECT_SECONDS, left))
            except OSError as error:
                failure = error
                continue
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            self._cutter = Cutter(sock, LONGEST_SECONDS)
            sys.audit("http.client.connect", self, self.host, port)
            return sock
        raise NewConnectionError(self, "No address of the host answered") from failure

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's own class, as in its base
        """Return the answer. Raises OutboundRefused when it was cut: half its headers would look like all of them."""
        cutter = self._cutter  # closing, which an answer without length leads to, lets go of it
        response = super().getresponse()
        if cutter is not None and cutter.has_cut:
            response.close()
            raise OutboundRefused("The answer took longer than is waited for: nothing of it was used.")
        return response

    def close(self) -> None:
        """Close, and let go of the cutter."""
        if self._cutter is not None:
            self._cutter.let_go()
            self._cutter = None
        super().close()


class _Bounded:
    """The body of an answer, read no further than the limits of size and time, whoever reads it."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._until = time.monotonic() + LONGEST_SECONDS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amount: int = CHUNK, decode_content: bool = True) -> Iterator[bytes]:
        """Yield the body in pieces. Raises OutboundRefused past a limit, urllib3's errors."""
        total = 0
        while piece := self._raw.read1(min(amount, CHUNK), decode_content=decode_content):
            total += len(piece)
            if total > LARGEST_ANSWER or time.monotonic() > self._until:
                self._raw.close()
                raise OutboundRefused("The answer was larger or slower than is read: nothing of it was used.")
            yield piece


class _GuardedAdapter(HTTPAdapter):
    """Sends by guarded connections only; proxies of the environment or of a caller are not used."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Make the pools from connections that ask the gate."""
        super().init_poolmanager(*arguments, **named)
        plain = type("Plain", (_Guarded, HTTPConnection), {"gate": self._gate})
        secure = type("Secure", (_Guarded, HTTPSConnection), {"gate": self._gate})
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }

    #  the options of requests are handed on as they came, whatever they are: so is its signature narrowed to names
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request whose address the gate lets pass."""
        self._gate.check(request.url or "")
        options |= {"proxies": None, "timeout": options.get("timeout") or (CONNECT_SECONDS, READ_SECONDS)}
        response = super().send(request, **options)
        response.raw = _Bounded(response.raw)
        return response


class OutboundSession(requests.Session):
    """A session that follows no redirect, keeps no cookie, and takes nothing from the environment."""

    #  as above: only the address is looked at, the rest is handed on
    def request(self, method: Any, url: Any, *arguments: Any, **named: Any) -> requests.Response:  # type: ignore[override]
        """Send a request. Raises OutboundRefused (never again as it is), requests.RequestException (try later)."""
        _check_characters(str(url))
        try:
            return super().request(method, url, *arguments, **named)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
            raise OutboundRefused("The address cannot be read as an https address: correct it.") from None

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: a redirect is an answer like any other, and leads nowhere."""
        return None


def outbound_session(allowed_addresses: Sequence[str], *, resolve: Resolve = resolve_host) -> requests.Session:
    """Return the session for outgoing HTTP, which may also reach the allowed addresses (`EXCHANGE_ALLOWED_ADDRESSES`).

    `resolve` is the resolver; tests hand in their own. Raises ValueError with a sentence for an entry that is none.
    """
    session = OutboundSession()
    session.trust_env = False
    session.max_redirects = 0
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    #  one connection a request: the address is judged anew each time, and the cutter counts one request
    session.headers.update({"User-Agent": "referral-exchange", "Accept-Encoding": "identity", "Connection": "close"})
    adapter = _GuardedAdapter(Gate(read_allowed(allowed_addresses), resolve))
    session.adapters.clear()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def check_address(url: str, allowed_addresses: Sequence[str] = ()) -> None:
    """Raise OutboundRefused for an address the session would refuse by its text: to be told when it is registered."""
    Gate(read_allowed(allowed_addresses), resolve_host).check(url)


def read_limited(response: requests.Response, limit: int = LARGEST_ANSWER) -> bytes:
    """Return the body of an answer fetched with `stream=True`, at most `limit` bytes, and close it.

    Raises OutboundRefused when there is more, or when it takes longer than is waited for.
    """
    body = bytearray()
    with response:
        for piece in response.iter_content(CHUNK):
            body += piece
            if len(body) > limit:
                raise OutboundRefused(f"The answer was larger than {limit} bytes: nothing of it was used.")
    return bytes(body)
