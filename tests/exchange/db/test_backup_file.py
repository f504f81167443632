"""The file of a backup: what was changed, cut or made by another house is never taken for a backup of ours."""

import json
import random
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from exchange.db.backup_file import (
    FORMAT,
    BackupRefused,
    Manifest,
    opened_backup,
    probes,
    write_manifest,
    write_payload,
)
from exchange.db.postgres_programs import _address, _environment
from exchange.db.sealing import KeyRing
from tests.exchange.conftest import KEYS
from tests.reliability import Reached, sizes

PAYLOAD = random.Random(1).randbytes(5_000)
SAID = Manifest(
    format=FORMAT, made_at="2026-06-01T15:00:00+00:00", exchange="0.1.0", database="sqlite", revision="0001",
    last_stamp=1, rows={"referral": 3}, keys=probes(KEYS, ("k1",)), payload_bytes=0, payload_sha256="",
)  # fmt: skip


def test_what_was_put_in_comes_out(file: Path, tmp_path: Path) -> None:
    with opened_backup(file, KEYS) as backup:
        backup.extract(tmp_path / "out", ignore)

    assert (tmp_path / "out").read_bytes() == PAYLOAD
    assert backup.manifest.rows == {"referral": 3}


@pytest.mark.parametrize("how", ["no zip", "empty", "cut", "no manifest", "no payload", "another zip", "no signature"])
def test_what_is_no_backup_is_refused(how: str, file: Path, tmp_path: Path) -> None:
    parts = parts_of(file)
    match how:
        case "no zip":
            file.write_bytes(b"SQLite format 3\0" * 100)
        case "empty":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(file.read_bytes()[:3_000])
        case "another zip":
            write_zip(file, {"readme": b"hello"})
        case "no signature":
            said = json.loads(parts["manifest.json"])
            write_zip(file, parts | {"manifest.json": json.dumps(said | {"signature": None}).encode()})
        case _:
            gone = {"no manifest": "manifest.json", "no payload": "database"}[how]
            write_zip(file, {name: content for name, content in parts.items() if name != gone})

    with pytest.raises(BackupRefused, match="is no backup of an exchange, or it is damaged|or it was changed since"):
        read(file, tmp_path)


@pytest.mark.invariant(
    "damaged-backup-refused", "A backup of which any byte changed is refused, or restores exactly what was backed up."
)
@pytest.mark.parametrize("rounds", sizes(300, 10_000))
def test_a_byte_that_changed_is_noticed_or_was_of_no_meaning(
    rounds: int, file: Path, tmp_path: Path, reached: Reached
) -> None:
    whole, chosen, refusals = file.read_bytes(), random.Random(20261124), 0

    for _round in range(rounds):
        place, bit = chosen.randrange(len(whole)), 1 << chosen.randrange(8)
        file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            assert read(file, tmp_path) == PAYLOAD
        except BackupRefused:
            refusals += 1

    assert refusals > rounds * 0.9
    reached(changed=rounds, refused=refusals, harmless=rounds - refusals, wrong=0)


def test_another_secret_key_file_does_not_do(file: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match=r"set EXCHANGE_SECRET_KEY_FILE to the one it was made with\.$"):
        read(file, tmp_path, KeyRing({"k1": bytes(range(32))}, "k1", b"another" * 5))


@pytest.mark.parametrize("ring", [{"k2": b"2" * 32}, {"k1": b"1" * 32}], ids=["missing", "another of the same id"])
def test_a_key_ring_without_a_needed_key_does_not_do(ring: dict[str, bytes], file: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused) as refusal:
        read(file, tmp_path, KeyRing(ring, next(iter(ring)), bytes(32)))

    assert refusal.value.sentence == (
        "The key ring lacks a key that this backup needs (k1): set EXCHANGE_KEY_RING to a ring that holds it."
    )


def test_a_form_of_the_future_is_told_as_such(file: Path, tmp_path: Path) -> None:
    resign(file, format="referral-exchange-backup/2")

    with pytest.raises(BackupRefused, match="is a backup of a form that this exchange does not read"):
        read(file, tmp_path)


def test_a_password_goes_by_the_environment_only() -> None:
    pytest.importorskip("psycopg", reason="The driver of PostgreSQL is not installed: requirements/postgres.lock.")
    url = make_url("postgresql+psycopg://ada:s3cret@db.example:6543/exchange?sslmode=require")

    address, environment = _address(url), _environment(url)

    assert address == "host=db.example dbname=exchange user=ada port=6543 sslmode=require"
    assert environment["PGPASSWORD"] == "s3cret"


def read(file: Path, folder: Path, ring: KeyRing = KEYS) -> bytes:
    with opened_backup(file, ring) as backup:
        backup.extract(folder / "out", ignore)
    return (folder / "out").read_bytes()


def ignore(_done: int, _total: int) -> None:
    """Tell nobody how far it is."""


def parts_of(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_zip(file: Path, parts: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def resign(file: Path, **changes: Any) -> None:
    """Change what a backup says of itself as somebody could who holds the keys."""
    parts = parts_of(file)
    said = json.loads(parts["manifest.json"])
    del said["signature"]
    manifest = replace(Manifest(**said), **changes)
    signed = asdict(manifest) | {"signature": manifest.signed_by(KEYS)}
    write_zip(file, parts | {"manifest.json": json.dumps(signed).encode()})


def small_backup(file: Path) -> Path:
    """Write a backup of a few bytes that are no database."""
    file.with_name("payload").write_bytes(PAYLOAD)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        size, digest = write_payload(archive, file.with_name("payload"), ignore)
        write_manifest(archive, replace(SAID, payload_bytes=size, payload_sha256=digest), KEYS)
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return small_backup(tmp_path / "exchange.backup")
