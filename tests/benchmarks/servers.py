"""The servers of a benchmark: the command of `exchange serve` in a folder of its own, over a copy of one database."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from exchange.app import open_database
from exchange.cli.serve import web_command
from exchange.config import Config, config_from
from exchange.db.sealing import make_secret
from exchange.db.session import Database
from exchange.db.upgrade import upgrade
from tests.benchmarks import floor
from tests.benchmarks.databases import Databases, Files

ROOT: Final = Path(__file__).resolve().parents[2]
HOST: Final = "127.0.0.1"
READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 40


class BenchmarkFailed(Exception):
    """The benchmark cannot go on; the sentence says what happened."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: where, what it is called, its log and its database."""

    name: str
    port: int
    log: Path
    url: str


def settings(folder: Path, url: str, port: int, audit: str) -> dict[str, str]:
    """Return the environment of one server over the database at `url`."""
    return {
        "EXCHANGE_DATABASE_URL": url,
        "EXCHANGE_BASE_URL": f"http://{HOST}:{port}",
        "EXCHANGE_SECRET_KEY_FILE": str(folder / "secret.key"),
        "EXCHANGE_MAIL_URL": f"file://{(folder / 'mail').as_posix()}",
        "EXCHANGE_AUDIT_READS": audit,
    }


def new_database(folder: Path, lie_in: Databases | None = None) -> tuple[Config, Database]:
    """Make a key in the folder and a migrated database named `stock`."""
    make_secret(folder / "secret.key")
    config = config_from(settings(folder, (lie_in or Files(folder)).url("stock"), 8080, "wait"))
    database = open_database(config)
    upgrade(database)
    return config, database


@contextmanager
def serving(
    folder: Path, name: str, url: str, *, threads: int, audit: str = "wait", is_floor: bool = False
) -> Iterator[Server]:
    """Run a server with so many threads until the block ends. Raises BenchmarkFailed when it does not start."""
    port = _free_port()
    given = settings(folder, url, port, audit)
    command = web_command(replace(config_from(given), threads=threads), HOST, port)
    if is_floor:
        command = [*command[:-1], floor.APPLICATION]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("EXCHANGE_")}
    server = Server(name, port, folder / f"{name}.log", url)
    with server.log.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=kept | given, stdout=log, stderr=log)
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as found:
        return int(found.getsockname()[1])


def _wait_until_ready(server: Server, process: "subprocess.Popen[bytes]") -> None:
    ends_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        asking = HTTPConnection(HOST, server.port, timeout=5)
        try:
            asking.request("GET", "/healthz")
            if asking.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.1)
        finally:
            asking.close()
    last = server.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    raise BenchmarkFailed(f"The server `{server.name}` did not start. The end of its log: {' / '.join(last)}")
