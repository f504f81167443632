"""`exchange backup FILE` and `exchange restore FILE`: the whole database at one moment, and that moment again."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import func, select

from exchange.cli.house import House, json_option
from exchange.cli.serving_lock import serving_lock, sqlite_file
from exchange.db import audit
from exchange.db.audit import AuditEntry, Verification
from exchange.db.backup import new_backup
from exchange.db.backup_file import Manifest, Progress, opened_backup
from exchange.db.outbox import WAITING, MessageRow
from exchange.db.restore import restore as restore_backup
from exchange.db.upgrade import head
from exchange.web.fhir.metadata import VERSION

FILE = click.Path(path_type=Path, dir_okay=False)
#  how often a line says how far it is, where there is no terminal for a bar
STEPS = 4


@click.command()
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Write over FILE where it exists.")
@json_option
@click.pass_obj
def backup(house: House, file: Path, force: bool) -> None:
    """Write a backup of the database to FILE while it is served. It needs the key file to be of use: keep both."""
    database = house.database
    with (
        _progress("Backing up") as progress,
        new_backup(database, file, version=VERSION, progress=progress, is_forced=force) as manifest,
    ):
        _note(house, "backup")
    document = _said(manifest) | {"file": str(file), "bytes": file.stat().st_size}
    house.answer(
        document,
        [
            f"{file} holds the database as it was at {manifest.made_at}, at revision {manifest.revision}: "
            f"{manifest.rows.get('referral', 0)} referrals.",
            f"It opens only with the secret key file and these keys: {', '.join(manifest.keys) or 'none'}.",
        ],
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--replace", "replaces", is_flag=True, help="Put it in the place of a database that holds something.")
@json_option
@click.pass_obj
def restore(house: House, file: Path, replaces: bool) -> None:
    """Put the database back as FILE holds it. Nothing may be running over it."""
    database = house.database
    with (
        serving_lock(sqlite_file(database)) as is_alone,
        _progress("Restoring") as progress,
        opened_backup(file, database.keys) as source,
    ):
        if not is_alone:
            raise click.ClickException("The database is being served: stop the web server and the worker first.")
        kept = restore_backup(database, source, is_replacing=replaces, progress=progress)
        manifest = source.manifest
    is_newest = manifest.revision == head()
    found = _verified(house) if is_newest else None
    waiting = _waiting(house) if is_newest else None
    house.answer(
        _said(manifest) | {"kept": str(kept) if kept else None, "waiting_messages": waiting, "audit": _audit(found)},
        _told(manifest, kept, found, waiting),
    )
    if found is not None and found.broken:
        sys.exit(1)


def _said(manifest: Manifest) -> dict[str, object]:
    return {
        "made_at": manifest.made_at,
        "exchange": manifest.exchange,
        "database": manifest.database,
        "revision": manifest.revision,
        "sha256": manifest.payload_sha256,
        "keys": list(manifest.keys),
        "rows": manifest.rows,
    }


def _verified(house: House) -> Verification:
    """Note the restore in the audit that was restored, and check that audit."""
    _note(house, "restore")
    with house.database.read() as session:
        return audit.verify(session)


def _note(house: House, what: str) -> None:
    operator = house.operator()
    entry = AuditEntry(
        at=house.now(), action="R" if what == "backup" else "U", interaction=what, outcome="0",
        actor_kind=operator.kind.value, actor_name=operator.name,
    )  # fmt: skip
    with house.database.write(takes_turn=False) as session:
        audit.write(session, [entry])


def _waiting(house: House) -> int:
    with house.database.read() as session:
        query = select(func.count()).select_from(MessageRow).where(MessageRow.state == WAITING)
        return session.execute(query).scalar_one()


def _audit(found: Verification | None) -> dict[str, object] | None:
    return None if found is None else {"rows": found.rows, "blocks": found.blocks, "broken": list(found.broken)}


def _told(manifest: Manifest, kept: Path | None, found: Verification | None, waiting: int | None) -> Iterator[str]:
    """Return what an operator reads afterwards."""
    yield f"The database is as it was at {manifest.made_at}: {manifest.rows.get('referral', 0)} referrals."
    if kept is not None:
        yield f"What stood there before is kept as {kept}."
    if found is None:
        yield f"It is at revision {manifest.revision}: run `exchange db upgrade`, then `exchange audit verify`."
    else:
        yield f"The audit {'is broken' if found.broken else 'holds'}: {found.rows} rows in {found.blocks} blocks."
        yield from found.broken
    if waiting:
        yield f"{waiting} messages wait; what was told after the backup is told again, under the same message ids."
    yield "What was revoked or closed since then is not any more: look through clients, people and webhooks."


@contextmanager
def _progress(label: str) -> Iterator[Progress]:
    """Show how far it is: a bar on a terminal, a few lines elsewhere, both on standard error."""
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        step = STEPS * done // max(total, 1)
        if is_terminal:
            click.echo(f"\r{label} {'#' * (20 * done // max(total, 1)):<20} {done}/{total}", err=True, nl=False)
        elif step > told:
            click.echo(f"{label}: {100 * done // total} % …", err=True)
        told = step

    is_terminal = sys.stderr.isatty()
    yield tell
    if is_terminal:
        click.echo("", err=True)
