"""`exchange db upgrade | reindex`."""

import click

from exchange.cli.house import House, json_option
from exchange.cli.progress import nothing_shown, progress_shown
from exchange.db.upgrade import upgrade as upgrade_database
from exchange.work.reindexing import reindex as reindex_all
from fhir_mapping.resource_types import RESOURCE_TYPES


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
    """Rebuild what documents are found by, in batches, while the exchange runs. Broken off, run it again."""
    if type_name is not None and type_name not in RESOURCE_TYPES:
        raise click.BadParameter(
            f"There is no type {type_name}: name one of {', '.join(RESOURCE_TYPES)}.", param_hint="TYPE"
        )
    done = reindex_all(house.database, type_name, nothing_shown if house.as_json else progress_shown())
    house.answer({"documents": done}, [f"{done} documents were reindexed."])
