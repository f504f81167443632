"""`exchange audit verify | export`."""

import sys
from datetime import datetime
from pathlib import Path

import click

from exchange.cli.house import House, json_option
from exchange.db import audit as audit_rows
from exchange.db.base import moment


@click.group()
def audit() -> None:
    """The record of who did what."""


@audit.command()
@json_option
@click.pass_obj
def verify(house: House) -> None:
    """Recompute every block of the audit and the chain between them."""
    with house.database.read() as session:
        found = audit_rows.verify(session)
    document = {"blocks": found.blocks, "rows": found.rows, "unsealed": found.unsealed, "broken": list(found.broken)}
    verdict = "The audit holds" if not found.broken else "The audit is broken"
    house.answer(
        document,
        [f"{verdict}: {found.rows} rows in {found.blocks} blocks, {found.unsealed} not sealed yet.", *found.broken],
    )
    if found.broken:
        sys.exit(1)


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--organization",
    "organization_id",
    metavar="ID",
    required=True,
    help="Whose rows: what it did and what was done to its documents.",
)
@click.option("--since", type=click.DateTime(), help="From this UTC time on.")
@json_option
@click.pass_obj
def export(house: House, file: Path, organization_id: str, since: datetime | None) -> None:
    """Write the rows an organisation may read as JSON lines. Queries stay sealed."""
    import json

    count, after = 0, None
    with house.database.read() as session, file.open("w") as lines:
        while True:
            rows = audit_rows.readable(session, organization_id, after=after, limit=1000)
            for row in rows:
                if since is None or moment(row.at).replace(tzinfo=None) >= since:
                    said = {
                        name: value
                        for name, value in row._mapping.items()
                        if name not in ("query", "key_id") and value is not None
                    }
                    lines.write(json.dumps(said | {"at": moment(row.at).isoformat()}) + "\n")
                    count += 1
            if len(rows) < 1000:
                break
            after = (rows[-1].at, rows[-1].id)
    house.answer({"rows": count, "file": str(file)}, [f"{count} rows were written to {file}."])
