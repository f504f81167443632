"""`exchange worker`: winds the clocks, hands over messages, keeps house and seals the audit."""

import signal
import threading
from dataclasses import asdict
from datetime import datetime

import click

from exchange.cli.house import House, json_option
from exchange.db.ring_file import number_of
from exchange.db.setting import setting
from exchange.logs import set_up_logs
from exchange.outbound import outbound_session
from exchange.work.channels.opening import open_channels
from exchange.work.relay import Relay
from exchange.work.resealing import refuse_old_ring
from exchange.work.worker import Worker


@click.command()
@click.option("--once", is_flag=True, help="Work until nothing is due, then end.")
@click.option("--now", "now_text", metavar="TIME", help="With --once, on a demo's database: as if it were this time.")
@json_option
@click.pass_obj
def worker(house: House, once: bool, now_text: str | None) -> None:
    """Do what happens later, until stopped."""
    if now_text is not None and not once:
        raise click.UsageError("--now goes with --once only.")
    now = _time(now_text) if now_text is not None else None
    set_up_logs(house.config.log_level)
    with house.database.read() as session:
        refuse_old_ring(session, max(house.database.keys.key_ids, key=number_of))
    working = hired(house)
    if now is not None:
        _refuse_real(house)
    if once:
        tally = working.run_once(now)
        house.answer(
            asdict(tally),
            [f"{tally.clocks} clocks struck, {tally.messages} messages handled, {tally.sealed} audit rows sealed."],
        )
        if tally.failed:
            raise click.ClickException("Something failed; the log lines above say what. It is met again next time.")
        return
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    working.run(stop)


def hired(house: House) -> Worker:
    """Return a worker with its channels. Raises ClickException for settings that it cannot work with."""
    config, database = house.config, house.database
    try:
        channels = open_channels(config, outbound_session(config.allowed_addresses))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    return Worker(database, Relay(database, channels, config.base_url))


def _refuse_real(house: House) -> None:
    with house.database.read() as session:
        if setting(session, "demo") != "true":
            raise click.ClickException("--now is for a demo's database only: this one holds real referrals.")


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.UsageError("--now is a time with its zone, such as 2026-12-01T09:00:00Z.")
    return moment
