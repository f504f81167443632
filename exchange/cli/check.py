"""`exchange check`: database, keys, mail, clock, address, each in one line; and a new key file where there is none."""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from sqlalchemy import func, select

from exchange.cli.house import House, json_option
from exchange.config import refuse_unsafe
from exchange.db.base import moment
from exchange.db.ring_file import number_of
from exchange.db.sealing import make_secret
from exchange.db.session import last_committed
from exchange.db.upgrade import head, revision_of
from exchange.domain.errors import ExchangeError
from exchange.work.channels.email import look_for_mail
from exchange.work.channels.parcel import TryAgain
from exchange.work.resealing import refuse_old_ring

LEAST_ROOM: Final = 64_000_000
#  stamps, tokens and leases compare the clocks of several machines
MOST_APART: Final = timedelta(seconds=5)


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
    room = house.database.free_bytes()
    if room is not None and room < LEAST_ROOM:
        raise ValueError(f"the disk is full ({room // 1_000_000} MB left): make room before anything else.")
    left = f", {room / 1e9:.1f} GB of disk left" if room is not None else ""
    return f"answers, at revision {revision}{left}."


def _keys(house: House) -> str:
    ring = house.database.keys
    if ring.open(ring.seal(b"check", "check"), "check") != b"check":
        raise ValueError("the key ring does not open what it seals.")
    with house.database.read() as session:
        refuse_old_ring(session, max(ring.key_ids, key=number_of))
    return f"the key {ring.current} seals and opens, {len(ring.key_ids)} on the ring."


def _mail(house: House) -> str:
    try:
        look_for_mail(house.config.mail_url)
    except TryAgain as failure:
        raise ValueError(f"{failure} Messages wait and are tried again until it answers.") from None
    return f"goes out by {urlsplit(house.config.mail_url).scheme}, which answers."


def _clock(house: House) -> str:
    at = house.now()
    with house.database.read() as session:
        newest = moment(last_committed(session))
        server = None if house.database.is_sqlite else session.execute(select(func.clock_timestamp())).scalar_one()
    if at.year < 2026 or newest - at > MOST_APART:
        raise ValueError(f"the clock of this machine is wrong: it says {at:%Y-%m-%d %H:%M} UTC. Set it.")
    if server is not None and abs(server - at) > MOST_APART:
        raise ValueError(f"this machine and the database are {abs(server - at).total_seconds():.0f} s apart: set both.")
    return f"says {at:%Y-%m-%d %H:%M} UTC."


def _address(house: House) -> str:
    refuse_unsafe(house.config)
    return f"{house.config.base_url} is what others are told."


LOOKS = {"database": _database, "keys": _keys, "mail": _mail, "clock": _clock, "address": _address}
