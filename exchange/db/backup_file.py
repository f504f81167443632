"""What a backup is: a zip with one payload and a manifest that says what it is, signed by the key ring it needs.

It holds what the database holds, sealed as it is there, and never a key. It is written beside its place, for its
owner's eyes only, and put there whole (docs/decisions/0083-a-backup-says-what-it-is.md).
"""

import hashlib
import json
import os
import secrets
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

from exchange.db.sealing import KeyRing, SealBroken, Sealed
from exchange.domain.errors import ExchangeError

FORMAT: Final = "referral-exchange-backup/1"
MANIFEST: Final = "manifest.json"
PAYLOAD: Final = "database"
LARGEST_MANIFEST: Final = 1_000_000
CHUNK: Final = 1 << 20
#  what the standard library raises for a zip that was changed somewhere
_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, LookupError, RuntimeError,
    OverflowError,
)  # fmt: skip
#  how much is done, of how much
Progress = Callable[[int, int], None]


class BackupRefused(ExchangeError):
    """A backup that cannot be made here, or cannot be restored here; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database says of itself: its revision, the stamp of its last commit, rows by table, ids of keys in use."""

    revision: str
    last_stamp: int
    rows: dict[str, int]
    key_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `keys` maps the id of each key it needs to a text that only this key opens."""

    format: str
    made_at: str
    exchange: str
    database: str
    revision: str
    last_stamp: int
    rows: dict[str, int]
    keys: dict[str, str]
    payload_bytes: int
    payload_sha256: str

    def signed_by(self, ring: KeyRing) -> str:
        """Return the signature of a ring over all of it."""
        return ring.signature(b"backup\n" + json.dumps(asdict(self), sort_keys=True).encode())


def probes(ring: KeyRing, key_ids: tuple[str, ...]) -> dict[str, str]:
    """Return for each key a text sealed by it, so that another key of the same id is told from it."""
    return {key_id: ring.seal(b"backup", f"backup/{key_id}", key_id=key_id).body.hex() for key_id in key_ids}


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give the place of a new file beside another, readable by its owner only; it is gone when the block ends."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield part
    finally:
        for leftover in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm", "-journal"))):
            leftover.unlink(missing_ok=True)


def settle_in(part: Path, path: Path, *, is_forced: bool) -> None:
    """Put a finished file in its place at once, whole; over another only when forced. Raises BackupRefused, OSError."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    if is_forced:
        part.replace(path)
    else:
        try:
            os.link(part, path)
        except FileExistsError:
            raise BackupRefused(f"{path} exists: name another file, or say --force to write over it.") from None
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_payload(archive: zipfile.ZipFile, payload: Path, progress: Progress) -> tuple[int, str]:
    """Put the payload into an archive, piece by piece; return its size and its SHA-256."""
    digest, done, total = hashlib.sha256(), 0, payload.stat().st_size
    with payload.open("rb") as source, archive.open(PAYLOAD, "w", force_zip64=True) as target:
        while piece := source.read(CHUNK):
            digest.update(piece)
            target.write(piece)
            done += len(piece)
            progress(done, total)
    return done, digest.hexdigest()


def write_manifest(archive: zipfile.ZipFile, manifest: Manifest, ring: KeyRing) -> None:
    """Put the signed manifest into an archive."""
    said = asdict(manifest) | {"signature": manifest.signed_by(ring)}
    archive.writestr(MANIFEST, json.dumps(said, indent=1, sort_keys=True))


@dataclass(frozen=True, slots=True)
class OpenBackup:
    """A backup whose manifest was read and is known to be ours."""

    path: Path
    manifest: Manifest
    _archive: zipfile.ZipFile

    def extract(self, to: Path, progress: Progress) -> None:
        """Write the payload over a file. Raises BackupRefused when it is not what the manifest says."""
        digest, done = hashlib.sha256(), 0
        with to.open("wb") as target:
            for piece in self._pieces():
                digest.update(piece)
                target.write(piece)
                done += len(piece)
                progress(done, self.manifest.payload_bytes)
        if (done, digest.hexdigest()) != (self.manifest.payload_bytes, self.manifest.payload_sha256):
            raise damaged(self.path)

    def _pieces(self) -> Iterator[bytes]:
        """Yield the payload. Only what fails in here is the fault of the file: writing has its own."""
        try:
            with self._archive.open(PAYLOAD) as source:
                while piece := source.read(CHUNK):
                    yield piece
        except _UNREADABLE:
            raise damaged(self.path) from None


@contextmanager
def opened_backup(path: Path, ring: KeyRing) -> Iterator[OpenBackup]:
    """Give a backup to read. Raises BackupRefused for what is none, is damaged, or needs a key that the ring lacks."""
    with path.open("rb") as file:
        try:
            archive = zipfile.ZipFile(file)
            manifest = _manifest(archive, path, ring)
        except _UNREADABLE:
            raise damaged(path) from None
        with archive:
            _refuse_without_keys(manifest, ring)
            yield OpenBackup(path, manifest, archive)


def _manifest(archive: zipfile.ZipFile, path: Path, ring: KeyRing) -> Manifest:
    try:
        with archive.open(MANIFEST) as entry:
            said = json.loads(_limited(entry))
        signature = said.pop("signature")
        if said.get("format") != FORMAT:
            raise BackupRefused(f"{path} is a backup of a form that this exchange does not read: use a newer exchange.")
        manifest = Manifest(**said)
        is_ours = signature == manifest.signed_by(ring)
    except (KeyError, ValueError, TypeError, AttributeError):
        raise damaged(path) from None
    if not is_ours:
        raise BackupRefused(
            f"{path} was made with another secret key file, or it was changed since: "
            "set EXCHANGE_SECRET_KEY_FILE to the one it was made with."
        )
    return manifest


def _limited(entry: IO[bytes]) -> bytes:
    text = entry.read(LARGEST_MANIFEST + 1)
    if len(text) > LARGEST_MANIFEST:
        raise ValueError("A manifest is small.")
    return text


def _refuse_without_keys(manifest: Manifest, ring: KeyRing) -> None:
    missing = []
    for key_id, probe in manifest.keys.items():
        try:
            ring.open(Sealed(key_id, bytes.fromhex(probe)), f"backup/{key_id}")
        except SealBroken:
            missing.append(key_id)
    if missing:
        raise BackupRefused(
            f"The key ring lacks a key that this backup needs ({', '.join(missing)}): "
            "set EXCHANGE_KEY_RING to a ring that holds it."
        )


def damaged(path: Path) -> BackupRefused:
    """Return the refusal of a file that cannot be read as a backup."""
    return BackupRefused(f"{path} is no backup of an exchange, or it is damaged: nothing was restored.")
