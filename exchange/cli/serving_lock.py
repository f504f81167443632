"""A lock by which one web process over an SQLite file knows of another. It ends with its process, however that ends."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from exchange.db.session import Database

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def serving_lock(database: Path | None) -> Iterator[bool]:
    """Hold the lock beside a database file and yield whether this process is alone; always, where there is no file."""
    if database is None:
        yield True
        return
    with database.with_name(database.name + ".serving").open("ab") as file:
        try:
            _lock(file)
        except OSError:
            yield False
            return
        yield True


def sqlite_file(database: Database) -> Path | None:
    """Return the file of an SQLite database, None for any other."""
    name = database.url.database
    return Path(name) if database.is_sqlite and name and name != ":memory:" else None
