"""`exchange db upgrade | reindex`."""

import click

from exchange.actions.documents.reindex_documents import reindex_documents
from exchange.cli.house import House, json_option
from exchange.db.upgrade import upgrade as upgrade_database
from fhir_mapping.resource_types import RESOURCE_TYPES

BATCH = 500


@click.group()
def db() -> None:
    """The database: its tables and its indexes."""


@db.command()
@json_option
@click.pass_obj
def upgrade(house: House) -> None:
    """Bring the tables to the newest version."""
    revision = upgrade_database(house.database)
    house.answer({"revision": revision}, [f"The database is at revision {revision}."])


@db.command()
@click.argument("type_name", metavar="[TYPE]", required=False)
@json_option
@click.pass_obj
def reindex(house: House, type_name: str | None) -> None:
    """Rebuild what documents are found by, in batches, while the exchange runs."""
    if type_name is not None and type_name not in RESOURCE_TYPES:
        raise click.BadParameter(
            f"There is no type {type_name}: name one of {', '.join(RESOURCE_TYPES)}.", param_hint="TYPE"
        )
    done, after = 0, ""
    while True:
        with house.database.write() as session:
            batch, last = reindex_documents(session, type_name, after=after, limit=BATCH)
        done += batch
        if last is None:
            break
        after = last
        if not house.as_json:
            click.echo(f"{done} documents reindexed …", err=True)
    house.answer({"documents": done}, [f"{done} documents were reindexed."])
