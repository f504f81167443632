"""`serve`: what it refuses to start with, the children it starts and stops, and what it says of a second process."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import select

from exchange.app import open_database
from exchange.cli import serve as serving
from exchange.cli.house import House
from exchange.cli.serving_lock import serving_lock
from exchange.config import Config
from exchange.db.audit import audit_event
from exchange.db.sealing import make_secret
from exchange.db.session import Database
from exchange.db.setting import set_setting
from exchange.db.upgrade import upgrade
from tests.databases import new_database
from tests.reliability import ROOT, Reached


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    """Settings over an empty database; what the test opens is closed, as the end of a process closes it."""
    key, opened = tmp_path / "key", []

    def open_and_note(config: Config) -> Database:
        opened.append(open_database(config))
        return opened[-1]

    make_secret(key)
    monkeypatch.setattr("exchange.cli.house.open_database", open_and_note)
    with new_database(tmp_path) as url:
        yield Config(database_url=url, secret_key_file=key, base_url="http://127.0.0.1:8080")
        for database in opened:
            database.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def run(config: Config, *arguments: str) -> Result:
    return CliRunner().invoke(serving.serve, arguments, obj=House(config))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"secret_key_file": None}, "EXCHANGE_SECRET_KEY_FILE must name the file"),
        ({"base_url": "http://exchange.example"}, "EXCHANGE_BASE_URL must begin with https://"),
    ],
)
def test_an_unsafe_setting_is_refused_with_a_sentence(config: Config, change: dict[str, Any], sentence: str) -> None:
    from dataclasses import replace

    result = run(replace(config, **change))

    assert result.exit_code == 1
    assert sentence in result.stderr


def test_a_database_without_tables_is_refused(config: Config, port: int) -> None:
    result = run(config, "--port", str(port))

    assert (result.exit_code, result.stderr) == (
        1,
        "Error: The database has no tables yet: run `exchange db upgrade` first.\n",
    )


def test_a_ring_file_that_lacks_a_key_of_the_database_is_refused(config: Config, port: int) -> None:
    """What it seals would not be opened by others, and what they sealed not by it."""
    database = House(config).database
    upgrade(database)
    with database.write() as session:
        set_setting(session, "newest-key", "k2")

    result = run(config, "--port", str(port))

    assert (result.exit_code, result.stderr) == (
        1,
        "Error: This ring file is older than the database: k2 is not in it. Put its newest copy in place.\n",
    )


def test_a_port_that_is_taken_is_refused(config: Config) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        result = run(config, "--port", str(taken))

    assert result.exit_code == 1
    assert f"127.0.0.1:{taken} cannot be listened on" in result.stderr


def test_a_second_process_over_one_sqlite_file_is_seen(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    with serving_lock(database) as first, serving_lock(database) as second:
        assert (first, second) == (True, False)
    with serving_lock(database) as again, serving_lock(None) as elsewhere:
        assert (again, elsewhere) == (True, True)


def test_it_serves_says_where_and_ends_with_zero_when_it_is_asked_to(
    config: Config, port: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Real processes, real HTTP: the web server answers, one worker runs beside it, and a signal ends both."""
    house = House(config)
    upgrade(house.database)
    here = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", str(here))
    monkeypatch.setattr(serving, "APPLICATION", "small_application:make")
    sleeping = [sys.executable, "-c", "import time; print('worker here', flush=True); time.sleep(60)"]
    monkeypatch.setattr(serving, "worker_command", lambda: sleeping)
    answers: list[str] = []

    def visit() -> None:
        answers.append(requests.get(f"http://127.0.0.1:{port}/here", timeout=5).text)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(serving, "_keep_a_worker", seen_by(serving._keep_a_worker, visit))

    result = run(config, "--port", str(port), "--with-worker")

    assert result.exit_code == 0
    assert f"The exchange is ready at http://127.0.0.1:8080 (listening on 127.0.0.1:{port})." in result.stdout
    assert answers == ["/here"]
    assert "worker here" in capfd.readouterr().out
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/here", timeout=5)


@pytest.mark.invariant(
    "a-stop-answers-first", "A request that is in flight when the web server is stopped is answered before it ends."
)
def test_a_request_in_flight_is_answered_before_the_web_server_ends(
    config: Config, port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reached: Reached
) -> None:
    upgrade(House(config).database)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("IN_FLIGHT", str(tmp_path))
    monkeypatch.setattr(serving, "APPLICATION", "small_application:make")
    monkeypatch.setattr(serving, "worker_command", lambda: [sys.executable, "-c", "import time; time.sleep(60)"])
    answers: list[tuple[int, str]] = []

    def ask() -> None:
        answer = requests.get(f"http://127.0.0.1:{port}/slow", timeout=20)
        answers.append((answer.status_code, answer.text))

    def visit() -> None:
        asking = threading.Thread(target=ask)
        asking.start()
        for _look in range(1_000):
            if (tmp_path / "begun").exists():
                break
            time.sleep(0.01)
        signal.raise_signal(signal.SIGTERM)
        asking.join(20)

    monkeypatch.setattr(serving, "_keep_a_worker", seen_by(serving._keep_a_worker, visit))

    result = run(config, "--port", str(port), "--with-worker")

    assert result.exit_code == 0
    assert answers == [(200, "/slow")]
    reached(in_flight=1, answered=len(answers))


SPOOLS_AND_ENDS = """
import sys, time
from exchange.app import production
from exchange.db.audit import AuditEntry
app = production()
writer, database = app.extensions["exchange_audit"], app.extensions["exchange_database"]
write = database.write
def slowly(**named):
    time.sleep(0.3)
    return write(**named)
database.write = slowly
for number in range(5):
    writer.keep(AuditEntry(at=database.clock(), action="R", interaction=f"read-{number}", outcome="0",
                           actor_kind="client", actor_name="EHR"))
"""


def test_what_was_spooled_of_the_audit_is_written_before_the_web_server_ends(config: Config, tmp_path: Path) -> None:
    house = House(config)
    upgrade(house.database)
    environment = {
        **os.environ,
        "EXCHANGE_DATABASE_URL": config.database_url,
        "EXCHANGE_SECRET_KEY_FILE": str(config.secret_key_file),
        "EXCHANGE_AUDIT_READS": "spool",
    }

    subprocess.run([sys.executable, "-c", SPOOLS_AND_ENDS], env=environment, cwd=ROOT, check=True, timeout=60)

    with house.database.read() as session:
        rows = session.scalars(select(audit_event.c.interaction).order_by(audit_event.c.id)).all()
    assert rows == [f"read-{number}" for number in range(5)]


def seen_by(keep: Any, visit: Any) -> Any:
    def wrapped(web: Any, stop: threading.Event) -> None:
        timer = threading.Timer(0.5, visit)
        timer.start()
        keep(web, stop)
        timer.join()

    return wrapped


def test_a_web_server_that_does_not_start_is_told_and_ends_with_one(
    config: Config, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(House(config).database)
    monkeypatch.setattr(serving, "web_command", lambda *_: [sys.executable, "-c", "raise SystemExit(3)"])

    result = run(config, "--port", str(port))

    assert result.exit_code == 1
    assert f"The web server did not start on 127.0.0.1:{port}" in result.stderr


def test_a_worker_that_ends_by_itself_is_started_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = tmp_path / "seen"
    monkeypatch.setattr(
        serving, "worker_command", lambda: [sys.executable, "-c", f"open({str(seen)!r}, 'a').write('x')"]
    )
    monkeypatch.setattr(serving, "RESTART_SECONDS", 0.01)
    stop = threading.Event()

    class Web:
        looks = 0

        def poll(self) -> int | None:
            if seen.exists() and len(seen.read_text()) >= 2:
                stop.set()
            return None

    serving._keep_a_worker(Web(), stop)  # type: ignore[arg-type]  # it is only asked whether it lives

    assert len(seen.read_text()) >= 2
    assert "The worker ended by itself and is started again." in capsys.readouterr().err
