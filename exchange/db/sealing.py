"""Health data is sealed at rest: AES-GCM with a key ring outside the database, and keyed hashes for what is searched.

A sealed value is nonce (12 bytes) + ciphertext + tag; the id of its key stands beside it in the row. The associated
data is the place where it stands ("document/<id>/<version>"), so that a row moved elsewhere does not open.
"""

import hashlib
import hmac
import json
import os
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed value does not open: it was changed, moved, or its key is not on the ring."""


@dataclass(frozen=True)
class Sealed:
    """A sealed value and the id of its key."""

    key_id: str
    body: bytes


class KeyRing:
    """The keys that seal and hash. `current` seals; every key on the ring opens; the hash key never rotates alone."""

    def __init__(self, keys: dict[str, bytes], current: str, hash_key: bytes) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.current = current
        self._hash_key = hash_key

    def seal(self, plain: bytes, place: str, *, key_id: str | None = None) -> Sealed:
        """Return the value sealed to its place with the current key, or with another. Raises SealBroken without it."""
        key_id = key_id or self.current
        if key_id not in self._ciphers:
            raise SealBroken(f"The key {key_id} is not on the key ring.")
        nonce = os.urandom(NONCE_BYTES)
        return Sealed(key_id, nonce + self._ciphers[key_id].encrypt(nonce, plain, place.encode()))

    def open(self, sealed: Sealed, place: str) -> bytes:
        """Return what was sealed. Raises SealBroken."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise SealBroken(f"The key {sealed.key_id} is not on the key ring.")
        try:
            return cipher.decrypt(sealed.body[:NONCE_BYTES], sealed.body[NONCE_BYTES:], place.encode())
        except InvalidTag:
            raise SealBroken("A sealed row was changed or moved.") from None

    def token(self, purpose: str, text: str) -> str:
        """Return the keyed hash (32 hexadecimal digits) by which a text is found without being readable."""
        return hmac.new(self._hash_key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()[:32]

    def signature(self, message: bytes) -> str:
        """Return a keyed signature (64 hexadecimal digits), for checkpoints and sealed page tokens."""
        return hmac.new(self._hash_key, b"signature\0" + message, hashlib.sha256).hexdigest()


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=b"referral-exchange", info=purpose.encode()).derive(secret)


def load_key_ring(secret_file: Path, ring_file: Path | None = None) -> KeyRing:
    """Return the key ring of a secret file, with the keys of a ring file in front where there is one.

    The secret file holds one line of base64 (32 bytes or more). The ring file is JSON:
    {"current": "k2", "keys": {"k2": "<base64 of 32 bytes>"}}; the secret's own key stays on the ring as "k1".
    Raises ValueError with a sentence, OSError when a file cannot be read.
    """
    secret = b64decode(secret_file.read_bytes().strip())
    if len(secret) < 32:
        raise ValueError(
            "The secret key file holds fewer than 32 bytes: make a new one with `exchange check --make-key`."
        )
    keys, current = {"k1": _derived(secret, "seal")}, "k1"
    if ring_file is not None and ring_file.exists():
        ring = json.loads(ring_file.read_text())
        keys |= {key_id: b64decode(key) for key_id, key in ring["keys"].items()}
        current = ring["current"]
    return KeyRing(keys, current, _derived(secret, "hash"))


def make_secret(path: Path) -> None:
    """Write a new secret of 48 random bytes, readable by its owner only. Raises FileExistsError: never over another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b64encode(secrets.token_bytes(48)) + b"\n")


def digest(text: str) -> str:
    """Return the SHA-256 of a random secret (a token, a link, a session): enough where the secret has 128 bits."""
    return hashlib.sha256(text.encode()).hexdigest()
