"""The ring file: which keys seal and which only open, outside the database, written whole or not at all.

It is JSON, readable by its owner only: {"current": "k2", "keys": {"k2": "<base64 of 32 bytes>"}, "superseded":
{"k1": "2026-11-24T15:00:00+00:00"}, "retired": []}. The secret's own key is "k1" and stands in no file but its own.
"""

import json
import os
import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

FIRST_KEY: Final = "k1"
KEY_BYTES: Final = 32
_KEY_ID = re.compile(r"k[1-9][0-9]{0,9}\Z")


@dataclass(frozen=True, slots=True)
class RingFile:
    """What a ring file says: since when a key no longer seals, and which ids were retired and are never used again."""

    current: str = FIRST_KEY
    keys: dict[str, bytes] = field(default_factory=dict)
    superseded: dict[str, datetime] = field(default_factory=dict)
    retired: tuple[str, ...] = ()

    @property
    def newest(self) -> str:
        """The id with the highest number that was ever on this ring."""
        return max((FIRST_KEY, *self.keys, *self.retired), key=number_of)

    @property
    def opening(self) -> tuple[str, ...]:
        """The ids of the keys that open, the secret's own among them until it is retired, in the order of their age."""
        return tuple(sorted({FIRST_KEY, *self.keys} - set(self.retired), key=number_of))

    def with_new_key(self) -> "RingFile":
        """Return the ring with one more key, which opens and does not seal yet."""
        new_id = f"k{number_of(self.newest) + 1}"
        return replace(self, keys={**self.keys, new_id: secrets.token_bytes(KEY_BYTES)})

    def with_current(self, key_id: str, at: datetime) -> "RingFile":
        """Return the ring on which `key_id` seals from now on."""
        return replace(self, current=key_id, superseded={**self.superseded, self.current: at})

    def without(self, key_ids: tuple[str, ...]) -> "RingFile":
        """Return the ring from which these keys are gone for good."""
        return RingFile(
            self.current,
            {key_id: key for key_id, key in self.keys.items() if key_id not in key_ids},
            {key_id: at for key_id, at in self.superseded.items() if key_id not in key_ids},
            (*self.retired, *key_ids),
        )


def number_of(key_id: str) -> int:
    """Return the number in the id of a key: keys are numbered in the order in which they were made."""
    return int(key_id[1:])


def read_ring_file(path: Path) -> RingFile:
    """Return what a ring file says; where there is none, the secret's own key is the only one.

    Raises ValueError with a sentence for a file that is none, OSError when it cannot be read.
    """
    if not path.exists():
        return RingFile()
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        ring = RingFile(
            said["current"],
            {key_id: b64decode(key, validate=True) for key_id, key in said["keys"].items()},
            {key_id: datetime.fromisoformat(at) for key_id, at in said.get("superseded", {}).items()},
            tuple(said.get("retired", ())),
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        ring = None
    if ring is None or not _is_whole(ring):
        raise ValueError(f"{path} is not a ring file: put back the copy that was kept of it.")
    return ring


def _is_whole(ring: RingFile) -> bool:
    return (
        all(_KEY_ID.match(key_id) for key_id in (*ring.keys, *ring.superseded, *ring.retired))
        and all(len(key) == KEY_BYTES for key in ring.keys.values())
        and ring.current in ring.opening
    )


def write_ring_file(path: Path, ring: RingFile) -> None:
    """Write a ring file in the place of the one before: a crash leaves either the one or the other."""
    said = {
        "current": ring.current,
        "keys": {key_id: b64encode(key).decode() for key_id, key in ring.keys.items()},
        "superseded": {key_id: at.isoformat() for key_id, at in ring.superseded.items()},
        "retired": list(ring.retired),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(said, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    if os.name == "posix":
        #  the new name must be on the disk before a row is sealed with the new key
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
