"""Key sets of clients: which keys of a JWKS may sign an assertion.

Source: SMART App Launch 2.2, "Registering a client (communicating public keys)"; RFC 7517; RFC 7518 §3.4 and §6.
"""

from collections.abc import Mapping
from typing import Any, Final

Jwk = Mapping[str, Any]

#  algorithm → type of key, and what it must have besides
ALGORITHMS: Final = {"RS384": "RSA", "ES384": "EC"}
CURVE: Final = "P-384"
FEWEST_RSA_BYTES: Final = 256
MOST_RSA_BYTES: Final = 1024
MOST_KEYS: Final = 100
SECRET_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("x", "y")}
#  base64url writes four letters for three bytes
_FEWEST_LETTERS: Final = FEWEST_RSA_BYTES * 4 // 3
_MOST_LETTERS: Final = MOST_RSA_BYTES * 4 // 3 + 2


def keys_in(value: Any) -> tuple[Jwk, ...]:
    """Return the keys of a JWKS document, whatever they are for. Raises ValueError when it is not one."""
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS or not all(isinstance(key, dict) for key in keys):
        raise ValueError('A key set is a JSON object {"keys": [...]} with at most 100 keys: send one of that form.')
    return tuple(keys)


def is_secret(key: Jwk) -> bool:
    """Return whether a key holds what only its owner may know."""
    return not SECRET_MEMBERS.isdisjoint(key)


def signs(key: Jwk) -> bool:
    """Return whether a key may sign assertions: it has a kid, is public, strong enough, and not meant for others."""
    #  many publish a public key with the key_ops of its private half
    kind, uses = key.get("kty"), key.get("key_ops", ["verify"])
    if not isinstance(kind, str) or kind not in _MEMBERS or not key.get("kid") or is_secret(key):
        return False
    if not all(isinstance(key.get(name), str) for name in ("kid", *_MEMBERS[kind])):
        return False
    if key.get("use", "sig") != "sig" or not isinstance(uses, list) or not ("verify" in uses or "sign" in uses):
        return False
    if key.get("alg") is not None and ALGORITHMS.get(str(key["alg"])) != kind:
        return False
    if kind == "EC":
        return key.get("crv") == CURVE
    return _FEWEST_LETTERS <= len(key["n"].rstrip("=")) <= _MOST_LETTERS


def keys_for(keys: tuple[Jwk, ...], *, kid: str, algorithm: str) -> tuple[Jwk, ...]:
    """Return the keys that a signature with this kid and algorithm may come from. The caller wants exactly one."""
    return tuple(key for key in keys if signs(key) and key["kid"] == kid and key["kty"] == ALGORITHMS[algorithm])
