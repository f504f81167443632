"""`exchange organization add | list`."""

import click

from exchange.actions.directory.add_organization import Joining, add_organization
from exchange.cli.house import House, json_option
from exchange.db.organization import members
from exchange.domain.actor import OrganizationKind


@click.group()
def organization() -> None:
    """The organisations that have joined."""


@organization.command()
@click.option("--name", required=True, help="As people know it.")
@click.option("--kind", required=True, type=click.Choice([kind.value for kind in OrganizationKind]))
@click.option("--email", help="Where it is told of referrals.")
@click.option("--phone", help="Whom to call.")
@click.option("--identifier", "identifiers", multiple=True, metavar="SYSTEM|VALUE", help="By what others know it.")
@click.option("--directory-id", help="The id under which the directory lists it.")
@click.option("--network", "network_id", metavar="ID", help="The network it belongs to.")
@click.option(
    "--consent", "consent_rule", type=click.Choice(["attested", "required"]), default="attested", show_default=True
)
@click.option("--time-zone", help="Such as America/New_York; the default is EXCHANGE_TIME_ZONE.")
@json_option
@click.pass_obj
def add(house: House, time_zone: str | None, identifiers: tuple[str, ...], **said: str) -> None:
    """Let an organisation join: it keeps the id the directory lists it under."""
    for pair in identifiers:
        if "|" not in pair:
            raise click.BadParameter(f"{pair} is not SYSTEM|VALUE.", param_hint="--identifier")
    joining = Joining(
        identifiers=tuple((pair.partition("|")[0], pair.partition("|")[2]) for pair in identifiers),
        time_zone=time_zone or house.config.time_zone,
        **{name: value for name, value in said.items() if value is not None},
    )
    with house.database.write() as session:
        organization_id = add_organization(session, house.operator(), joining)
    house.answer({"id": organization_id}, [f"{joining.name} has joined as {organization_id}."])


@organization.command(name="list")
@json_option
@click.pass_obj
def list_(house: House) -> None:
    """List the organisations that have joined."""
    with house.database.read() as session:
        rows = [
            {"id": row.id, "name": row.name, "kind": row.kind.value, "email": row.email, "network": row.network_id}
            for row in members(session)
        ]
    house.answer(rows, [f"{row['id']}  {row['kind']:<8}  {row['name']}" for row in rows])
