"""Key sets that clients publish by URL: kept no longer than they allow, asked for again when a new kid turns up.

Source: SMART App Launch 2.2, "Asymmetric (public key) client authentication": a key set SHALL NOT be kept longer than
its Cache-Control says.
"""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import requests
from werkzeug.datastructures import ResponseCacheControl
from werkzeug.http import parse_cache_control_header

from exchange.actions.clients.key_set import Jwk, keys_for, keys_in
from exchange.outbound import OutboundRefused, read_limited
from exchange.web.oauth.assertion import BadAssertion
from fhir_mapping.json_text import JSONProblem, parse

LARGEST_KEY_SET: Final = 200_000
WITHOUT_A_WORD: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(hours=24)
#  a stranger who invents kids, or an address that is down, makes us ask no more often than this
AGAIN_FOR_A_NEW_KID: Final = timedelta(seconds=30)
AGAIN_AFTER_A_FAILURE: Final = timedelta(seconds=5)
TIMEOUT: Final = (3.0, 5.0)
WAIT_SECONDS: Final = 5.0
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: tuple[Jwk, ...] = ()
    asked_at: datetime = _LONG_AGO
    fresh_until: datetime = _LONG_AGO
    has_failed: bool = False


class KeySets:
    """The key sets of one process, by URL. One thread at a time asks for one of them."""

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def keys(self, url: str, *, kid: str, algorithm: str, now: datetime) -> tuple[Jwk, ...]:
        """Return the keys published at a registered URL that a kid and an algorithm name.

        No transaction may be open: this may ask the network. Raises BadAssertion when the set cannot be had.
        """
        with self._lock:
            kept = self._kept.setdefault(url, _Kept())
        if not kept.lock.acquire(timeout=WAIT_SECONDS):
            raise BadAssertion("The registered key set is slow to answer: try again.")
        try:
            if now >= kept.fresh_until:
                self._ask(url, kept, now)
            found = keys_for(kept.keys, kid=kid, algorithm=algorithm)
            if not found and now - kept.asked_at >= AGAIN_FOR_A_NEW_KID:
                self._ask(url, kept, now)
                found = keys_for(kept.keys, kid=kid, algorithm=algorithm)
            return found
        finally:
            kept.lock.release()

    def _ask(self, url: str, kept: _Kept, now: datetime) -> None:
        if kept.has_failed and now - kept.asked_at < AGAIN_AFTER_A_FAILURE:
            raise BadAssertion("The registered key set could not be read a moment ago: try again in some seconds.")
        kept.asked_at, kept.has_failed = now, True
        kept.keys, lasting = self._fetch(url)
        kept.fresh_until, kept.has_failed = now + lasting, False

    def _fetch(self, url: str) -> tuple[tuple[Jwk, ...], timedelta]:
        try:
            response = self._session.get(url, headers={"Accept": "application/json"}, timeout=TIMEOUT, stream=True)
            body = read_limited(response, LARGEST_KEY_SET)
            if response.status_code == 200:
                return keys_in(parse(body, max_depth=8)), _kept_for(response)
        except (OutboundRefused, requests.RequestException, JSONProblem, ValueError):
            pass
        raise BadAssertion("The registered key set could not be read: check that its address answers with a JWKS.")


def _kept_for(response: requests.Response) -> timedelta:
    """Return for how long an answer may be kept, from Cache-Control and Age (RFC 9111 §4.2)."""
    control = parse_cache_control_header(response.headers.get("Cache-Control"), cls=ResponseCacheControl)
    if control.no_store or control.no_cache:
        return timedelta()
    if control.max_age is None:
        return WITHOUT_A_WORD
    age = response.headers.get("Age", "0")
    return min(timedelta(seconds=max(0, control.max_age - (int(age) if age.isdigit() else 0))), LONGEST)
