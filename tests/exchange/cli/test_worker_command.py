"""`worker --once` and `outbox`: what an operator types, and what it prints."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from exchange.cli.outbox import outbox
from exchange.cli.worker import worker
from exchange.config import Config
from exchange.db import audit
from exchange.db.outbox import MessageRow
from exchange.db.setting import set_setting
from tests.exchange.cli.open_house import OpenHouse


@pytest.fixture
def run(house: Any, tmp_path: Path) -> Any:
    def command(which: Any, *arguments: str, **settings: Any) -> Result:
        config = Config(mail_url=f"file://{tmp_path}/mail", base_url="https://exchange.example", **settings)
        return CliRunner().invoke(which, arguments, obj=OpenHouse(config, house))

    return command


def test_a_single_pass_does_what_is_due_and_says_so(house: Any, run: Any, tmp_path: Path) -> None:
    house.send()

    result = run(worker, "--once", "--json")

    assert result.exit_code == 0
    assert {**json.loads(result.stdout), "sealed": 0} == {
        "clocks": 0,
        "messages": 1,
        "sealed": 0,
        "ended": 0,
        "failed": 0,
    }
    (path,) = (tmp_path / "mail").iterdir()
    assert b"You have a referral" in path.read_bytes()


def test_a_virtual_time_is_for_a_demo_only(house: Any, run: Any) -> None:
    sent = house.send()
    later = (sent.referral.due_at + timedelta(minutes=1)).isoformat()

    refused = run(worker, "--once", "--now", later)
    with house.database.write() as session:
        set_setting(session, "demo", "true")
    done = run(worker, "--once", "--now", later, "--json")

    assert (refused.exit_code, refused.stderr) == (
        1,
        "Error: --now is for a demo's database only: this one holds real referrals.\n",
    )
    assert json.loads(done.stdout)["clocks"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--now", "2026-12-01T09:00:00Z"), "--now goes with --once only."),
        (("--once", "--now", "tomorrow"), "--now is a time with its zone"),
        (("--once", "--now", "2026-12-01T09:00:00"), "--now is a time with its zone"),
    ],
)
def test_wrong_use_is_a_sentence_and_status_2(run: Any, arguments: tuple[str, ...], sentence: str) -> None:
    result = run(worker, *arguments)

    assert result.exit_code == 2
    assert sentence in result.stderr


def test_a_setting_that_cannot_be_used_is_a_sentence(house: Any) -> None:
    result = CliRunner().invoke(worker, ["--once"], obj=OpenHouse(Config(mail_url="pigeon://loft"), house))

    assert (result.exit_code, result.stderr.startswith("Error: EXCHANGE_MAIL_URL must be")) == (1, True)


def test_what_was_given_up_is_listed_without_its_address_and_goes_out_again(house: Any, run: Any) -> None:
    house.send()
    parked = _park(house)

    listed = run(outbox, "list", "--json")
    replayed = run(outbox, "replay", parked)
    after = run(outbox, "list")

    (shown,) = json.loads(listed.stdout)["messages"]
    assert (shown["id"], shown["state"], shown["last_error"]) == (parked, "parked", "The receiver answered 500.")
    assert "pantry@example.invalid" not in listed.stdout + after.stdout
    assert replayed.stdout == "1 of 1 messages go out again; a worker takes them up.\n"
    assert "waiting  referral.requested by email, tries: 0." in after.stdout
    with house.database.read() as session:
        interactions = list(session.scalars(select(audit.audit_event.c.interaction)))
    assert interactions[-1] == "replay-outbox"


def test_all_that_was_given_up_goes_out_again_at_one_word(house: Any, run: Any) -> None:
    house.send()
    _park(house)

    assert json.loads(run(outbox, "replay", "--all", "--json").stdout) == {"replayed": 1}
    assert json.loads(run(outbox, "replay", "--all", "--json").stdout) == {"replayed": 0}


@pytest.mark.parametrize(
    ("arguments", "status"), [(("replay",), 2), (("replay", "--all", "x"), 2), (("replay", "x"), 1)]
)
def test_a_replay_of_nothing_that_was_given_up_is_refused(run: Any, arguments: tuple[str, ...], status: int) -> None:
    assert run(outbox, *arguments).exit_code == status


def test_the_list_is_of_one_referral_where_one_is_named_and_says_when_it_is_cut(house: Any, run: Any) -> None:
    first, second = house.send(), house.send()

    of_one = json.loads(run(outbox, "list", "--referral", second.referral.id, "--json").stdout)
    cut = run(outbox, "list", "--limit", "1").stdout.splitlines()

    assert [message["referral_id"] for message in of_one["messages"]] == [second.referral.id]
    assert of_one["counts"] == {"waiting": 1}
    assert of_one["messages"][0]["created_at"] == house.clock().isoformat()
    assert of_one["messages"][0]["sent_at"] is None
    assert cut[1] == "1 of 2 are shown: --limit shows more."
    assert first.referral.id not in json.dumps(of_one)


def test_an_empty_outbox_says_so(run: Any) -> None:
    assert run(outbox, "list").stdout == "Nothing waits, and nothing was given up.\n"


def _park(house: Any) -> str:
    with house.database.write() as session:
        row = session.scalars(select(MessageRow)).one()
        row.state, row.attempts, row.last_error = "parked", 8, "The receiver answered 500."
        return str(row.id)
