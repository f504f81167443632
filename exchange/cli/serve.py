"""`exchange serve`: the web server as a child process and, where asked for, one worker beside it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
import requests
from sqlalchemy import inspect

from exchange.cli.house import House
from exchange.cli.serving_lock import serving_lock, sqlite_file
from exchange.config import Config, WrongSetting, refuse_unsafe
from exchange.db.ring_file import number_of
from exchange.domain.errors import Conflict
from exchange.outbound import outbound_session
from exchange.work.resealing import refuse_old_ring

APPLICATION: Final = "exchange.app:production"
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
LOOK_SECONDS: Final = 0.1
READY_SECONDS: Final = 60
RESTART_SECONDS: Final = 3
STOP_SECONDS: Final = 40


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8080, show_default=True)
@click.option("--with-worker", is_flag=True, help="Run one worker beside the web server.")
@click.pass_obj
def serve(house: House, host: str, port: int, with_worker: bool) -> None:
    """Serve the exchange until stopped."""
    try:
        refuse_unsafe(house.config)
    except WrongSetting as error:
        raise click.ClickException(error.sentence) from None
    _refuse_taken(host, port)
    _refuse_unusable(house)
    with serving_lock(sqlite_file(house.database)) as is_alone:
        if not is_alone:
            click.echo(
                "Another web process serves this SQLite database already: both are right, but slower than one.",
                err=True,
            )
        status = _run(house.config, host, port, with_worker=with_worker)
    if status:
        raise SystemExit(status)


def web_command(config: Config, host: str, port: int) -> list[str]:
    """Return the command of the web server: one process, fixed threads, no access log (it holds queries)."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws", "--workers", "1",
        "--blocking-threads", str(config.threads), "--blocking-threads-idle-timeout", "600",
        "--workers-kill-timeout", "30", "--log-level", "error", "--no-access-log",
        "--host", host, "--port", str(port), APPLICATION,
    ]  # fmt: skip


def worker_command() -> list[str]:
    """Return the command of the worker."""
    return [sys.executable, "-m", "exchange", "worker"]


def _run(config: Config, host: str, port: int, *, with_worker: bool) -> int:
    """Run the children until a signal comes (0) or the web server ends by itself (1)."""
    stop = threading.Event()
    with _signals(stop), _child(web_command(config, host, port)) as web:
        if not _is_ready(web, host, port, stop):
            if stop.is_set():
                return 0
            click.echo(
                f"The web server did not start on {host}:{port}: is the port free? The lines above say more.", err=True
            )
            return 1
        click.echo(f"The exchange is ready at {config.base_url} (listening on {host}:{port}).")
        if with_worker:
            _keep_a_worker(web, stop)
        while not stop.wait(LOOK_SECONDS) and web.poll() is None:
            pass
        if stop.is_set():
            return 0
    click.echo("The web server ended by itself: start it again. The lines above say more.", err=True)
    return 1


def _keep_a_worker(web: "subprocess.Popen[bytes]", stop: threading.Event) -> None:
    """Keep one worker beside the web server until that ends or a signal comes."""
    while True:
        with _child(worker_command()) as worker:
            while worker.poll() is None:
                if stop.wait(LOOK_SECONDS) or web.poll() is not None:
                    return
        if stop.is_set():
            return
        click.echo("The worker ended by itself and is started again.", err=True)
        if stop.wait(RESTART_SECONDS):
            return


@contextmanager
def _child(command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a child process; on leaving it is asked to end, and made to when it does not."""
    child = subprocess.Popen(command, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C set `stop`; put back what was there."""
    before = {name: signal.signal(name, lambda *_: stop.set()) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _is_ready(web: "subprocess.Popen[bytes]", host: str, port: int, stop: threading.Event) -> bool:
    """Wait until the web server answers; False when it ended, was stopped or takes too long."""
    host = EVERYWHERE.get(host, host)
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    with outbound_session((at,)) as asking:
        for _look in range(int(READY_SECONDS / LOOK_SECONDS)):
            if stop.wait(LOOK_SECONDS) or web.poll() is not None:
                return False
            try:
                if asking.get(f"http://{at}/healthz", timeout=2).ok and web.poll() is None:
                    return True
            except requests.RequestException:
                continue
    return False


def _refuse_taken(host: str, port: int) -> None:
    """Raise ClickException for an address that is in use: the server would share it (SO_REUSEPORT) without a word."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            if os.name == "posix":
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        raise click.ClickException(
            f"{host}:{port} cannot be listened on ({error.strerror}): stop what uses it, or choose another --port."
        ) from None


def _refuse_unusable(house: House) -> None:
    """Raise ClickException for a database without tables, or one that was sealed with keys that are not here."""
    if not inspect(house.database.engine).has_table("write_order"):
        raise click.ClickException("The database has no tables yet: run `exchange db upgrade` first.")
    try:
        with house.database.read() as session:
            refuse_old_ring(session, max(house.database.keys.key_ids, key=number_of))
    except Conflict as refusal:
        raise click.ClickException(refusal.sentence) from None
    finally:
        house.database.close()
