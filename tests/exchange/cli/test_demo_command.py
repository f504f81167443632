"""The demo's command line refuses in sentences, before it makes anything."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from exchange.cli.demo import demo
from exchange.cli.demo_house import DemoHouse, free_port
from exchange.cli.demo_wire import DemoFailed, Transcript


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--ehr", "epic"], "no connection to an EHR's sandbox yet"),
        (["--directory", "nowhere"], "does not exist"),
        (["--port", "70000"], "not in the range"),
    ],
)
def test_wrong_use_gets_a_sentence_and_status_2(empty: Path, arguments: list[str], sentence: str) -> None:
    done = CliRunner().invoke(demo, arguments)

    assert done.exit_code == 2
    assert sentence in done.output
    assert list(empty.iterdir()) == []


def test_a_database_of_the_caller_is_never_touched(empty: Path) -> None:
    done = CliRunner().invoke(demo, ["--once"], env={"EXCHANGE_DATABASE_URL": "sqlite:///real.db"})

    assert done.exit_code == 2
    assert "unset EXCHANGE_DATABASE_URL" in done.output
    assert list(empty.iterdir()) == []


def test_a_port_that_is_taken_is_said_in_one_document_and_one_sentence(empty: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = CliRunner().invoke(demo, ["--once", "--json", "--port", str(port)])

    sentence = f"Port {port} is taken: name another with --port, or leave --port out."
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {"ok": False, "error": sentence, "steps": []}
    assert done.stderr == f"{sentence}\n"
    assert list(empty.iterdir()) == []


def test_a_directory_that_nobody_can_read_is_told_in_a_sentence(empty: Path) -> None:
    (empty / "broken.json").write_text("{", encoding="utf-8")
    house = DemoHouse(free_port(None), Transcript())
    house.build()

    with pytest.raises(DemoFailed, match=r"\.$") as refused:
        house.import_directory(Path("broken.json"))

    assert "broken.json" in str(refused.value)


def test_an_earlier_demo_is_wiped_and_a_directory_beside_it_is_not(empty: Path) -> None:
    for name in ("var/demo/mail/old.eml", "var/exchange.db"):
        (empty / name).parent.mkdir(parents=True, exist_ok=True)
        (empty / name).write_text("old", encoding="utf-8")

    DemoHouse(free_port(None), Transcript()).build()

    assert not (empty / "var/demo/mail/old.eml").exists()
    assert (empty / "var/exchange.db").read_text(encoding="utf-8") == "old"
    assert (empty / "var/demo/secret.key").stat().st_mode & 0o777 == 0o600


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to run in; the demo's way to end by SIGTERM is taken back afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EXCHANGE_DATABASE_URL", raising=False)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)
