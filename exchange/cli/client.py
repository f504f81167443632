"""`exchange client register|list|revoke`: programs that may ask for tokens, and in whose name."""

import json
from pathlib import Path
from typing import Any

import click

from exchange.actions.clients.register_client import register_client
from exchange.actions.clients.revoke_client import revoke_client
from exchange.cli.house import House, json_option
from exchange.db.client import ClientRow, clients_of
from exchange.outbound import check_address
from fhir_mapping.json_text import JSONProblem, parse


@click.group()
def client() -> None:
    """Register the programs of organisations, list them, and revoke them."""


@client.command()
@click.option("--organization", "organization_id", required=True, metavar="ID", help="In whose name it acts.")
@click.option("--name", required=True, help="How the audit names it.")
@click.option("--jwks", "jwks_file", type=click.Path(path_type=Path, dir_okay=False), help="A file of its public keys.")
@click.option("--jwks-url", help="Where its public keys are published.")
@click.option("--scope", required=True, help='What it may ask for at most, such as "system/Task.rus".')
@json_option
@click.pass_obj
def register(
    house: House, organization_id: str, name: str, jwks_file: Path | None, jwks_url: str | None, scope: str
) -> None:
    """Register a client and print its client_id."""
    if (jwks_file is None) == (jwks_url is None):
        raise click.UsageError("Give the keys by --jwks or by --jwks-url, and by one of the two.")
    if jwks_url is not None:
        check_address(jwks_url, house.config.allowed_addresses)
    jwks = _key_set(jwks_file) if jwks_file is not None else None
    with house.database.write() as session:
        client_id = register_client(
            session, house.operator(), organization_id, name, scope, jwks=jwks, jwks_url=jwks_url
        )
    house.answer({"client_id": client_id}, [f"{name} may ask for tokens as the client {client_id}."])


@client.command("list")
@click.option("--organization", "organization_id", metavar="ID", help="Only of this organisation.")
@json_option
@click.pass_obj
def list_clients(house: House, organization_id: str | None) -> None:
    """List clients, the oldest first."""
    with house.database.read() as session:
        rows = [_row(one) for one in clients_of(session, organization_id)]
    lines = [
        "  ".join(
            (row["client_id"], row["name"], row["organization_id"], "revoked" if row["revoked_at"] else row["scope"])
        )
        for row in rows
    ]
    house.answer({"clients": rows}, lines)


@client.command()
@click.argument("client_id")
@json_option
@click.pass_obj
def revoke(house: House, client_id: str) -> None:
    """Revoke the client CLIENT_ID: its tokens stop at once, and it gets no more."""
    with house.database.write() as session:
        revoke_client(session, house.operator(), client_id)
    house.answer({"client_id": client_id}, [f"The client {client_id} is revoked."])


def _key_set(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
        value = parse(text, max_depth=8, max_bytes=200_000)
    except OSError:
        raise click.ClickException("The file of --jwks cannot be read: check its name and its permissions.") from None
    except JSONProblem as problem:
        raise click.ClickException(f"The file of --jwks is not a key set. {problem.sentence}") from None
    if not isinstance(value, dict):
        raise click.ClickException('The file of --jwks is not a key set: it must hold {"keys": [...]}.')
    found: dict[str, Any] = json.loads(text)
    return found


def _row(row: ClientRow) -> dict[str, Any]:
    return {
        "client_id": row.id,
        "organization_id": row.organization_id,
        "name": row.name,
        "scope": row.scope,
        "keys": row.jwks_url or "inline",
        "registered_at": row.registered_at.isoformat(),
        "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
    }
