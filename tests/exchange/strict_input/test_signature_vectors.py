"""Wycheproof's vectors for signatures: our verification says of each what they say, with our two algorithms only."""

import json
from typing import Any, Final

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from exchange.actions.clients.key_set import ALGORITHMS, signs
from exchange.web.oauth.assertion import BadAssertion, read_assertion, verify_signature
from tests.exchange.strict_input.corpus import ABSENT, FOLDER
from tests.reliability import Reached

PUBLIC: Final = ("kty", "n", "e", "crv", "x", "y", "alg", "use")
WHOLE: Final = ("json_web_signature_test", "json_web_key_test", "json_web_crypto_test")


def groups(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "jwt" / f"{name}.json").read_text(encoding="utf-8"))[
        "testGroups"
    ]
    return found


def keys_of(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the keys of a group, its private halves included."""
    given = group.get("public") or group.get("private") or {}
    return list(given.get("keys", [given]))


def is_signed(text: str, keys: list[dict[str, Any]]) -> bool:
    """Return whether our verification takes a JWS with one of these keys."""
    for key in filter(could_be_registered, keys):
        try:
            verify_signature(text, key)
        except BadAssertion:
            continue
        return True
    return False


def algorithm_of(text: str) -> str:
    """Return the algorithm a JWS names, an empty text where it cannot be read."""
    try:
        return str(jws.extract_compact(text.encode()).headers().get("alg"))
    except Exception:
        return ""


@ABSENT
@pytest.mark.invariant(
    "jwt-vectors", "Of Wycheproof's JWS those of our algorithms get its verdict, all others are refused."
)
def test_a_jws_gets_the_verdict_of_the_vectors(reached: Reached) -> None:
    differing, ours, seen = [], 0, 0
    for name in WHOLE:
        for group in groups(name):
            for case in group["tests"]:
                if not isinstance(case.get("jws"), str):
                    continue
                seen += 1
                is_ours = algorithm_of(case["jws"]) in ALGORITHMS
                ours += is_ours
                wanted = is_ours and case["result"] == "valid"
                if is_signed(case["jws"], keys_of(group)) != wanted:
                    differing.append((name, case["tcId"], case["comment"], case["result"]))

    assert differing == []
    assert ours >= 5
    assert seen > 300
    reached(vectors=seen, of_our_algorithms=ours, differing=0)


def could_be_registered(key: dict[str, Any]) -> bool:
    """Return whether a key is of a kind, length, curve and purpose that signs here, whatever it is called."""
    return signs({name: key[name] for name in PUBLIC if name in key} | {"kid": "any"})


@ABSENT
def test_no_jws_of_the_vectors_reads_as_an_assertion() -> None:
    """Their payloads are no claims, so that nothing of them could ever become a token."""
    read = []
    for name in WHOLE:
        for case in (case for group in groups(name) for case in group["tests"] if isinstance(case.get("jws"), str)):
            try:
                read.append(read_assertion(case["jws"]))
            except BadAssertion:
                continue

    assert read == []


@ABSENT
@pytest.mark.parametrize(
    ("name", "algorithm", "key_class", "jwk"),
    [
        ("ecdsa_secp384r1_sha384_p1363_test", "ES384", ECKey, "publicKeyJwk"),
        ("rsa_signature_2048_sha384_test", "RS384", RSAKey, "keyJwk"),
    ],
)
def test_the_algorithm_says_what_the_vectors_say(name: str, algorithm: str, key_class: Any, jwk: str) -> None:
    model = jws.JWSRegistry.algorithms[algorithm]

    differing, seen = [], 0
    for group in groups(name):
        key = key_of(group, key_class, jwk)
        for case in group["tests"]:
            seen += 1
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            said = model.verify(message, signature, key)
            if case["result"] != "acceptable" and said != (case["result"] == "valid"):
                differing.append((case["tcId"], case["comment"], case["result"]))

    assert seen > 150
    assert differing == []


def key_of(group: dict[str, Any], key_class: Any, jwk: str) -> Any:
    """Return the key of a group: as JWK where there is one, else from its PEM."""
    given = group.get(jwk)
    if given:
        return key_class.import_key({name: given[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in given})
    return key_class.import_key(group["publicKeyPem"])
