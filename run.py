#!/usr/bin/env python3
"""Run the exchange, its tests and its checks on a machine that has Python 3.11 or newer and nothing else.

    python3 run.py demo [--once] [--json] …    the main job, from an empty folder to a closed loop
    python3 run.py test [pytest arguments]     the tests; `-m long` full counts, `-m e2e` in a real browser
    python3 run.py exchange …                  the command line of the exchange
    python3 run.py bench | check | dev         benchmarks · format, lint, types, house rules · reload while you write

Each command first makes `.venv` from one hash-locked list of `requirements/`, again only when that list changes.
Programs run in the folder of this file. What this launcher says itself goes to stderr, so that `--json` stays one
document on stdout. Exit status: that of the program; 2 for wrong use; 1 when the packages could not be installed.

Standard library only, and readable by Python 3.7, so that an old Python gets a sentence and not a traceback.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.json"
OLDEST_PYTHON = (3, 11)
LOCKS = ("run", "postgres", "test", "e2e")  # each list holds everything of the list before it
LINES_OF_PIP_KEPT = 15


class Command(NamedTuple):
    """One word after `run.py`: the list of packages it needs, and the programs it runs, as Python arguments."""

    lock: str
    programs: tuple[tuple[str, ...], ...]


COMMANDS = {
    "demo": Command("run", (("-m", "exchange.cli.demo"),)),
    "exchange": Command("run", (("-m", "exchange"),)),
    "test": Command("test", (("-m", "pytest"),)),
    "bench": Command("test", (("-m", "tests.benchmarks"),)),
    "dev": Command("test", (("-m", "exchange.cli.dev"),)),
    "check": Command(
        "test",
        (
            ("-m", "ruff", "format", "--check", "."),
            ("-m", "ruff", "check", "."),
            ("-m", "mypy", "--strict", "exchange/domain", "fhir_mapping", "directory"),
            ("-m", "pytest", "-q", "tests/house_rules"),
        ),
    ),
}


class LauncherError(Exception):
    """Something that the person at the keyboard must do first; the message says what."""


def main(arguments: list[str]) -> int:
    """Return the exit status of the command that `arguments` name. Where the system allows, become that program."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        say(f"Please name one of these commands: {', '.join(COMMANDS)}. `python3 run.py --help` explains them.")
        return 2
    name, rest = arguments[0], arguments[1:]
    try:
        require_python(sys.version_info[:2])
        prepare(wanted_lock(name, rest, os.environ))
    except LauncherError as error:
        say(str(error))
        return 1
    programs = COMMANDS[name].programs
    if len(programs) == 1:
        return hand_over([*programs[0], *rest])
    return run_each(programs)


def require_python(version: tuple[int, ...]) -> None:
    """Raise LauncherError when `version`, (major, minor), is older than the exchange can run on."""
    if version < OLDEST_PYTHON:
        raise LauncherError(
            f"The exchange needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer and this is "
            f"{version[0]}.{version[1]}. Please install a newer Python and type, for example: "
            f"python3.11 run.py {' '.join(sys.argv[1:])}".rstrip()
        )


def wanted_lock(name: str, rest: list[str], environ: os._Environ[str] | dict[str, str]) -> str:
    """Return which list of packages this call needs: a real browser and PostgreSQL need more than the command says."""
    markers = " ".join(after for before, after in zip(rest, rest[1:], strict=False) if before == "-m")
    if name == "test" and "e2e" in markers and "not e2e" not in markers:
        return "e2e"
    needed = [COMMANDS[name].lock]
    if environ.get("EXCHANGE_DATABASE_URL", "").startswith("postgres"):
        needed.append("postgres")
    return max(needed, key=LOCKS.index)


def prepare(lock: str) -> None:
    """Make `.venv` hold the packages of `lock`; do nothing when it does. A larger list, once there, is kept."""
    if not PYTHON.exists() or venv_version() != sys.version_info[:2]:
        make_venv()
    installed = read_stamp()
    lock = max(lock, installed.get("lock", lock), key=LOCKS.index)
    stamp = {"lock": lock, "sha256": digest(lock)}
    if installed != stamp:
        STAMP.unlink(missing_ok=True)  # a broken-off installation must not look like a whole one
        install(lock)
        STAMP.write_text(json.dumps(stamp) + "\n", encoding="utf-8")


def venv_version() -> tuple[int, ...]:
    """Return (major, minor) of the Python that made `.venv`, or () when its own note cannot be read."""
    try:
        lines = (VENV / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    notes = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    numbers = notes.get("version", notes.get("version_info", "")).split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdigit())


def make_venv() -> None:
    """Make `.venv` anew with this Python. Raises LauncherError with the line to type where Python came without venv."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise LauncherError(
            "This Python came without the venv module. On Debian and Ubuntu, please type this line and try again: "
            "sudo apt-get install -y python3-venv"
        )
    say(f"Making .venv with Python {sys.version_info[0]}.{sys.version_info[1]} …")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True)
    if made.returncode:
        say((made.stdout + made.stderr).strip())
        raise LauncherError(
            "The folder .venv could not be made; the lines above say why. On Debian and Ubuntu this often helps: "
            "sudo apt-get install -y python3-venv"
        )


def install(lock: str) -> None:
    """Install the hash-locked list into `.venv`, with a line now and then. Raises LauncherError when pip gives up."""
    began = time.monotonic()
    say(f"Installing the packages of requirements/{lock}.lock …")
    # The list is complete and every line of it is hashed, so pip has nothing to resolve.
    options = ["--require-hashes", "--no-deps", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command = [str(PYTHON), "-m", "pip", "install", *options, "-r", str(lock_file(lock))]
    lines: list[str] = []
    collected = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    ) as pip:
        for line in pip.stdout or ():
            lines = [*lines[1 - LINES_OF_PIP_KEPT :], line.rstrip()]
            collected += line.startswith("Collecting")
            if line.startswith("Collecting") and collected % 20 == 0:
                say(f"  {collected} packages fetched")
    if pip.returncode:
        say("\n".join(lines))
        raise LauncherError(
            "The packages could not be installed; the last lines of pip are above. Please check that this machine "
            "reaches its package index, then run the same command again."
        )
    say(f"Packages ready after {time.monotonic() - began:.0f} s; the next start is immediate.")


def lock_file(lock: str) -> Path:
    """Return the path of a hash-locked list."""
    return ROOT / "requirements" / f"{lock}.lock"


def digest(lock: str) -> str:
    """Return the SHA-256 of a list, the same on systems that write lines with a carriage return."""
    return hashlib.sha256(lock_file(lock).read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def read_stamp() -> dict[str, str]:
    """Return what `.venv` says it holds: {"lock", "sha256"}, or {} when it says nothing that makes sense."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and stamp.get("lock") in LOCKS else {}


def environment() -> dict[str, str]:
    """Return this environment without what would lead the Python of `.venv` astray, and with UTF-8 everywhere."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    return {**inherited, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def hand_over(arguments: list[str]) -> int:
    """Run one program to its end. On POSIX become it, so that signals and exit status are its own and nothing waits."""
    if os.name == "posix":
        sys.stdout.flush()
        sys.stderr.flush()
        os.chdir(ROOT)
        os.execve(str(PYTHON), [str(PYTHON), *arguments], environment())
    return follow(arguments)


def follow(arguments: list[str]) -> int:
    """Run one program as a child and return its exit status. Ctrl-C reaches the child by itself; we wait for it."""
    with subprocess.Popen([str(PYTHON), *arguments], cwd=str(ROOT), env=environment()) as child:
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        while True:
            try:
                status = child.wait()
            except KeyboardInterrupt:
                continue
            return status if status >= 0 else 128 - status


def run_each(programs: tuple[tuple[str, ...], ...]) -> int:
    """Run every program, the later ones too when one fails, and return 0 only when all ended with 0."""
    failed = []
    for program in programs:
        title = " ".join(program[1:])
        say(f"── {title}")
        status = follow(list(program))
        if status in (130, -1073741510 & 0xFFFFFFFF):  # Ctrl-C, in the words of POSIX and of Windows
            return status
        if status:
            failed.append(title)
    say(f"Not in order: {'; '.join(failed)}. The lines above say why." if failed else "Everything is in order.")
    return 1 if failed else 0


def say(line: str) -> None:
    """Write one line of our own to stderr."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
