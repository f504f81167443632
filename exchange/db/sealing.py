"""Health data is sealed at rest: AES-GCM with a key ring outside the database, and keyed hashes for what is searched.

A sealed value is nonce (12 bytes) + ciphertext + tag; the id of its key stands beside it in the row. The associated
data is the place where it stands ("document/<id>/<version>"), so that a row moved elsewhere does not open.
"""

import hashlib
import hmac
import logging
import os
import secrets
import threading
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exchange.db.ring_file import FIRST_KEY, read_ring_file
from exchange.domain.errors import Busy

NONCE_BYTES = 12
FileState = tuple[int, int, int] | None
log = logging.getLogger("exchange.keys")


class SealBroken(Busy):
    """A sealed value does not open: it was changed, moved, or its key is not on the ring. The doors answer 503."""


@dataclass(frozen=True)
class Sealed:
    """A sealed value and the id of its key."""

    key_id: str
    body: bytes


class KeyRing:
    """The keys that seal and hash. `current` seals; every key on the ring opens; the hash key never rotates alone.

    Where the keys come from a `source`, it is asked before each sealing, and for an id that is not known, whether it
    has changed: so a process that runs takes up a rotation.
    """

    def __init__(
        self, keys: dict[str, bytes], current: str, hash_key: bytes, *, source: "RingSource | None" = None
    ) -> None:
        self._hash_key = hash_key
        self._source = source
        self._seen = source.seen if source else None
        self._taking = threading.Lock()
        self._take(keys, current)

    def _take(self, keys: dict[str, bytes], current: str) -> None:
        #  one assignment, so that another thread sees the ring before or the ring after
        self._held = ({key_id: AESGCM(key) for key_id, key in keys.items()}, current)

    def _look(self) -> None:
        if self._source is None or self._source.state() == self._seen:
            return
        with self._taking:
            state = self._source.state()
            if state == self._seen:
                return
            found = self._source.try_read()
            if found is not None:
                self._take(*found)
                self._seen = state

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        self._look()
        return self._held[1]

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of the keys that open."""
        self._look()
        return frozenset(self._held[0])

    def seal(self, plain: bytes, place: str, *, key_id: str | None = None) -> Sealed:
        """Return the value sealed to its place with the current key, or with another. Raises SealBroken without it."""
        self._look()
        ciphers, current = self._held
        key_id = key_id or current
        if key_id not in ciphers:
            raise SealBroken(f"The key {key_id} is not on the key ring.")
        nonce = os.urandom(NONCE_BYTES)
        return Sealed(key_id, nonce + ciphers[key_id].encrypt(nonce, plain, place.encode()))

    def open(self, sealed: Sealed, place: str) -> bytes:
        """Return what was sealed. Raises SealBroken."""
        cipher = self._held[0].get(sealed.key_id)
        if cipher is None:
            self._look()
            cipher = self._held[0].get(sealed.key_id)
        if cipher is None:
            raise _broken(place, "Its key is not on the ring.")
        try:
            return cipher.decrypt(sealed.body[:NONCE_BYTES], sealed.body[NONCE_BYTES:], place.encode())
        except InvalidTag:
            raise _broken(place, "It was changed or moved.") from None

    def token(self, purpose: str, text: str) -> str:
        """Return the keyed hash (32 hexadecimal digits) by which a text is found without being readable."""
        return hmac.new(self._hash_key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()[:32]

    def signature(self, message: bytes) -> str:
        """Return a keyed signature (64 hexadecimal digits), for checkpoints and sealed page tokens."""
        return hmac.new(self._hash_key, b"signature\0" + message, hashlib.sha256).hexdigest()


def _broken(place: str, why: str) -> SealBroken:
    log.error("a sealed value does not open", extra={"kind": place.partition("/")[0], "error": why})
    return SealBroken("This cannot be opened at the moment: the operator has to look at its key.")


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=b"referral-exchange", info=purpose.encode()).derive(secret)


def ring_path(secret_file: Path, ring_file: Path | None = None) -> Path:
    """Return where the ring file is: as the settings say, else beside the secret, so that every process looks there."""
    return ring_file or secret_file.with_name(f"{secret_file.name}.ring")


def load_key_ring(secret_file: Path, ring_file: Path | None = None) -> KeyRing:
    """Return the key ring of a secret file and its ring file, which is read again whenever it has changed.

    The secret file holds one line of base64 (32 bytes or more); its own key is on the ring as "k1" until it is
    retired. The form of the ring file is told in `exchange/db/ring_file.py`.
    Raises ValueError with a sentence, OSError when a file cannot be read.
    """
    secret = b64decode(secret_file.read_bytes().strip())
    if len(secret) < 32:
        raise ValueError(
            "The secret key file holds fewer than 32 bytes: make a new one with `exchange check --make-key`."
        )
    source = RingSource(ring_path(secret_file, ring_file), _derived(secret, "seal"))
    keys, current = source.read()
    return KeyRing(keys, current, _derived(secret, "hash"), source=source)


class RingSource:
    """A ring file and whether it has changed. One that went away or is broken changes nothing, and is told of once."""

    def __init__(self, path: Path, first_key: bytes) -> None:
        self._path = path
        self._first_key = first_key
        self._is_told = False
        self.seen = self.state()

    def state(self) -> FileState:
        """Return by what another file in this place is noticed: its number, time and size; None where there is none."""
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def read(self) -> tuple[dict[str, bytes], str]:
        """Return the keys and the current one. Raises ValueError, OSError."""
        ring = read_ring_file(self._path)
        every = {FIRST_KEY: self._first_key, **ring.keys}
        return {key_id: every[key_id] for key_id in ring.opening}, ring.current

    def try_read(self) -> tuple[dict[str, bytes], str] | None:
        """Return the same, or None when there is nothing to be read: what was read before goes on holding."""
        try:
            found = self.read() if self._path.exists() else None
        except (OSError, ValueError):
            found = None
        if found is None and not self._is_told:
            log.error("the ring file cannot be read: what was read of it before goes on holding")
        self._is_told = found is None
        return found


def make_secret(path: Path) -> None:
    """Write a new secret of 48 random bytes, readable by its owner only. Raises FileExistsError: never over another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b64encode(secrets.token_bytes(48)) + b"\n")


def digest(text: str) -> str:
    """Return the SHA-256 of a random secret (a token, a link, a session): enough where the secret has 128 bits."""
    return hashlib.sha256(text.encode()).hexdigest()
