"""What an assertion may not be: every forgery, every excess, every slip is `invalid_client` with 401 and a sentence."""

import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import OctKey
from sqlalchemy import select

from exchange.db.client import AccessTokenRow, ClientRow
from exchange.web.oauth.assertion import BadAssertion, read_assertion, verify_assertion
from tests.exchange.conftest import MONDAY
from tests.exchange.web.oauth.conftest import TOKEN_URL, Door, encoded, signed

Forgery = Callable[[Door], str]


def with_claims(**changed: Any) -> Forgery:
    return lambda door: door.sign(door.claims(**changed))


def with_header(key: str = "ec", **changed: Any) -> Forgery:
    return lambda door: door.sign(key=key, header=changed)


def with_time(name: str, seconds: float) -> Forgery:
    return lambda door: door.sign(door.claims(**{name: door.house.clock().timestamp() + seconds}))


def with_payload(payload: bytes) -> Forgery:
    return lambda door: door.sign(payload)


def unsigned(algorithm: Any) -> Forgery:
    def make(door: Door) -> str:
        header = {"typ": "JWT", "kid": "ec-1"} | ({} if algorithm is ... else {"alg": algorithm})
        return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(door.claims()).encode())}."

    return make


def by_secret(algorithm: str, secret: Callable[[Door], bytes]) -> Forgery:
    """Sign with a secret that everybody can know: the public key itself, in one form or another."""

    def make(door: Door) -> str:
        header = {"alg": algorithm, "typ": "JWT", "kid": "rsa-1"}
        first = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(door.claims()).encode())}"
        return f"{first}.{encoded(hmac.digest(secret(door), first.encode(), f'sha{algorithm[2:]}'))}"

    return make


def altered(change: Callable[[str], str]) -> Forgery:
    return lambda door: change(door.sign())


def other_signature(door: Door) -> str:
    return f"{door.sign().rpartition('.')[0]}.{door.sign().rpartition('.')[2]}"


def der_signature(door: Door) -> str:
    first = door.sign().rpartition(".")[0]
    return f"{first}.{encoded(door.keys['ec'].private_key.sign(first.encode(), ec.ECDSA(hashes.SHA384())))}"


def zero_signature(door: Door) -> str:
    return f"{door.sign().rpartition('.')[0]}.{encoded(bytes(96))}"


def detached_base64(door: Door) -> str:
    """`b64: false` says that the payload is signed as it is, not encoded (RFC 7797)."""
    return signed(
        {"alg": "ES384", "typ": "JWT", "kid": "ec-1", "b64": False}, json.dumps(door.claims()).encode(), door.keys["ec"]
    )


def encrypted(door: Door) -> str:
    header = {"alg": "dir", "enc": "A128GCM", "zip": "DEF", "kid": "ec-1", "typ": "JWT"}
    key = OctKey.generate_key(128)
    return jwe.encrypt_compact(header, b"x" * 1_000, key, algorithms=["dir", "A128GCM", "DEF"])


def with_bom(door: Door) -> str:
    header = b"\xef\xbb\xbf" + json.dumps({"alg": "ES384", "typ": "JWT", "kid": "ec-1"}).encode()
    first = f"{encoded(header)}.{encoded(json.dumps(door.claims()).encode())}"
    return f"{first}.{encoded(jws.JWSRegistry.algorithms['ES384'].sign(first.encode(), door.keys['ec']))}"


def own_key(door: Door) -> str:
    return door.sign(key="impostor", header={"jwk": door.keys["impostor"].as_dict(private=False)})


FORGERIES: dict[str, Forgery] = {
    "not signed": unsigned("none"),
    "not signed, in capitals": unsigned("NONE"),
    "no algorithm": unsigned(...),
    "an algorithm that is a list": unsigned(["ES384"]),
    "the public key as a secret, PEM": by_secret("HS256", lambda door: door.keys["rsa"].as_pem(private=False)),
    "the public key as a secret, DER": by_secret("HS384", lambda door: door.keys["rsa"].as_der(private=False)),
    "the public key as a secret, JWK": by_secret("HS512", lambda door: json.dumps(door.public("ec")).encode()),
    "an empty secret": by_secret("HS384", lambda door: b""),
    "RS256": with_header("rsa", alg="RS256"),
    "PS384": with_header("rsa", alg="PS384"),
    "RS512": with_header("rsa", alg="RS512"),
    "ES256 on P-256": with_header("p256", alg="ES256"),
    "a letter that looks like another in alg": lambda door: door.sign().replace(
        encoded(b'{"alg": "ES384"')[:18], encoded('{"alg": "ＥS384"'.encode())[:18]
    ),
    "the signature of another assertion": other_signature,
    "a signature in DER": der_signature,
    "a signature of zeros": zero_signature,
    "a signature by another key under our kid": with_header("impostor"),
    "its own key in the header": own_key,
    "a certificate in the header": with_header(x5c=["MIIB"]),
    "the address of a certificate": with_header(x5u="https://evil.example/x5u"),
    "an address of keys that is not registered": with_header(jku="https://evil.example/jwks"),
    "an address of keys inside": with_header(jku="http://169.254.169.254/"),
    "an address of keys with a user": with_header(jku="https://ehr.example@evil.example/jwks"),
    "an empty address of keys": with_header(jku=""),
    "no address of keys": with_header(jku=None),
    "an extension nobody knows": with_header(crit=["exp"]),
    "a payload that is not encoded": detached_base64,
    "no kid": with_header(kid=...),
    "an empty kid": with_header(kid=""),
    "a kid that is a path": with_header(kid="../../../dev/null"),
    "a kid that is a number": with_header(kid=1),
    "the kid of a key of another kind": with_header(kid="rsa-1"),
    "the kid of another client's key": with_header("other"),
    "no typ": with_header(typ=...),
    "the typ of an access token": with_header(typ="at+jwt"),
    "the issuer is another client": with_claims(iss="another"),
    "the subject is another client": with_claims(sub="another"),
    "both are another client": with_claims(client_id="another"),
    "no issuer": with_claims(iss=...),
    "no subject": with_claims(sub=...),
    "a subject that is an object": with_claims(sub={"a": 1}, iss={"a": 1}),
    "a subject with a NUL": with_claims(client_id="a\0b"),
    "a subject with half a character": with_claims(client_id="\ud800"),
    "a very long subject": with_claims(client_id="x" * 10_000),
    "no audience": with_claims(aud=...),
    "an audience with a slash at its end": with_claims(aud=f"{TOKEN_URL}/"),
    "the issuer as audience": with_claims(aud="https://exchange.example"),
    "the FHIR base as audience": with_claims(aud="https://exchange.example/fhir"),
    "the token endpoint of others": with_claims(aud="https://other.example/oauth/token"),
    "audiences without ours": with_claims(aud=["https://other.example/oauth/token", 7]),
    "an audience that is an object": with_claims(aud={TOKEN_URL: 1}),
    "no end": with_claims(exp=...),
    "an end that is text": with_claims(exp="2030"),
    "an end that is true": with_claims(exp=True),
    "an end beyond all numbers": with_payload(b'{"iss":"a","sub":"a","exp":1e99999999999999999999}'),
    "ended a second ago": with_time("exp", -1),
    "ended a minute ago": with_time("exp", -61),
    "ends at this moment": with_time("exp", 0),
    "ends in six minutes": with_time("exp", 360),
    "ends in an hour, as Authlib signs by default": with_time("exp", 3_600),
    "not before an hour from now": with_time("nbf", 3_600),
    "made in the future": with_time("iat", 60),
    "made ten years ago": with_time("iat", -315_360_000),
    "made at a time that is text": with_claims(iat="now"),
    "no jti": with_claims(jti=...),
    "an empty jti": with_claims(jti=""),
    "a jti that is a number": with_claims(jti=7),
    "a very long jti": with_claims(jti="x" * 10_000),
    "a name twice": with_payload(b'{"iss":"a","sub":"a","sub":"b"}'),
    "a payload that is not JSON": with_payload(b"iss=a"),
    "a payload that is a list": with_payload(b"[]"),
    "a payload that is null": with_payload(b"null"),
    "a payload that nests deeply": with_payload(b'{"a":' * 50 + b"1" + b"}" * 50),
    "a byte order mark": with_bom,
    "padding": altered(lambda text: f"{text}="),
    "a new line": altered(lambda text: f"{text[:20]}\n{text[20:]}"),
    "a new line at the end": altered(lambda text: f"{text}\n"),
    "letters of the other base64": altered(lambda text: f"{text[:-4]}+/+/"),
    "four parts": altered(lambda text: f"{text}.{text}"),
    "two parts": altered(lambda text: text.rpartition(".")[0]),
    "encrypted": encrypted,
    "empty": lambda door: "",
    "a megabyte less": lambda door: "x" * 60_000,
    "not ASCII": lambda door: "ä.ö.ü",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_no_token_is_issued_for(name: str, door: Door) -> None:
    answer = door.ask(FORGERIES[name](door))

    assert answer.status_code == 401
    assert answer.json["error"] == "invalid_client"
    assert answer.json["error_description"].isascii()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" in answer.headers
    with door.house.database.read() as session:
        assert session.scalars(select(AccessTokenRow)).all() == []


@pytest.mark.parametrize(
    ("claims", "header", "key"),
    [
        ({"aud": ["https://other.example", TOKEN_URL]}, {}, "ec"),
        ({}, {"x5t": "abc", "custom": 1}, "ec"),
        ({"azp": "x", "nested": {"a": [1.5]}}, {}, "rsa"),
        ({"exp": 0.5}, {}, "ec"),
        ({"nbf": -10, "iat": -10}, {}, "rsa"),
    ],
)
def test_what_a_good_assertion_may_hold_besides(claims: dict, header: dict, key: str, door: Door) -> None:
    at = door.house.clock().timestamp()
    times = {
        name: at + value + (200 if name == "exp" else 0) for name, value in claims.items() if name in "exp nbf iat"
    }

    assert door.ask(door.sign(door.claims(**(claims | times)), key=key, header=header)).status_code == 200


def test_two_keys_of_one_kid_are_none(door: Door) -> None:
    with door.house.database.write() as session:
        row = session.get_one(ClientRow, door.client_id)
        row.jwks = {"keys": [*door.public("ec")["keys"], *door.public("impostor")["keys"]]}

    answer = door.ask(door.sign(key="ec"))

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert "More than one registered key" in answer.json["error_description"]


def test_keys_of_one_kid_and_two_kinds_are_told_apart(door: Door) -> None:
    keys = [one | {"kid": "same"} for one in door.public()["keys"]]
    with door.house.database.write() as session:
        session.get_one(ClientRow, door.client_id).jwks = {"keys": keys}

    for key in ("rsa", "ec"):
        assert door.ask(door.sign(key=key, header={"kid": "same"})).status_code == 200


def test_a_key_taken_out_of_the_set_signs_no_more(door: Door) -> None:
    with door.house.database.write() as session:
        session.get_one(ClientRow, door.client_id).jwks = door.public("rsa")

    assert door.ask(door.sign(key="ec")).status_code == 401
    assert door.ask(door.sign(key="rsa")).status_code == 200


def test_an_access_token_is_no_assertion_and_an_assertion_no_access_token(door: Door) -> None:
    assert door.ask(door.token()).status_code == 401
    assert door.probe(door.sign()).status_code == 401


@given(st.data())
def test_an_assertion_with_anything_changed_proves_nothing(signing_keys: dict[str, Any], data: st.DataObject) -> None:
    claims = {"iss": "a", "sub": "a", "aud": TOKEN_URL, "exp": int(MONDAY.timestamp()) + 60, "jti": "1"}
    good = signed({"alg": "ES384", "typ": "JWT", "kid": "ec-1"}, json.dumps(claims).encode(), signing_keys["ec"])
    place = data.draw(st.integers(0, len(good) - 1))
    letter = data.draw(st.characters(max_codepoint=127).filter(lambda one: one != good[place]))
    keys = (signing_keys["ec"].as_dict(private=False),)

    assert judged(good, keys) == "a"
    #  the last letter of a part may carry bits that mean nothing; RFC 4648 §3.5 lets a decoder pass over them
    if place + 1 < len(good) and good[place + 1] != ".":
        assert judged(good[:place] + letter + good[place + 1 :], keys) is None


@given(st.text(max_size=400))
def test_any_text_is_judged_without_an_accident(text: str) -> None:
    assert judged(text, ()) is None


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(["alg", "typ", "kid", "jku", "iss", "sub", "aud", "exp", "iat", "nbf", "jti"]),
)
def test_any_value_of_any_member_is_judged_without_an_accident(value: Any, member: str) -> None:
    header = {"alg": "ES384", "typ": "JWT", "kid": "ec-1"}
    claims = {"iss": "a", "sub": "a", "aud": TOKEN_URL, "exp": int(MONDAY.timestamp()) + 60, "jti": "1"}
    (header if member in ("alg", "typ", "kid", "jku") else claims)[member] = value

    first = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"

    assert judged(f"{first}.{encoded(bytes(96))}", ()) is None


def judged(text: str, keys: tuple[Any, ...]) -> str | None:
    """Return the client an assertion proves, None when it proves nothing."""
    try:
        assertion = read_assertion(text)
        return verify_assertion(assertion, keys, audiences=(TOKEN_URL,), jwks_url=None, now=MONDAY).client_id
    except BadAssertion:
        return None
