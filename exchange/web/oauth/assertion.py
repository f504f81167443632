"""Client assertions, judged without a clock, a store or a network of their own.

Source: SMART App Launch 2.2, "Asymmetric (public key) client authentication"; RFC 7523 §3; RFC 7515 §5.2.
"""

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from exchange.actions.clients.key_set import ALGORITHMS, Jwk
from fhir_mapping.json_text import JsonNumber, JSONProblem, parse

LONGEST_ASSERTION: Final = 16_000
LONGEST_JTI: Final = 256
LONGEST_LIFE: Final = timedelta(minutes=5)
#  clocks kept by NTP differ by less; an assertion that has ended stays ended
SKEW: Final = timedelta(seconds=5)
_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\Z")
_CLIENT_ID: Final = re.compile(r"[\x21-\x7e]{1,36}\Z")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+\Z")
#  a header that brings its own key, or changes what is signed or how it is read
_NEVER: Final = frozenset({"jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"})
_PUBLIC: Final = ("kty", "n", "e", "crv", "x", "y")


class BadAssertion(Exception):
    """An assertion that proves nothing; the sentence says what to change, in ASCII as RFC 6749 §5.2 asks."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an assertion says of itself. Nothing of it is proved until `verify_assertion` returns."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def client_id(self) -> str:
        """The client it claims to come from."""
        return str(self.claims["sub"])

    @property
    def kid(self) -> str:
        """The key it claims to be signed with."""
        return str(self.header["kid"])

    @property
    def algorithm(self) -> str:
        """How it claims to be signed: RS384 or ES384."""
        return str(self.header["alg"])


@dataclass(frozen=True, slots=True)
class Proof:
    """What is proved: the client, and the `jti` that must be remembered until `expires_at`."""

    client_id: str
    jti: str
    expires_at: datetime


def read_assertion(text: str) -> Assertion:
    """Return what an assertion says. Raises BadAssertion when it is not a signed JWT of our kind."""
    found = _COMPACT.match(text) if len(text) <= LONGEST_ASSERTION else None
    if found is None:
        raise BadAssertion("The client_assertion is not a signed JWT of three base64url parts: sign one.")
    header, claims = _json_object(found[1]), _json_object(found[2])
    if header.get("alg") not in list(ALGORITHMS):
        raise BadAssertion("The assertion must be signed with RS384 or ES384: change its alg.")
    if header.get("typ") != "JWT":
        raise BadAssertion("The header of the assertion must have the typ JWT: add it.")
    if not _is_text(header.get("kid"), LONGEST_JTI):
        raise BadAssertion("The header of the assertion must name the kid of its key: add it.")
    if not _NEVER.isdisjoint(header):
        raise BadAssertion("The header of the assertion may not bring a key or an extension: leave those out.")
    if not (isinstance(claims.get("sub"), str) and _CLIENT_ID.match(claims["sub"])):
        raise BadAssertion("The sub of the assertion must be the client_id: correct it.")
    if claims.get("iss") != claims["sub"]:
        raise BadAssertion("The iss and the sub of the assertion must both be the client_id: correct them.")
    return Assertion(text, header, claims)


def check_claims(assertion: Assertion, *, audiences: Collection[str], jwks_url: str | None, now: datetime) -> Proof:
    """Return what an assertion would prove if its signature held. Raises BadAssertion for a claim that does not."""
    claims, jku = assertion.claims, assertion.header.get("jku")
    if "jku" in assertion.header and (jku is None or jku != jwks_url):
        raise BadAssertion("The jku of the assertion is not the registered address of the key set: leave it out.")
    named = claims.get("aud")
    if not any(isinstance(one, str) and one in audiences for one in (named if isinstance(named, list) else [named])):
        raise BadAssertion("The aud of the assertion must be the address of the token endpoint: correct it.")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not _is_text(jti, LONGEST_JTI):
        raise BadAssertion(f"The assertion needs a jti of 1 to {LONGEST_JTI} ASCII characters: add one, never reused.")
    return Proof(assertion.client_id, jti, _check_times(claims, now) + SKEW)


def verify_assertion(
    assertion: Assertion, keys: tuple[Jwk, ...], *, audiences: Collection[str], jwks_url: str | None, now: datetime
) -> Proof:
    """Return what an assertion proves. `keys` are those its kid and alg name: there must be exactly one.

    Whether its jti is new is for the caller to ask. Raises BadAssertion.
    """
    proof = check_claims(assertion, audiences=audiences, jwks_url=jwks_url, now=now)
    if len(keys) != 1:
        how = "No registered key" if not keys else "More than one registered key"
        raise BadAssertion(f"{how} has this kid and fits this alg: publish exactly one.")
    verify_signature(assertion.text, keys[0])
    return proof


def verify_signature(text: str, key: Jwk) -> None:
    """Raise BadAssertion unless a compact JWS is signed by a key, with the one algorithm of its type. RFC 7515 §5.2."""
    registry = jws.JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    #  joserfc stops at 512 and 1024 characters: too few for a long jku, and for RSA of 8192 bits
    registry.max_header_length = registry.max_signature_length = LONGEST_ASSERTION
    try:
        public = {name: key[name] for name in _PUBLIC if name in key}
        imported = (ECKey if key["kty"] == "EC" else RSAKey).import_key(public)
        jws.deserialize_compact(text, imported, algorithms=list(ALGORITHMS), registry=registry)
    except (JoseError, ValueError, TypeError):
        raise BadAssertion("The signature of the assertion does not fit the registered key: sign it anew.") from None


def _json_object(part: str) -> dict[str, Any]:
    try:
        value = parse(urlsafe_b64decode(part + "=" * (-len(part) % 4)), max_depth=8)
    except (JSONProblem, binascii.Error, ValueError):
        value = None
    if not isinstance(value, dict):
        raise BadAssertion("Header and payload of the assertion must be JSON objects, each name once: correct them.")
    return value


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest and bool(_PRINTABLE.match(value))


def _check_times(claims: dict[str, Any], now: datetime) -> datetime:
    at, skew, life = _seconds(now), Decimal(SKEW.seconds), Decimal(LONGEST_LIFE.seconds)
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in times or not all(isinstance(time, JsonNumber) for time in times.values()):
        raise BadAssertion("The assertion needs an exp, and its exp, nbf and iat must be numbers: correct them.")
    try:
        moments = {name: time.as_decimal() for name, time in times.items()}
    except InvalidOperation:
        raise BadAssertion("The exp, nbf and iat of the assertion must be times: correct them.") from None
    if moments["exp"] <= at:
        raise BadAssertion("The assertion has expired: sign a new one for every request.")
    if moments["exp"] > at + life + skew:
        raise BadAssertion("The exp of the assertion must be at most 5 minutes ahead: shorten it.")
    if moments.get("nbf", at) > at + skew or moments.get("iat", at) > at + skew:
        raise BadAssertion("The assertion is not valid yet: check the clock of the client.")
    if moments.get("iat", at) < at - life - skew:
        raise BadAssertion("The assertion was made more than 5 minutes ago: sign a new one for every request.")
    return datetime.fromtimestamp(float(moments["exp"]), UTC)


def _seconds(moment: datetime) -> Decimal:
    return Decimal(repr(moment.timestamp()))
