"""The launcher `run.py`: what it installs and when, what it says, and that the status of a program is its own."""

import ast
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

RUN = Path(__file__).resolve().parents[1] / "run.py"


def test_a_python_of_years_ago_can_read_the_file() -> None:
    assert ast.parse(RUN.read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("version", [(3, 7), (3, 10), (2, 7)])
def test_an_old_python_gets_a_sentence(run: ModuleType, version: tuple[int, int]) -> None:
    with pytest.raises(
        run.LauncherError, match=r"needs Python 3\.11 or newer and this is .* Please install a newer Python"
    ):
        run.require_python(version)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (4, 0)])
def test_a_new_python_is_welcome(run: ModuleType, version: tuple[int, int]) -> None:
    run.require_python(version)


@pytest.mark.parametrize(
    ("line", "environ", "lock"),
    [
        ("demo --once", {}, "run"),
        ("exchange db upgrade", {}, "run"),
        ("exchange db upgrade", {"EXCHANGE_DATABASE_URL": "sqlite:///var/exchange.db"}, "run"),
        ("exchange db upgrade", {"EXCHANGE_DATABASE_URL": "postgresql+psycopg://localhost/exchange"}, "postgres"),
        ("test", {"EXCHANGE_DATABASE_URL": "postgresql://localhost/exchange"}, "test"),
        ("test -k accept", {}, "test"),
        ("test -m long", {}, "test"),
        ("test -m e2e", {}, "e2e"),
        ("test tests/journeys -m e2e -q", {}, "e2e"),
        ("check", {}, "test"),
        ("bench", {}, "test"),
    ],
)
def test_a_command_installs_the_list_that_it_needs(
    run: ModuleType, line: str, environ: dict[str, str], lock: str
) -> None:
    name, *rest = line.split()

    assert run.wanted_lock(name, rest, environ) == lock


def test_tests_that_leave_the_browser_out_need_no_browser_packages(run: ModuleType) -> None:
    assert run.wanted_lock("test", ["-m", "not e2e and not long"], {}) == "test"


def test_a_list_is_installed_once_and_again_only_when_it_changes(run: ModuleType, installed: list[str]) -> None:
    run.prepare("run")
    run.prepare("run")
    assert installed == ["run"]

    run.lock_file("run").write_text("flask==4\n", encoding="utf-8")
    run.prepare("run")
    assert installed == ["run", "run"]


def test_a_larger_list_replaces_a_smaller_one_and_is_kept(run: ModuleType, installed: list[str]) -> None:
    for lock in ("run", "test", "run", "postgres", "test"):
        run.prepare(lock)

    assert installed == ["run", "test"]


def test_a_larger_list_that_changed_is_installed_again_for_a_smaller_command(
    run: ModuleType, installed: list[str]
) -> None:
    run.prepare("test")
    run.lock_file("test").write_text("pytest==10\n", encoding="utf-8")

    run.prepare("run")

    assert installed == ["test", "test"]


def test_an_installation_that_broke_off_is_done_again(
    run: ModuleType, installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(lock: str) -> None:
        raise run.LauncherError("pip gave up.")

    run.prepare("run")
    with monkeypatch.context() as broken:
        broken.setattr(run, "install", breaks)
        with pytest.raises(run.LauncherError):
            run.prepare("test")

    run.prepare("run")

    assert installed == ["run", "run"]


@pytest.mark.parametrize("stamp", ["", "not json", "[]", '{"lock": "unheard-of"}'])
def test_a_stamp_that_makes_no_sense_counts_as_none(run: ModuleType, installed: list[str], stamp: str) -> None:
    run.STAMP.write_text(stamp, encoding="utf-8")

    run.prepare("run")

    assert installed == ["run"]
    assert json.loads(run.STAMP.read_text(encoding="utf-8"))["lock"] == "run"


def test_the_same_list_with_other_line_ends_is_the_same_list(run: ModuleType) -> None:
    run.lock_file("run").write_bytes(b"flask==3\nclick==8\n")
    before = run.digest("run")

    run.lock_file("run").write_bytes(b"flask==3\r\nclick==8\r\n")

    assert run.digest("run") == before


@pytest.mark.parametrize(
    ("notes", "version"),
    [
        ("home = /usr/bin\nversion = 3.11.2\n", (3, 11)),
        ("version_info = 3.12.1.final.0\n", (3, 12)),
        ("home = /usr/bin\n", ()),
    ],
)
def test_the_python_of_an_environment_is_read_from_its_note(
    run: ModuleType, notes: str, version: tuple[int, ...]
) -> None:
    (run.VENV / "pyvenv.cfg").write_text(notes, encoding="utf-8")

    assert run.venv_version() == version


def test_an_environment_of_another_python_is_made_anew(
    run: ModuleType, installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []
    monkeypatch.setattr(run, "make_venv", lambda: made.append(True))
    (run.VENV / "pyvenv.cfg").write_text("version = 3.9.1\n", encoding="utf-8")

    run.prepare("run")

    assert made == [True]


def test_a_python_without_venv_names_the_line_to_type(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(run.LauncherError, match="sudo apt-get install -y python3-venv"):
        run.make_venv()


def test_a_failed_installation_shows_the_last_lines_of_pip_and_a_remedy(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "PYTHON", Path(sys.executable))
    run.lock_file("run").write_text("no-such-package==1 --hash=sha256:00\n", encoding="utf-8")

    with pytest.raises(run.LauncherError, match="reaches its package index, then run the same command again"):
        run.install("run")

    assert "ERROR" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["deploy"], ["--once"]])
def test_an_unknown_command_names_the_known_ones(
    run: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(arguments) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert "demo, exchange, test, bench, dev, check" in said.err


def test_help_is_printed_for_who_asks(run: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--help"]) == 0

    assert "python3 run.py demo" in capsys.readouterr().out


def test_what_the_launcher_says_itself_never_reaches_stdout(
    run: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    run.say("Making .venv")

    assert capsys.readouterr() == ("", "Making .venv\n")


@pytest.mark.parametrize("status", [0, 1, 5, 42])
def test_the_status_of_a_program_is_passed_on(here: ModuleType, status: int) -> None:
    assert here.follow(["-c", f"raise SystemExit({status})"]) == status


def test_all_programs_of_a_check_run_even_after_one_that_failed(
    here: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = (("-c", "raise SystemExit(3)"), ("-c", "pass"), ("-c", "raise SystemExit(4)"))

    assert here.run_each(programs) == 1

    said = capsys.readouterr().err
    assert said.count("──") == 3
    assert "Not in order: raise SystemExit(3); raise SystemExit(4)." in said


def test_a_check_in_order_says_so(here: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert here.run_each((("-c", "pass"),)) == 0

    assert "Everything is in order." in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps the launcher as a parent.")
def test_on_posix_the_launcher_becomes_the_program_so_that_signals_reach_it(tmp_path: Path) -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(30)"
    start = f"import sys; sys.path.insert(0, {str(RUN.parent)!r}); import run; run.PYTHON = {sys.executable!r}; "

    with subprocess.Popen(
        [sys.executable, "-c", f"{start} run.hand_over(['-c', {program!r}])"], stdout=subprocess.PIPE, text=True
    ) as launched:
        assert launched.stdout is not None
        told = int(launched.stdout.readline())
        launched.send_signal(signal.SIGTERM)
        status = launched.wait(timeout=10)

    assert told == launched.pid
    assert status == -signal.SIGTERM


@pytest.mark.skipif(os.name != "posix", reason="SIGTERM is a POSIX signal.")
def test_a_followed_program_ends_with_the_launcher(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = f"import pathlib, time; pathlib.Path({str(ready)!r}).touch(); time.sleep(30)"
    start = f"import sys; sys.path.insert(0, {str(RUN.parent)!r}); import run; run.PYTHON = {sys.executable!r}; "

    with subprocess.Popen([sys.executable, "-c", f"{start} sys.exit(run.follow(['-c', {program!r}]))"]) as launched:
        deadline = time.monotonic() + 10
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        launched.terminate()
        status = launched.wait(timeout=10)

    assert status == 128 + signal.SIGTERM


def test_the_environment_of_a_program_is_not_led_astray(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "elsewhere")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("EXCHANGE_LOG_LEVEL", "debug")

    environment = run.environment()

    assert {"PYTHONHOME", "PYTHONPATH"} & set(environment) == set()
    assert environment["EXCHANGE_LOG_LEVEL"] == "debug"
    assert environment["PYTHONUTF8"] == "1"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The launcher, imported afresh, with an empty project of its own below the test's folder."""
    module = _launcher()
    venv = tmp_path / ".venv"
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "PYTHON", venv / "bin/python")
    monkeypatch.setattr(module, "STAMP", venv / "installed.json")
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").touch()
    (venv / "pyvenv.cfg").write_text(f"version = {sys.version_info[0]}.{sys.version_info[1]}.0\n", encoding="utf-8")
    (tmp_path / "requirements").mkdir()
    for lock in module.LOCKS:
        (tmp_path / "requirements" / f"{lock}.lock").write_text(f"# {lock}\n", encoding="utf-8")
    return module


@pytest.fixture
def installed(run: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lists that were installed, in order; nothing is really installed."""
    lists: list[str] = []
    monkeypatch.setattr(run, "install", lists.append)
    return lists


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The launcher as it is, with the Python that runs this test as that of `.venv`; SIGTERM is put back afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    module = _launcher()
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    yield module
    signal.signal(signal.SIGTERM, before)


def _launcher() -> Any:
    specification = importlib.util.spec_from_file_location("launcher", RUN)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
