"""`exchange keys`: what an operator types, and what it prints."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exchange.cli.house import House
from exchange.cli.keys import keys
from exchange.config import Config
from exchange.db.sealing import make_secret
from exchange.db.session import Database
from tests.databases import new_database

Run = Callable[..., Result]


@pytest.fixture
def run(migrated: str, tmp_path: Path) -> Iterator[Run]:
    make_secret(tmp_path / "key")
    opened: list[Database] = []
    with new_database(tmp_path, like=migrated) as url:

        def command(*arguments: str, **settings: Path | None) -> Result:
            config = Config(database_url=url, secret_key_file=tmp_path / "key")
            house = House(replace(config, **settings))  # type: ignore[arg-type]  # a path each
            result = CliRunner().invoke(keys, arguments, obj=house)
            if "database" in vars(house):
                opened.append(house.database)
            return result

        yield command
        for database in opened:
            database.close()


def test_a_rotation_says_which_key_seals_and_what_to_back_up(run: Run, tmp_path: Path) -> None:
    result = run("rotate")

    assert result.exit_code == 0
    assert result.stdout == (
        "The keys were rotated: k2 seals from now on, 0 values were sealed anew.\n"
        "k1   opens, needed by no row.\n"
        "k2   seals, needed by no row.\n"
        f"Back up {tmp_path}/key.ring, apart from the database.\n"
    )


def test_the_list_says_what_needs_each_key(run: Run) -> None:
    run("rotate")

    listed = json.loads(run("list", "--json").stdout)

    assert [(key["id"], key["seals"], key["may_be_retired"]) for key in listed["keys"]] == [
        ("k1", False, False),
        ("k2", True, False),
    ]
    assert listed["missing"] == {}


def test_a_key_that_was_just_superseded_is_not_retired(run: Run) -> None:
    result = json.loads(run("rotate", "--retire", "--json").stdout)

    assert (result["current"], result["retired"]) == ("k2", [])
    assert run("retire").stdout.startswith("Retired: none.\n")


def test_a_key_that_was_added_is_taken_up_by_the_next_rotation(run: Run, tmp_path: Path) -> None:
    ring = tmp_path / "elsewhere" / "ring.json"

    added = run("add", key_ring_file=ring)
    rotated = json.loads(run("rotate", "--json", key_ring_file=ring).stdout)

    assert added.stdout == f"k2 is on the ring: copy {ring} to every machine, then `keys rotate`.\n"
    assert rotated["current"] == "k2"


def test_without_a_secret_there_is_nothing_to_rotate(run: Run) -> None:
    result = run("rotate", secret_key_file=None)

    assert (result.exit_code, result.stderr) == (
        1,
        "Error: EXCHANGE_SECRET_KEY_FILE must name the file that seals the data.\n",
    )
