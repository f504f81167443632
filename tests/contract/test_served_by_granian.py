"""One referral through `exchange serve` as an operator starts it: Granian in front, a worker behind, a key file."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from fhirpy import SyncFHIRClient

from exchange.app import open_database
from exchange.config import Config
from exchange.db.sealing import make_secret
from exchange.db.upgrade import upgrade
from tests.contract.backend_client import BackendClient
from tests.contract.live_exchange import Exchange
from tests.contract.referral_documents import a_procedure, an_output, send_referral
from tests.databases import new_database

LONGEST_SECONDS = 40


@dataclass
class Serving:
    """A running `exchange serve`, with what it has written."""

    process: "subprocess.Popen[bytes]"
    exchange: Exchange
    log: Path
    mail: Path

    def stop(self) -> int:
        """Ask it to end and return its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONGEST_SECONDS)


def test_a_referral_is_sent_told_answered_and_closed(
    serving: Serving, hospital: BackendClient, agency: BackendClient
) -> None:
    client = SyncFHIRClient(serving.exchange.fhir_base, authorization=f"Bearer {agency.sign_in().token}")
    referral = send_referral(hospital.sign_in(), agency.organization)

    letters = eventually(lambda: [path.read_text() for path in serving.mail.rglob("*") if path.is_file()])
    task = client.resources("Task").search(status="requested", owner=agency.organization).get()
    for status in ("accepted", "in-progress", "completed"):
        task["status"] = status
        if status == "completed":
            procedure = client.resource("Procedure", **a_procedure(referral.patient, referral.request)).save()
            task["output"] = [an_output(f"Procedure/{procedure.id}")]
        task.save()
    refused = requests.get(f"{serving.exchange.fhir_base}/{referral.task}", timeout=10)
    polled = hospital.ask("GET", "Task?_lastUpdated=ge2026").json()["entry"]
    status = serving.stop()

    assert f"Task/{task.id}" == referral.task
    assert [(one["resource"]["id"], one["resource"]["status"]) for one in polled] == [(task.id, "completed")]
    assert refused.status_code == 401
    assert status == 0
    said = serving.log.read_text() + "".join(letters)
    assert "The exchange is ready" in said
    assert [word for word in ("Canaryname", "Zoelle", "1980-01-02", "Traceback") if word in said] == []


def eventually(look: Callable[[], list[str]]) -> list[str]:
    """Return what a look brings as soon as it brings something."""
    until = time.monotonic() + LONGEST_SECONDS
    while not (found := look()):
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.1)
    return found


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    with new_database(tmp_path) as url:
        yield url


@pytest.fixture
def serving(tmp_path: Path, database_url: str) -> Iterator[Serving]:
    """A hospital and an agency on an exchange that an operator has started, with its worker."""
    port = free_port()
    mail, key_file, log = tmp_path / "mail", tmp_path / "key", tmp_path / "log"
    make_secret(key_file)
    config = Config(database_url=database_url, base_url=f"http://127.0.0.1:{port}", secret_key_file=key_file)
    database = open_database(config)
    upgrade(database)
    exchange = Exchange(config.base_url, database)
    exchange.join("hospital", "hospital")
    exchange.join("agency", "agency")
    environment = os.environ | {
        "EXCHANGE_DATABASE_URL": config.database_url, "EXCHANGE_BASE_URL": config.base_url,
        "EXCHANGE_SECRET_KEY_FILE": str(key_file), "EXCHANGE_MAIL_URL": f"file://{mail}",
    }  # fmt: skip
    command = [sys.executable, "-m", "exchange", "serve", "--port", str(port), "--with-worker"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        eventually(lambda: [text for text in [log.read_text()] if "ready" in text or process.poll() is not None])
        assert process.poll() is None, log.read_text()
        yield Serving(process, exchange, log, mail)
    finally:
        #  its children too, where it could not end them itself
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        database.close()


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def hospital(serving: Serving, program_on: Callable[..., BackendClient]) -> BackendClient:
    return program_on(serving.exchange, "hospital")


@pytest.fixture
def agency(serving: Serving, program_on: Callable[..., BackendClient]) -> BackendClient:
    return program_on(serving.exchange, "agency", key="RS384")
