"""`exchange directory`: import a directory, search it, and say how much there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from directory.errors import BadQuery, DirectoryError
from directory.formats.registry import FORMATS
from directory.geography import Point
from directory.importing import import_source
from directory.lookup import stats as count
from directory.search import Page, Query
from directory.search import search as find
from exchange.cli.house import House, json_option
from exchange.cli.progress import progress_shown


@click.group()
def directory() -> None:
    """Which agencies offer which services, where, for whom."""


@directory.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "format_name", type=click.Choice(list(FORMATS)), help="The form of the files.")
@click.option("--source", help="The publisher; only its own records can change. Default: the path's name.")
@click.option("--allow-removals", is_flag=True, help="Import even if more than a fifth of the services are missing.")
@json_option
@click.pass_obj
def import_command(house: House, path: Path, format_name: str | None, source: str | None, allow_removals: bool) -> None:
    """Import the directory at PATH, a file or a folder."""
    try:
        report = import_source(
            house.database.write,
            path,
            now=house.now(),
            format=format_name,
            source=source,
            allow_removals=allow_removals,
            progress=None if house.as_json else progress_shown(),
        )
    except DirectoryError as error:
        raise click.ClickException(str(error)) from None
    house.answer(report.as_json(), report.lines())


@directory.command("search")
@click.option("--text", help="Words of the service, the agency or what is needed; English or Spanish.")
@click.option("--need", help="A need such as food-pantry, or an SDOHCC category such as food-insecurity.")
@click.option("--zip", "zip_code", help="Search around this ZIP code.")
@click.option("--near", metavar="LAT,LON", help="Search around this place, in degrees.")
@click.option("--radius-km", type=float, default=25.0, show_default=True)
@click.option("--language", help="A language by code or name.")
@click.option("--open-now", is_flag=True, help="Leave out what is known to be closed.")
@click.option("--limit", type=int, default=20, show_default=True)
@json_option
@click.pass_obj
def search_command(house: House, near: str | None, open_now: bool, **given: Any) -> None:
    """Find services."""
    now = house.now()
    query = Query(now=now, point=_point(near), open_at=now if open_now else None, **given)
    try:
        with house.database.read() as session:
            page = find(session, query)
    except BadQuery as error:
        raise click.UsageError(str(error)) from None
    house.answer({"hits": [hit.as_json() for hit in page.hits], "total": page.total}, _lines(page))


def _point(near: str | None) -> Point | None:
    if near is None:
        return None
    try:
        latitude, longitude = map(float, near.split(","))
    except ValueError:
        raise click.UsageError("--near is a latitude and a longitude in degrees, such as 39.80,-89.65.") from None
    return Point(latitude, longitude)


def _lines(page: Page) -> Iterator[str]:
    """Return each hit in three lines for a person."""
    for hit in page.hits:
        away = f" ({hit.distance_km:.1f} km)" if hit.distance_km is not None else ""
        yield f"{hit.service}, {hit.organization}{away}"
        reach = "; ".join(filter(None, (hit.address, *hit.phones, hit.email)))
        yield f"    {reach or 'No address, phone or e-mail is listed.'}"
        yield f"    {' '.join(hit.reasons)}"
    yield from page.notes
    if page.hits:
        yield f"{len(page.hits)} of {page.total if page.total is not None else 'more'} services."


@directory.command("stats")
@json_option
@click.pass_obj
def stats_command(house: House) -> None:
    """Say how much the directory lists."""
    with house.database.read() as session:
        counted = count(session)
    plain = {name: value for name, value in counted.items() if name != "sources"}
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in plain.items()]
    lines += [f"source {s['name']} ({s['format']}), last imported {s['last_imported_at']}" for s in counted["sources"]]
    house.answer(counted, lines)
