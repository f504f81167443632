"""Web servers as `exchange serve` starts them, each a process of its own, over one migrated database."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from exchange.app import open_database
from exchange.cli.serve import web_command
from exchange.config import Config, config_from
from exchange.db.sealing import make_secret
from exchange.db.upgrade import upgrade
from tests.contract.live_exchange import Exchange
from tests.databases import new_database
from tests.exchange.faults.servers import answers, free_ports

ROOT: Final = Path(__file__).resolve().parents[3]
HOST: Final = "127.0.0.1"
THREADS: Final = 8
READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 40


@dataclass
class Town:
    """A database with its key, and the settings of every server over it. All of them go by one address."""

    folder: Path
    exchange: Exchange
    environment: dict[str, str]

    @contextmanager
    def served(self, count: int = 1) -> Iterator[list["Server"]]:
        """Run so many servers until the block ends."""
        with ExitStack() as running:
            yield [running.enter_context(self._served(number)) for number in range(count)]

    @contextmanager
    def _served(self, number: int) -> Iterator["Server"]:
        (port,), log = free_ports(1), self.folder / f"server-{number}.log"
        config = replace(config_from(self.environment), threads=THREADS)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
        with log.open("ab") as output:
            process = subprocess.Popen(
                web_command(config, HOST, port), cwd=ROOT, env=kept | self.environment, stdout=output, stderr=output
            )
        try:
            yield _when_ready(Server(port, process, log))
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass(frozen=True)
class Server:
    """A server that runs: its port, its process, its log."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    def workers(self) -> list[int]:
        """Return the ids of the processes that answer: the server's own children."""
        return [
            int(one) for one in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def resident_bytes(self) -> int:
        """Return how much memory the answering processes hold."""
        pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in self.workers())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def is_alive(self) -> bool:
        """Return whether the next request is answered."""
        return answers(self.port)

    def said(self) -> str:
        """Return the log."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def a_town(folder: Path) -> Iterator[Town]:
    """Make a migrated database with a hospital on it."""
    with new_database(folder) as url:
        key = folder / "secret.key"
        make_secret(key)
        environment = {
            "EXCHANGE_DATABASE_URL": url, "EXCHANGE_BASE_URL": f"http://{HOST}:8080",
            "EXCHANGE_SECRET_KEY_FILE": str(key), "EXCHANGE_MAIL_URL": f"file://{folder / 'mail'}",
        }  # fmt: skip
        config: Config = config_from(environment)
        database = open_database(config)
        upgrade(database)
        exchange = Exchange(config.base_url, database)
        exchange.join("hospital", "hospital")
        yield Town(folder, exchange, environment)
        database.close()


def _when_ready(server: Server) -> Server:
    until = time.monotonic() + READY_SECONDS
    while not answers(server.port):
        assert time.monotonic() < until, server.said()
        assert server.process.poll() is None, server.said()
        time.sleep(0.1)
    return server
