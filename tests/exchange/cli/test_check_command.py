"""`exchange check`: each thing in one line, what holds and what to do about what does not."""

import json
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from exchange.cli.check import check
from exchange.config import Config, WrongSetting, config_from
from exchange.db import session
from exchange.db.sealing import make_secret
from exchange.db.session import stamp
from exchange.db.setting import set_setting, write_order
from tests.exchange.cli.open_house import OpenHouse
from tests.exchange.conftest import House

Look = Callable[..., dict[str, Any]]


@pytest.fixture
def look(house: House, tmp_path: Path) -> Look:
    make_secret(tmp_path / "key")
    #  a database server has a clock of its own, which says today
    house.clock.at = datetime.now(UTC)
    config = Config(secret_key_file=tmp_path / "key", mail_url=f"file://{tmp_path}/mail")

    def found(**settings: Any) -> dict[str, Any]:
        result = CliRunner().invoke(check, ["--json"], obj=OpenHouse(replace(config, **settings), house))
        said: dict[str, Any] = json.loads(result.stdout)
        assert result.exit_code == (0 if all(one["ok"] for one in said.values()) else 1)
        return said

    return found


def test_what_holds_is_said_in_a_line_each(look: Look, house: House, tmp_path: Path) -> None:
    said = look()

    assert [name for name, one in said.items() if not one["ok"]] == []
    assert said["database"]["says"].startswith("answers, at revision 0002")
    assert said["keys"]["says"] == "the key k1 seals and opens, 1 on the ring."
    assert said["mail"]["says"] == "goes out by file, which answers."
    assert said["clock"]["says"] == f"says {house.clock():%Y-%m-%d %H:%M} UTC."
    assert said["address"]["says"] == "http://127.0.0.1:8080 is what others are told."


def test_a_ring_file_that_lacks_a_key_of_the_database_is_named(look: Look, house: House) -> None:
    with house.database.write() as open_session:
        set_setting(open_session, "newest-key", "k3")

    said = look()["keys"]

    assert said == {
        "ok": False,
        "says": "This ring file is older than the database: k3 is not in it. Put its newest copy in place.",
    }


def test_a_mail_server_that_does_not_answer_is_named(look: Look) -> None:
    said = look(mail_url="smtp://127.0.0.1:1")["mail"]

    assert not said["ok"]
    assert said["says"] == (
        "This did not work: The mail server could not be reached (ConnectionRefusedError). "
        "Messages wait and are tried again until it answers."
    )


def test_a_mail_directory_that_cannot_be_made_is_named(look: Look, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert not look(mail_url=f"file://{tmp_path}/file/mail")["mail"]["ok"]


def test_a_clock_that_runs_behind_what_was_written_is_named(look: Look, house: House) -> None:
    with house.database.write() as open_session:
        stamp(open_session)
        open_session.execute(update(write_order).values(stamp=write_order.c.stamp + 6_000_000))

    said = look()["clock"]

    assert not said["ok"]
    assert said["says"].startswith("This did not work: the clock of this machine is wrong: it says 20")


def test_a_server_whose_clock_differs_is_named(look: Look, house: House) -> None:
    if house.database.is_sqlite:
        pytest.skip("It is about a database server, which has a clock of its own.")
    house.clock.forward(days=1)

    said = look()["clock"]

    assert not said["ok"]
    assert "this machine and the database are" in said["says"]


def test_a_disk_without_room_is_named(look: Look, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    if not house.database.is_sqlite:
        pytest.skip("It is about a file: a database server looks at its own disk.")
    monkeypatch.setattr(session.shutil, "disk_usage", lambda _folder: namedtuple("Usage", "free")(63_000_000))

    said = look()["database"]

    assert said["says"] == ("This did not work: the disk is full (63 MB left): make room before anything else.")


def test_an_address_that_is_not_safe_is_named(look: Look) -> None:
    assert look(base_url="http://exchange.example")["address"]["ok"] is False


def test_a_key_file_is_made_once(house: House, tmp_path: Path) -> None:
    def make() -> Result:
        return CliRunner().invoke(check, ["--make-key", str(tmp_path / "new")], obj=OpenHouse(Config(), house))

    first, second = make(), make()

    assert (first.exit_code, second.exit_code) == (0, 1)
    assert "a key file is never written over" in second.stderr


@pytest.mark.parametrize(("level", "kept"), [("debug", "DEBUG"), ("WARNING", "WARNING")])
def test_a_log_level_is_one_that_there_is(level: str, kept: str) -> None:
    assert config_from({"EXCHANGE_LOG_LEVEL": level}).log_level == kept
    with pytest.raises(WrongSetting, match="EXCHANGE_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR."):
        config_from({"EXCHANGE_LOG_LEVEL": "LOUD"})
