"""`exchange user`: the first people of an organisation come in by link, or with a password from standard input."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.actions.people.check_password import check_password
from exchange.cli import house as cli_house
from exchange.cli.user import user
from exchange.config import Config
from exchange.domain.errors import Conflict, NotFound, Unprocessable
from tests.exchange.conftest import House

Run = Callable[..., Result]
PASSWORD = "seven quiet otters"


def test_invite_prints_the_id_and_the_link(run: Run, house: House) -> None:
    result = run("invite", "--organization", house.ids["pantry"], "--email", "Ada@Pantry.invalid", "--role",
                 "administrator", "--json")  # fmt: skip

    said = json.loads(result.stdout)
    assert result.exit_code == 0
    assert set(said) == {"id", "link"}
    assert said["link"].startswith("http://127.0.0.1:8080/invitation/")
    (row,) = json.loads(run("list", "--organization", house.ids["pantry"], "--json").stdout)["users"]
    assert (row["id"], row["email"], row["role"], row["has_joined"]) == (
        said["id"], "ada@pantry.invalid", "administrator", False,
    )  # fmt: skip


def test_a_password_from_standard_input_opens_the_account(run: Run, house: House) -> None:
    result = run("invite", "--organization", house.ids["pantry"], "--email", "ada@pantry.invalid", "--role",
                 "case_worker", "--name", "Ada", "--password-stdin", "--json", input=PASSWORD + "\n")  # fmt: skip

    assert json.loads(result.stdout)["link"] is None
    with house.database.read() as session:
        assert check_password(session, "ADA@pantry.invalid", PASSWORD, "127.0.0.1") == json.loads(result.stdout)["id"]
    assert PASSWORD not in result.output


def test_an_account_is_closed_with_a_reason_and_listed_as_closed(run: Run, house: House) -> None:
    run("invite", "--organization", house.ids["pantry"], "--email", "ada@pantry.invalid", "--role", "case_worker",
        "--password-stdin", input=PASSWORD + "\n")  # fmt: skip

    result = run("close", "--email", "Ada@pantry.invalid", "--reason", "laptop stolen")

    assert result.stdout == "Ada@pantry.invalid is out, and cannot sign in any more.\n"
    assert [row["is_closed"] for row in json.loads(run("list", "--json").stdout)["users"]] == [True]
    with house.database.read() as session:
        assert check_password(session, "ada@pantry.invalid", PASSWORD, "127.0.0.1") is None


def test_a_weak_password_leaves_no_account(run: Run, house: House) -> None:
    result = run("invite", "--organization", house.ids["pantry"], "--email", "ada@pantry.invalid", "--role",
                 "case_worker", "--password-stdin", input="short\n")  # fmt: skip

    assert isinstance(result.exception, Unprocessable)
    assert json.loads(run("list", "--json").stdout)["users"] == []


@pytest.mark.parametrize(
    ("organization", "email", "refusal"),
    [
        ("nobody", "ada@x.invalid", NotFound),
        ("pantry", "ada", Unprocessable),
        ("hospital", "taken@x.invalid", Conflict),
    ],
)
def test_what_cannot_be_is_refused(
    organization: str, email: str, refusal: type[Exception], run: Run, house: House
) -> None:
    run("invite", "--organization", house.ids["pantry"], "--email", "taken@x.invalid", "--role", "case_worker")

    result = run(
        "invite", "--organization", house.ids.get(organization, organization), "--email", email, "--role", "case_worker"
    )

    assert isinstance(result.exception, refusal)


def test_an_unknown_role_is_wrong_use(run: Run, house: House) -> None:
    result = run("invite", "--organization", house.ids["pantry"], "--email", "a@b.invalid", "--role", "king")

    assert result.exit_code == 2


@pytest.fixture
def run(house: House) -> Run:
    """Run a command of the group on the database of the house."""

    def command(*arguments: str, input: str | None = None) -> Result:
        operator: Any = cli_house.House(Config())
        operator.database = house.database
        return CliRunner().invoke(user, arguments, obj=operator, input=input)

    return command
