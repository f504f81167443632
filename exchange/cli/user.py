"""`exchange user invite | close | list`: the first people of an organisation come in, and go. No password is fixed."""

import sys

import click

from exchange.actions.people.accept_invitation import accept_invitation
from exchange.actions.people.close_account import close_account
from exchange.actions.people.invite_user import invite_user
from exchange.actions.people.list_people import list_people
from exchange.cli.house import House, json_option
from exchange.domain.actor import Role


@click.group()
def user() -> None:
    """Invite people into organisations, close accounts, list them."""


@user.command()
@click.option("--organization", "organization_id", required=True, metavar="ID", help="The organisation they belong to.")
@click.option("--email", required=True, help="Where they are reached; they sign in with it.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--name", default="", help="How colleagues see them.")
@click.option("--password-stdin", is_flag=True, help="Take the password from standard input instead of giving a link.")
@json_option
@click.pass_obj
def invite(house: House, organization_id: str, email: str, role: str, name: str, password_stdin: bool) -> None:
    """Invite a person, and print the link by which they choose a password."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    with house.database.write() as session:
        invited = invite_user(session, house.operator(), organization_id, email, Role(role), name)
        if password is not None:
            accept_invitation(session, invited.link_token, password, name)
    if password is not None:
        house.answer({"id": invited.user_id, "link": None}, [f"{email} may sign in now."])
        return
    link = f"{house.config.base_url}/invitation/{invited.link_token}"
    house.answer({"id": invited.user_id, "link": link}, [f"{email} chooses a password within seven days at:", link])


@user.command()
@click.option("--email", required=True, help="The address they sign in with.")
@click.option("--reason", required=True, help="Why; it stands in the audit.")
@json_option
@click.pass_obj
def close(house: House, email: str, reason: str) -> None:
    """Close an account: its sessions end at once. `user invite` opens it again."""
    with house.database.write() as session:
        user_id = close_account(session, house.operator(purpose=reason[:300]), email)
    house.answer({"id": user_id}, [f"{email} is out, and cannot sign in any more."])


@user.command("list")
@click.option("--organization", "organization_id", metavar="ID", help="Only of this organisation.")
@json_option
@click.pass_obj
def list_users(house: House, organization_id: str | None) -> None:
    """List accounts, by address."""
    with house.database.read() as session:
        people = list_people(session, organization_id)
    rows = [
        {
            "id": person.id,
            "organization_id": person.organization_id,
            "email": person.email,
            "name": person.name,
            "role": person.role.value,
            "has_joined": person.has_joined,
            "is_closed": person.is_closed,
        }
        for person in people
    ]
    lines = [f"{person.email}  {person.role.value}  {person.organization_id}" for person in people]
    house.answer({"users": rows}, lines)
