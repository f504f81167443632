"""The demo from outside: one command in an empty folder, as a person types it, and what it leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exchange.cli.demo_documents import PATIENTS

ROOT = Path(__file__).resolve().parents[2]
LINKSF = ROOT.parent / "shared" / "data" / "hsds" / "datasets" / "linksf-sf"
TOWN = ROOT / "tests" / "data" / "directory" / "demo_town" / "town.json"
SECONDS = 240
ENDS = {"first": "completed", "second": "rejected", "sent on": "accepted", "third": "cancelled"}


class Played(NamedTuple):
    """A demo that has ended: its status, its document, what it said, and the folder it ran in."""

    status: int
    document: dict[str, Any]
    said: str
    folder: Path


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "exchange.cli.demo", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """The caller's environment without settings of the exchange, and with the project to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def play(folder: Path, *arguments: object) -> Played:
    done = subprocess.run(
        command("--once", "--json", *arguments),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    document = json.loads(done.stdout) if done.stdout else {}
    return Played(done.returncode, document, done.stderr, folder)


def folder_of(process: Path) -> str:
    """Where a process runs; nothing for one that has ended or is somebody else's."""
    try:
        return os.readlink(process / "cwd")
    except OSError:
        return ""


def mails(folder: Path) -> list[str]:
    return [one.read_text(encoding="utf-8") for one in sorted((folder / "var/demo/mail").glob("*.eml"))]


def test_every_step_holds_and_every_referral_ends_as_told(county: Played) -> None:
    assert county.status == 0, county.said
    assert [(step["number"], step["ok"]) for step in county.document["steps"]] == [(n, True) for n in range(1, 8)]
    assert {one["which"]: one["status"] for one in county.document["referrals"]} == ENDS
    assert county.document["directory"]["organizations"] == 150
    assert county.document["directory"]["services"] == 400


def test_what_was_done_and_why_not_reach_the_hospital(county: Played) -> None:
    ends = {one["which"]: one for one in county.document["referrals"]}

    assert ends["first"]["output"].startswith("Procedure/")
    assert ends["second"]["reason"] == "We have no room until the first of next month."
    assert ends["third"]["reason"].startswith("Nobody answered")
    assert [one["output"] for one in county.document["referrals"][1:]] == [None, None, None]


def test_the_hospital_reads_that_silence_has_a_stage_and_whom_to_phone(county: Played) -> None:
    lines = [line for step in county.document["steps"] for line in step["lines"]]

    assert any("businessStatus no-answer" in line for line in lines)
    assert any(re.search(r"must be phoned: \(\d{3}\) 555-01\d\d", line) for line in lines)
    assert any(re.match(r"Timeline, third: .*reminded.*no-answer.*cancelled", line) for line in lines)


def test_the_audit_of_a_demo_holds(county: Played) -> None:
    assert county.document["audit"]["broken"] == []
    assert county.document["audit"]["rows"] > 30


def test_no_mail_and_no_log_names_a_person(county: Played) -> None:
    log = (county.folder / "var/demo/log.txt").read_text(encoding="utf-8")
    written = [*mails(county.folder), log]

    found = [word for one in PATIENTS for word in one.canaries if any(word in text for text in written)]

    assert len(written) > 8
    assert found == []


def test_no_health_data_stands_readable_in_the_database(county: Played) -> None:
    stored = b"".join(one.read_bytes() for one in (county.folder / "var/demo").glob("exchange.db*"))

    found = [word for one in PATIENTS for word in (one.family, one.street, one.phone) if word.encode() in stored]

    assert len(stored) > 100_000
    assert found == []


def test_the_transcript_holds_every_exchange_and_no_secret(county: Played) -> None:
    text = (county.folder / "transcript.txt").read_text(encoding="utf-8")

    assert text.count("POST /oauth/token") >= 1
    assert "Authorization: [secret]" in text
    assert PATIENTS[0].family in text
    assert "POST /answer/[answer link]/answer/reject" in text
    assert not re.search(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}", text)
    assert not re.search(r"Bearer [\w-]{20,}", text)
    assert not re.search(r"/(answer|invitation)/[\w-]{16,}", text)
    assert not re.search(r'"access_token": "(?!\[)', text)
    assert not re.search(r"csrf_token=(?!%5B|\[)", text)


def test_json_is_the_only_thing_on_stdout_and_the_story_is_told_beside_it(county: Played) -> None:
    assert "7. The hospital polls" in county.said
    assert "\x1b[" not in county.said
    assert "people" not in county.document


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="Here nobody tells where other processes run.")
def test_no_server_is_left_behind(county: Played) -> None:
    folders = {one.name: folder_of(one) for one in Path("/proc").glob("[0-9]*")}

    assert folders[str(os.getpid())] == os.getcwd()
    assert [process for process, folder in folders.items() if folder == str(county.folder)] == []


@pytest.mark.skipif(not LINKSF.is_dir(), reason="The real directory of San Francisco is not on this machine.")
def test_a_real_directory_without_zip_codes_is_searched_around_a_zip_code(tmp_path: Path) -> None:
    played = play(tmp_path, "--directory", LINKSF)

    assert played.status == 0, played.said
    assert {one["which"]: one["status"] for one in played.document["referrals"]} == ENDS
    assert played.document["directory"] == {"organizations": 217, "services": 242, "locations": 217}


@pytest.mark.long
def test_a_directory_of_one_agency_is_enough_and_the_demo_serves_on_until_told_to_end(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("--json", "--directory", TOWN), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as serving:  # fmt: skip
        assert serving.stdout is not None
        assert serving.stderr is not None
        document = _first_document(serving.stdout)
        again = subprocess.run(
            command("--once"), cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=SECONDS
        )
        serving.send_signal(signal.SIGTERM)
        said, status = serving.stderr.read(), serving.wait(SECONDS)

    assert {one["which"]: one["status"] for one in document["referrals"]} == ENDS
    assert "the demo adds Corner Street Aid and Telephone Pantry and Quiet Hill Pantry" in said
    assert document["address"].startswith("http://127.0.0.1:")
    assert len({one["password"] for one in document["people"]}) == 3
    assert again.returncode == 1
    assert "Another demo is running in this folder" in again.stderr
    assert status == 143


def _first_document(lines: Any) -> dict[str, Any]:
    """Read the JSON document that a serving demo prints; its last line is a lone brace."""
    read, end = "", time.monotonic() + SECONDS
    while time.monotonic() < end:
        line = lines.readline()
        read += line
        if line.rstrip() == "}" or not line:
            break
    found: dict[str, Any] = json.loads(read)
    return found


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The whole demo with its own county, once for this file."""
    folder = tmp_path_factory.mktemp("demo")
    return play(folder, "--transcript", folder / "transcript.txt")
