"""`exchange keys rotate | add | retire | list`: the keys that seal the data, and what still needs them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from exchange.cli.house import House, json_option
from exchange.cli.progress import nothing_shown, progress_shown
from exchange.db.ring_file import read_ring_file
from exchange.db.sealed_columns import needed
from exchange.db.sealing import ring_path
from exchange.work.resealing import add_key, begin_rotation, finish_rotation, retire_keys, unneeded


@click.group()
def keys() -> None:
    """The keys that seal the data at rest."""


@keys.command()
@click.option("--retire", is_flag=True, help="Afterwards take old keys from the ring that no row needs any more.")
@json_option
@click.pass_obj
def rotate(house: House, retire: bool) -> None:
    """Make a new key, seal with it from now on, and seal anew what is stored, while the exchange runs.

    A rotation that was interrupted is finished first; it makes no further key.
    """
    path, operator = _ring_file(house), house.operator()
    rotation = begin_rotation(house.database, path, operator)
    finish_rotation(house.database, rotation, nothing_shown if house.as_json else progress_shown())
    gone = retire_keys(house.database, path, operator) if retire else []
    document = {
        "current": rotation.current,
        "went_on": rotation.went_on,
        "resealed": rotation.values,
        "broken": rotation.broken,
        "retired": gone,
        **_state(house, path),
    }
    began = "An interrupted rotation was finished" if rotation.went_on else "The keys were rotated"
    lines = [f"{began}: {rotation.current} seals from now on, {rotation.sealed} values were sealed anew."]
    lines += _lines(house, path)
    lines += [f"Retired: {key_id}. Backups made before today may still need the ring file of then." for key_id in gone]
    lines.append(f"Back up {path}, apart from the database.")
    house.answer(document, lines)
    if rotation.broken:
        raise click.ClickException(
            f"{rotation.broken} values do not open and were left as they are; the log says why (see docs/runbook.md)."
        )


@keys.command()
@json_option
@click.pass_obj
def add(house: House) -> None:
    """Put a new key on the ring that seals nothing yet: copy the file to every machine, then `keys rotate`."""
    path = _ring_file(house)
    key_id = add_key(house.database, path, house.operator())
    house.answer({"added": key_id}, [f"{key_id} is on the ring: copy {path} to every machine, then `keys rotate`."])


@keys.command()
@json_option
@click.pass_obj
def retire(house: House) -> None:
    """Take from the ring the keys that no row needs and that have sealed nothing for a day."""
    path = _ring_file(house)
    gone = retire_keys(house.database, path, house.operator())
    house.answer(
        {"retired": gone, **_state(house, path)}, [f"Retired: {', '.join(gone) or 'none'}.", *_lines(house, path)]
    )


@keys.command("list")
@json_option
@click.pass_obj
def list_keys(house: House) -> None:
    """List the keys on the ring, which of them seals, and what still needs each."""
    path = _ring_file(house)
    house.answer(_state(house, path), _lines(house, path))


def _ring_file(house: House) -> Path:
    secret = house.config.secret_key_file
    if secret is None or not secret.exists():
        raise click.ClickException("EXCHANGE_SECRET_KEY_FILE must name the file that seals the data.")
    return ring_path(secret, house.config.key_ring_file)


def _state(house: House, path: Path) -> dict[str, Any]:
    ring = read_ring_file(path)
    with house.database.read() as session:
        used, free = needed(session), unneeded(session, ring, house.now())
    return {
        "keys": [
            {
                "id": key_id,
                "seals": key_id == ring.current,
                "superseded_at": ring.superseded[key_id].isoformat() if key_id in ring.superseded else None,
                "needed_by": used.get(key_id, {}),
                "may_be_retired": key_id in free,
            }
            for key_id in ring.opening
        ],
        "missing": {key_id: tables for key_id, tables in used.items() if key_id not in ring.opening},
    }


def _lines(house: House, path: Path) -> Iterator[str]:
    state = _state(house, path)
    for key in state["keys"]:
        does = "seals" if key["seals"] else "opens"
        rows = ", ".join(f"{count} of {table}" for table, count in sorted(key["needed_by"].items()))
        left = f"needed by {rows}" if rows else "needed by no row"
        yield f"{key['id']:<4} {does}, {left}{'; may be retired' if key['may_be_retired'] else ''}."
    for key_id, tables in state["missing"].items():
        yield f"{key_id:<4} IS NOT ON THE RING and is needed by {sum(tables.values())} rows: see docs/runbook.md."
