"""A PostgreSQL server of one test, so that it can be stopped and its processes killed: the server of the tests is not.

It is made by `initdb` and run by `pg_ctl` as a user that is not root, in a folder of its own, on a loopback port.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
import pytest

from tests.exchange.faults.servers import HOST, eventually, free_ports

#  what runs the server where the tests run as root, which PostgreSQL refuses
USERS: Final = ("postgres", "nobody")
DATABASE: Final = "exchange"
SECONDS: Final = 60
SETTINGS: Final = {"fsync": "off", "full_page_writes": "off", "max_connections": "100", "listen_addresses": HOST}
BACKENDS: Final = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def programs() -> Path | None:
    """Return the folder of `initdb`, `pg_ctl` and `postgres`, the newest version's, None where there are none."""
    asked = shutil.which("pg_config")
    found = [Path(subprocess.check_output([asked, "--bindir"], text=True).strip())] if asked else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


def server_user() -> str | None:
    """Return as whom the server runs: None for the user of the tests, unless that is root."""
    if os.geteuid() != 0:
        return None
    return next(name for name in USERS if name in {one.pw_name for one in pwd.getpwall()})


@dataclass
class OwnPostgres:
    """One server. Its data are trusted to this machine: no password."""

    programs: Path
    folder: Path
    port: int
    user: str | None

    @property
    def url(self) -> str:
        """The URL of its database, as EXCHANGE_DATABASE_URL takes it."""
        return f"postgresql+psycopg://exchange@{HOST}:{self.port}/{DATABASE}"

    def make(self) -> None:
        """Make its data folder, start it and make its database."""
        self._run("initdb", "--auth=trust", "--username=exchange", "--no-sync", "--encoding=UTF8", "--locale=C")
        options = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        self.start()
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())

    def start(self) -> None:
        """Start it, and again while what was killed still holds its memory."""
        eventually(lambda: self._try("start", "-l", str(self.folder / "log"), "-t", str(SECONDS)), "it did not start")

    def stop(self, how: str) -> None:
        """Stop it, `fast` (connections are ended, data are written) or `immediate` (as a crash)."""
        self._run("pg_ctl", "stop", "-m", how, "-w", "-t", str(SECONDS))

    def kill(self) -> None:
        """Kill its first process with SIGKILL; the others end by themselves when they see it."""
        with suppress(ProcessLookupError):
            os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def kill_backend(self) -> None:
        """Kill one that serves a connection with SIGKILL: the server ends all others and recovers by itself."""
        with psycopg.connect(self._conninfo(DATABASE), autocommit=True) as connection:
            row = connection.execute(BACKENDS.encode()).fetchone()
            assert row is not None, "nobody is connected"
            os.kill(row[0], signal.SIGKILL)

    def _conninfo(self, database: str) -> str:
        return f"host={HOST} port={self.port} user=exchange dbname={database}"

    def _try(self, *arguments: str) -> bool:
        try:
            self._run("pg_ctl", *arguments, "-w")
        except subprocess.CalledProcessError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        #  the settings of another server (PGPORT, PGDATA …) are not for this one
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(
            command, user=self.user, cwd=self.folder, env=kept, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS * 2,
        )  # fmt: skip


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Give a server until the block ends. Skips with a reason where PostgreSQL is not installed; fails where CI is."""
    found = programs()
    if found is None:
        assert not os.environ.get("CI"), "The gate needs the programs of PostgreSQL: install it."
        pytest.skip("The programs of PostgreSQL (initdb, pg_ctl) are not installed here.")
    user = server_user()
    #  not in the folder of the tests, which only their own user may enter
    folder = Path(tempfile.mkdtemp(prefix="exchange-postgres-"))
    if user is not None:
        shutil.chown(folder, user)
    made = OwnPostgres(found, folder, free_ports(1)[0], user)
    try:
        made.make()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)
