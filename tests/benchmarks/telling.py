"""How soon a receiver is told: from the send to the mail handed over, with the server and one real worker at work.

Sends come one after the other at a steady pace, as people send. The time is that of the outbox row: `created_at`, in
the transaction of the send and so a little before its commit, to `sent_at`, when the mail was handed over.
"""

import os
import subprocess
import time
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine, func, select

from exchange.cli.serve import worker_command
from exchange.db.audit import audit_event
from exchange.db.outbox import SENT, WAITING, MessageRow
from tests.benchmarks.figures import percentile
from tests.benchmarks.load import Request
from tests.benchmarks.servers import HOST, ROOT, STOP_SECONDS, BenchmarkFailed, Server, settings

PER_SECOND: Final = 10
PATIENCE_SECONDS: Final = 120
MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Told:
    """What was measured: microseconds from send to mail, one for each mail."""

    latencies: list[int]

    def milliseconds(self, percent: float) -> float:
        """Return the time that `percent` of the mails did not exceed."""
        return percentile(self.latencies, percent) / 1000


def told(server: Server, folder: Path, requests: list[Request], seconds: float) -> Told:
    """Send for so many seconds and return how long each mail took. Raises BenchmarkFailed when one does not come."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("EXCHANGE_")}
    given = settings(folder, server.url, server.port, "wait")
    engine = create_engine(server.url)
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(worker_command(), cwd=ROOT, env=kept | given, stdout=log, stderr=log)
    try:
        _wait_until_caught_up(engine)
        with engine.connect() as connection:
            before = connection.execute(select(func.max(MessageRow.sequence))).scalar() or 0
        _send(server, requests[: max(int(seconds * PER_SECOND), 5)])
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            with engine.connect() as connection:
                rows = connection.execute(
                    select(MessageRow.state, MessageRow.created_at, MessageRow.sent_at).where(
                        MessageRow.sequence > before
                    )
                ).all()
            if rows and not any(row.state == WAITING for row in rows):
                return Told([(row.sent_at - row.created_at) // MICROSECOND for row in rows if row.state == SENT])
            time.sleep(0.2)
        raise BenchmarkFailed("A mail was not handed over in time: see whether the worker runs.")
    finally:
        engine.dispose()
        worker.terminate()
        worker.wait(STOP_SECONDS)


def _wait_until_caught_up(engine: Engine) -> None:
    """Wait until the worker has sealed and told what stock and other measures left: it is not what is measured."""
    unsealed = select(audit_event.c.id).where(audit_event.c.block_id.is_(None)).limit(1)
    untold = select(MessageRow.id).where(MessageRow.state == WAITING).limit(1)
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        with engine.connect() as connection:
            if connection.execute(unsealed).first() is None and connection.execute(untold).first() is None:
                return
        time.sleep(0.5)
    raise BenchmarkFailed("The worker did not catch up in time: see its log.")


def _send(server: Server, requests: list[Request]) -> None:
    connection = HTTPConnection(HOST, server.port, timeout=30)
    for request in requests:
        headers = {"Authorization": f"Bearer {request.token}", "Content-Type": "application/fhir+json"}
        connection.request(request.method, request.path, request.body, headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise BenchmarkFailed(f"A send was answered {answer.status}: {body[:200]!r}")
        time.sleep(1 / PER_SECOND)
    connection.close()
