"""`exchange check`: database, keys, mail, clock, address, each in one line; and a new key file where there is none."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

from exchange.cli.house import House, json_option
from exchange.config import refuse_unsafe
from exchange.db.sealing import make_secret
from exchange.db.upgrade import head, revision_of
from exchange.domain.errors import ExchangeError


@click.command()
@click.option(
    "--make-key", "key_file", type=click.Path(path_type=Path, dir_okay=False), help="Write a new secret key file."
)
@json_option
@click.pass_obj
def check(house: House, key_file: Path | None) -> None:
    """Check that this machine can serve: what holds, and what to do about what does not."""
    if key_file is not None:
        try:
            make_secret(key_file)
        except FileExistsError:
            raise click.ClickException(f"{key_file} exists: a key file is never written over.") from None
        house.answer(
            {"key_file": str(key_file)}, [f"Wrote {key_file}. Set EXCHANGE_SECRET_KEY_FILE to it and back it up."]
        )
        return
    results = {name: _outcome(look, house) for name, look in LOOKS.items()}
    house.answer(
        {name: {"ok": ok, "says": says} for name, (ok, says) in results.items()},
        [f"{'ok ' if ok else 'NOT'}  {name:<9} {says}" for name, (ok, says) in results.items()],
    )
    if not all(ok for ok, _says in results.values()):
        sys.exit(1)


def _outcome(look: Callable[[House], str], house: House) -> tuple[bool, str]:
    try:
        return True, look(house)
    except ExchangeError as refusal:
        return False, refusal.sentence
    except click.ClickException as refusal:
        return False, refusal.message
    except (OSError, ValueError) as failure:
        return False, f"This did not work: {failure}"


def _database(house: House) -> str:
    revision = revision_of(house.database)
    if revision != head():
        raise ValueError(f"the tables are at revision {revision or 'none'}, not {head()}: run `exchange db upgrade`.")
    return f"answers, at revision {revision}."


def _keys(house: House) -> str:
    ring = house.database.keys
    if ring.open(ring.seal(b"check", "check"), "check") != b"check":
        raise ValueError("the key ring does not open what it seals.")
    return f"the key {ring.current} seals and opens."


def _mail(house: House) -> str:
    parts = urlsplit(house.config.mail_url)
    if parts.scheme not in ("file", "smtp", "smtps"):
        raise ValueError("EXCHANGE_MAIL_URL must begin with smtp://, smtps:// or file://.")
    return f"goes out by {parts.scheme}."


def _clock(_house: House) -> str:
    at = datetime.now(UTC)
    if at.year < 2026:
        raise ValueError("the clock of this machine is wrong: set it.")
    return f"says {at:%Y-%m-%d %H:%M} UTC."


def _address(house: House) -> str:
    refuse_unsafe(house.config)
    return f"{house.config.base_url} is what others are told."


LOOKS = {"database": _database, "keys": _keys, "mail": _mail, "clock": _clock, "address": _address}
