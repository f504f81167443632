"""`exchange client`: one JSON document with --json, sentences without, nothing kept of a key that is secret."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey

from exchange.cli import house as cli_house
from exchange.cli.client import client
from exchange.config import Config
from exchange.domain.errors import ExchangeError
from exchange.outbound import OutboundRefused
from tests.exchange.conftest import House

KEY = ECKey.generate_key("P-384", {"kid": "ec-1", "iat": 1.5})
Run = Callable[..., Result]


def test_register_prints_the_client_id(run: Run, house: House, jwks: Path) -> None:
    result = run(
        "register", "--organization", house.ids["hospital"], "--name", "EHR", "--jwks", str(jwks),
        "--scope", "system/Task.rus system/Patient.c", "--json",
    )  # fmt: skip

    assert result.exit_code == 0
    assert list(json.loads(result.stdout)) == ["client_id"]
    (row,) = json.loads(run("list", "--json").stdout)["clients"]
    assert row["client_id"] == json.loads(result.stdout)["client_id"]
    assert (row["name"], row["scope"], row["keys"], row["revoked_at"]) == (
        "EHR",
        "system/Task.rus system/Patient.c",
        "inline",
        None,
    )


def test_a_key_set_may_be_given_by_address(run: Run, house: House) -> None:
    url = "https://ehr.example/jwks.json"

    result = run(
        "register",
        "--organization",
        house.ids["hospital"],
        "--name",
        "EHR",
        "--jwks-url",
        url,
        "--scope",
        "system/*.rs",
    )

    assert "EHR may ask for tokens as the client" in result.stdout
    assert json.loads(run("list", "--json").stdout)["clients"][0]["keys"] == url


@pytest.mark.parametrize("url", ["http://ehr.example/jwks.json", "https://10.0.0.1/jwks", "file:///etc/hostname"])
def test_an_address_that_would_not_be_asked_is_not_registered(url: str, run: Run, house: House) -> None:
    result = run(
        "register",
        "--organization",
        house.ids["hospital"],
        "--name",
        "EHR",
        "--jwks-url",
        url,
        "--scope",
        "system/*.rs",
    )

    assert isinstance(result.exception, OutboundRefused)


@pytest.mark.parametrize("keys", [[], ["--jwks", "{jwks}", "--jwks-url", "https://ehr.example/"]])
def test_keys_are_given_in_one_way(keys: list[str], run: Run, house: House, jwks: Path) -> None:
    given = [text.format(jwks=jwks) for text in keys]

    result = run("register", "--organization", house.ids["hospital"], "--name", "EHR", "--scope", "system/*.rs", *given)

    assert result.exit_code == 2
    assert "one of the two" in result.stderr


@pytest.mark.parametrize("text", ["", "[]", "{", '{"keys": [], "keys": []}', "-----BEGIN PUBLIC KEY-----"])
def test_a_file_that_is_no_key_set_is_told(text: str, run: Run, house: House, jwks: Path) -> None:
    jwks.write_text(text)

    result = run(
        "register",
        "--organization",
        house.ids["hospital"],
        "--name",
        "EHR",
        "--jwks",
        str(jwks),
        "--scope",
        "system/*.r",
    )

    assert result.exit_code == 1
    assert "is not a key set" in result.stderr


def test_a_file_that_is_not_there_is_told(run: Run, house: House, jwks: Path) -> None:
    result = run(
        "register",
        "--organization",
        house.ids["hospital"],
        "--name",
        "EHR",
        "--jwks",
        f"{jwks}x",
        "--scope",
        "system/*.r",
    )

    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


def test_a_revoked_client_is_listed_as_revoked(run: Run, house: House, jwks: Path) -> None:
    registered = run(
        "register", "--organization", house.ids["hospital"], "--name", "EHR", "--jwks", str(jwks),
        "--scope", "system/Task.r", "--json",
    )  # fmt: skip
    client_id = json.loads(registered.stdout)["client_id"]

    assert json.loads(run("revoke", client_id, "--json").stdout) == {"client_id": client_id}

    assert json.loads(run("list", "--json").stdout)["clients"][0]["revoked_at"]
    assert "revoked" in run("list", "--organization", house.ids["hospital"]).stdout
    assert run("list", "--organization", house.ids["other"]).stdout == ""
    assert isinstance(run("revoke", client_id).exception, ExchangeError)


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    """A file that holds a key set."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [KEY.as_dict(private=False) | {"iat": 1.5}]}))
    return path


@pytest.fixture
def run(house: House) -> Run:
    """Run a command of the group on the database of the house."""

    def command(*arguments: str) -> Result:
        operator: Any = cli_house.House(Config())
        operator.database = house.database
        return CliRunner().invoke(client, arguments, obj=operator)

    return command
