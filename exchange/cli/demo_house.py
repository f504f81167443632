"""The house of the demo: a folder that is wiped at each start, a database, and the servers that run."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import requests

from directory.county import county, write_hsds
from directory.errors import DirectoryError
from directory.importing import import_source
from exchange.cli.demo_parties import Mailbox, wait_for
from exchange.cli.demo_wire import DemoFailed, Transcript
from exchange.cli.house import House
from exchange.cli.serve import web_command, worker_command
from exchange.cli.serving_lock import serving_lock
from exchange.cli.worker import hired
from exchange.config import config_from
from exchange.db.sealing import make_secret
from exchange.db.setting import set_setting
from exchange.db.upgrade import upgrade
from exchange.outbound import outbound_session

FOLDER: Final = Path("var/demo")
HOST: Final = "127.0.0.1"
FIRST_PORT: Final = 8080
SEED: Final = 1
READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 45
START_AGAIN: Final = "Look into var/demo/log.txt, and start the demo again."
Servers = tuple["subprocess.Popen[bytes]", ...]


@dataclass
class DemoHouse:
    """The demo's database, settings and servers. Nothing of the caller's EXCHANGE_… settings is kept."""

    port: int
    transcript: Transcript
    folder: Path = FOLDER
    house: House = field(init=False)

    def __post_init__(self) -> None:
        self.base_url = f"http://{HOST}:{self.port}"
        self.log = self.folder / "log.txt"
        self.database_file = self.folder / "exchange.db"
        self.settings = {
            "EXCHANGE_DATABASE_URL": f"sqlite:///{self.database_file.as_posix()}",
            "EXCHANGE_BASE_URL": self.base_url,
            "EXCHANGE_SECRET_KEY_FILE": str(self.folder / "secret.key"),
            "EXCHANGE_MAIL_URL": f"file://{(self.folder / 'mail').as_posix()}",
        }
        self.house = House(config_from(self.settings))
        self.mailbox = Mailbox(self.folder / "mail", self.transcript)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the demo's own processes."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
        return {**kept, **self.settings}

    def build(self) -> None:
        """Wipe the folder of an earlier demo, make a key, make the tables, and mark the database as a demo's."""
        _wipe(self.folder, self.database_file)
        make_secret(self.folder / "secret.key")
        upgrade(self.house.database)
        with self.house.database.write() as session:
            set_setting(session, "demo", "true")

    def import_directory(self, path: Path | None) -> dict[str, Any]:
        """Import the directory at a path, or the made-up county, and return what was read."""
        source = path if path is not None else write_hsds(county(SEED), self.folder / "directory")
        name = None if path is not None else "Demo county"
        try:
            report = import_source(self.house.database.write, source, now=self.house.now(), source=name)
        except DirectoryError as error:
            raise DemoFailed(str(error)) from None
        except OSError as error:
            raise DemoFailed(f"The directory cannot be read: {error}") from None
        return report.as_json(most_problems=5)

    def at_time(self, at: datetime) -> None:
        """Let the clocks strike as if it were this time, as `exchange worker --once --now …` does."""
        if hired(self.house).run_once(at).failed:
            raise DemoFailed(f"The clocks could not be moved on. {START_AGAIN}")

    @contextmanager
    def serving(self) -> Iterator[Servers]:
        """Run the web server and a worker beside this process until the block ends, as `exchange serve` does."""
        commands = (web_command(self.house.config, HOST, self.port), worker_command())
        with serving_lock(self.database_file), self.log.open("ab") as log:
            servers: list[subprocess.Popen[bytes]] = []
            try:
                for command in commands:
                    servers.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))
                yield tuple(servers)
            finally:
                for server in servers:
                    stop(server)

    def wait_until_ready(self, servers: Servers) -> None:
        """Wait until the web server answers."""
        asking = outbound_session((f"{HOST}:{self.port}",))

        def look() -> bool | None:
            refuse_ended(servers)
            try:
                return asking.get(f"{self.base_url}/healthz", timeout=2).ok or None
            except requests.RequestException:
                return None

        wait_for(look, f"The web server did not start. {START_AGAIN}", READY_SECONDS)


def free_port(asked: int | None) -> int:
    """Return the port that was asked for, else 8080, else any that is free. Raises DemoFailed when it is taken."""
    for port in (asked,) if asked else (FIRST_PORT, 0):
        try:
            with socket.create_server((HOST, port)) as found:
                return int(found.getsockname()[1])
        except OSError:
            continue
    raise DemoFailed(f"Port {asked} is taken: name another with --port, or leave --port out.")


def refuse_ended(servers: Servers) -> None:
    """Raise DemoFailed when the web server or the worker is no more."""
    if any(server.poll() is not None for server in servers):
        raise DemoFailed(f"The web server or the worker ended by itself. {START_AGAIN}")


def stop(server: "subprocess.Popen[bytes]") -> None:
    """End a server that we started, gently first."""
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wipe(folder: Path, database: Path) -> None:
    """Remove what an earlier demo left, unless that demo still serves it."""
    if folder.exists():
        with serving_lock(database) as is_free:
            if not is_free:
                raise DemoFailed("Another demo is running in this folder: stop it first with Ctrl-C.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o700)
