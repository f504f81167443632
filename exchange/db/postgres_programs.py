"""`pg_dump` and `pg_restore`, as they are found on the PATH. A password goes by the environment, never by the command.

Source: PostgreSQL manual, "pg_dump", "pg_restore", "Environment Variables" of libpq.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from exchange.db.backup_file import BackupRefused, Progress

_DUMPED: Final = re.compile(r"dumping contents of table|processing data for table")


def dump(url: URL, to: Path, *, snapshot: str, tables: int, progress: Progress) -> None:
    """Write the custom format of a database, as one exported snapshot shows it. Raises BackupRefused."""
    wanted = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={to}"]
    _run("pg_dump", wanted, url, tables=tables, progress=progress)


def load(url: URL, dumped: Path, *, tables: int, progress: Progress) -> None:
    """Put a dump in the place of what a database holds, in one transaction. Raises BackupRefused."""
    wanted = ["--clean", "--if-exists", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", [*wanted, str(dumped)], url, tables=tables, progress=progress)


def _run(program: str, wanted: list[str], url: URL, *, tables: int, progress: Progress) -> None:
    path = shutil.which(program)
    if path is None:
        raise BackupRefused(
            f"The program {program} was not found: install the PostgreSQL client, as new as the server or newer."
        )
    done, last = 0, ""
    command = [path, "--verbose", "--no-password", f"--dbname={_address(url)}", *wanted]
    with subprocess.Popen(command, env=_environment(url), stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            last = line.strip() or last
            if _DUMPED.search(line):
                done += 1
                progress(min(done, tables), tables)
    if running.returncode:
        raise BackupRefused(f"{program} did not succeed; its last words were: {last}")


def _address(url: URL) -> str:
    """Return how libpq is told where to connect, without the password."""
    from psycopg.conninfo import make_conninfo

    _arguments, said = url.get_dialect()().create_connect_args(url)
    return make_conninfo(**{name: value for name, value in said.items() if name not in ("password", "context")})


def _environment(url: URL) -> dict[str, str]:
    password = {"PGPASSWORD": str(url.password)} if url.password is not None else {}
    #  the words are matched and shown, so they are asked for in one language
    return {**os.environ, **password, "LC_ALL": "C"}
