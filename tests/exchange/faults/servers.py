"""Real processes over one database: web servers (the command of `exchange serve`) and workers, to be killed and paused.

Each process leads a group of its own, so that a kill takes its children too: what is left of it is what the machine
would leave after the power was cut to that process alone. What they write goes into files in the folder of the test.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from exchange.app import open_database
from exchange.cli.serve import web_command, worker_command
from exchange.config import Config
from exchange.db.sealing import make_secret
from exchange.db.session import Database
from tests.exchange.faults.parties import Parties, let_join
from tests.reliability import ROOT

HOST: Final = "127.0.0.1"
#  as long as anything here is waited for before the test gives up: never asserted, never what a test is about
LONGEST_SECONDS: Final = 90
STOP_SECONDS: Final = 40
LOOK_SECONDS: Final = 0.05


@dataclass
class Running:
    """One process that can be killed, paused, ended and started again; `port` is None for a worker."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    port: int | None = None
    _process: "subprocess.Popen[bytes] | None" = None
    _said_before: int = 0

    def start(self) -> None:
        """Start it and return at once."""
        self._said_before = len(self.said())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """End it and its children as `kill -9` does."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def pause(self) -> None:
        """Let it stand still."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def ask_to_end(self) -> None:
        """Send SIGTERM to the process itself, as `serve` and a service manager do."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def end(self) -> int:
        """Ask it to end, wait for it, and return its exit status."""
        self.ask_to_end()
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended and return its exit status."""
        assert self._process is not None
        return self._process.wait(STOP_SECONDS)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def is_ready(self) -> bool:
        """Return whether it can do its work: a web server answers, a worker has said in its log that it started."""
        if not self.is_alive:
            return False
        return (
            answers(self.port)
            if self.port is not None
            else "the worker has started" in self.said()[self._said_before :]
        )

    def said(self) -> str:
        """Return what it has written."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@dataclass
class Street:
    """Web servers and workers over one database, and who has joined it. Nothing runs before it is started."""

    database: Database
    folder: Path
    webs: list[Running] = field(default_factory=list)
    workers: list[Running] = field(default_factory=list)
    parties: Parties = field(default_factory=Parties)

    @property
    def ports(self) -> list[int]:
        """The ports of the web servers."""
        return [web.port for web in self.webs if web.port is not None]

    @property
    def mail(self) -> Path:
        """The folder into which mail is delivered."""
        return self.folder / "mail"

    def start(self, *which: Running) -> None:
        """Start these processes and return when they are ready."""
        for one in which:
            one.start()
        for one in which:
            eventually(one.is_ready, f"{one.name} did not start: {one.said()[-2000:]}")

    def said(self) -> str:
        """Return what all processes have written."""
        return "".join(one.said() for one in (*self.webs, *self.workers))

    def exchange(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the CLI in the settings of the street."""
        command = [*worker_command()[:-1], *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.workers[0].environment, capture_output=True, text=True, timeout=STOP_SECONDS * 5
        )

    def stop(self) -> None:
        """Kill whatever runs, and close the database."""
        for one in (*self.webs, *self.workers):
            one.kill()
        self.database.close()


@contextmanager
def street(
    database_url: str, folder: Path, *, webs: int, workers: int = 1, allowed: str = "", threads: int = 16
) -> Iterator[Street]:
    """Give web servers and workers over a migrated database until the block ends; parties have joined, none runs yet.

    `allowed` names what webhooks may be sent to.
    """
    ports = free_ports(webs)
    make_secret(folder / "secret.key")
    config = Config(
        database_url=database_url, base_url=f"http://{HOST}:{ports[0]}", secret_key_file=folder / "secret.key"
    )
    database = open_database(config)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
    environment = kept | {
        "EXCHANGE_DATABASE_URL": database_url, "EXCHANGE_BASE_URL": config.base_url,
        "EXCHANGE_SECRET_KEY_FILE": str(config.secret_key_file), "EXCHANGE_MAIL_URL": f"file://{folder / 'mail'}",
        "EXCHANGE_ALLOWED_ADDRESSES": allowed,
    }  # fmt: skip
    made = Street(database, folder)
    for number, port in enumerate(ports):
        command = web_command(replace(config, threads=threads), HOST, port)
        made.webs.append(Running(f"web-{number}", command, environment, folder / f"web-{number}.log", port))
    for number in range(workers):
        made.workers.append(Running(f"worker-{number}", worker_command(), environment, folder / f"worker-{number}.log"))
    made.parties = let_join(database, allowed)
    try:
        yield made
    finally:
        made.stop()


def eventually(look: Callable[[], Any], otherwise: str, *, seconds: float = LONGEST_SECONDS) -> Any:
    """Return what a look brings as soon as it brings something; fail with a sentence when it never does."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, otherwise
        time.sleep(LOOK_SECONDS)
    return found


def free_ports(count: int) -> list[int]:
    """Return ports that are free at this moment, each another."""
    import socket

    found = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in found]
    for one in found:
        one.close()
    return ports


def answers(port: int) -> bool:
    """Return whether a web server answers at a port."""
    asking = HTTPConnection(HOST, port, timeout=5)
    try:
        asking.request("GET", "/healthz")
        return asking.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        asking.close()
