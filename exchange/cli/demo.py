"""`python3 run.py demo`: a hospital refers, agencies answer, every loop closes. No server, no network, no account.

The exchange is served on this machine, and the parties drive it from outside, over HTTP. Everything lies in `var/demo`,
which is wiped at each start. Exit status 0, or 1 and a sentence when a step did not hold; 2 for wrong use.
"""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from exchange.cli.demo_endings import is_declined_and_sent_on, nobody_answers, the_reckoning
from exchange.cli.demo_house import DemoHouse, Servers, free_port, refuse_ended
from exchange.cli.demo_joining import Story, everybody_joins
from exchange.cli.demo_steps import closes_the_loop, finds_a_pantry, gets_a_token, sends_two_referrals
from exchange.cli.demo_telling import Telling
from exchange.cli.demo_wire import DemoFailed, Transcript
from exchange.domain.errors import ExchangeError

STEPS: Final = (
    ("The hospital's EHR gets a token and reads what the exchange can do", gets_a_token),
    ("It finds a food pantry near the patient", finds_a_pantry),
    ("It sends two referrals", sends_two_referrals),
    ("The agency is told, accepts, gives the service, and closes the loop", closes_the_loop),
    ("Another declines by link; the hospital sends it on; a phone call is recorded", is_declined_and_sent_on),
    ("A third is answered by nobody, and does not end in silence", nobody_answers),
    ("The hospital polls and sees every end; the audit verifies", the_reckoning),
)

LOOK_SECONDS: Final = 0.5


@click.command(epilog="Everything lies in var/demo, which is wiped at each start.")
@click.option("--once", is_flag=True, help="End when the story is told, instead of serving on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document with every step and the final states.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Serve on this port. Default: 8080, or a free one.")
@click.option("--directory", type=click.Path(path_type=Path, exists=True), help="Use the agencies of this directory.")
@click.option("--transcript", type=click.Path(path_type=Path, dir_okay=False), help="Write each HTTP exchange there.")
@click.option("--ehr", help="Pull the case from an EHR's sandbox.")
def demo(
    once: bool, as_json: bool, port: int | None, directory: Path | None, transcript: Path | None, ehr: str | None
) -> None:
    """Show the whole exchange at work on this machine."""
    if ehr is not None:
        raise click.UsageError("This version has no connection to an EHR's sandbox yet: leave --ehr out.")
    if os.environ.get("EXCHANGE_DATABASE_URL"):
        raise click.UsageError("The demo makes a database of its own: unset EXCHANGE_DATABASE_URL and start it again.")
    signal.signal(signal.SIGTERM, _stopped)
    tell, written = Telling(to_stderr=as_json), Transcript()
    try:
        house = DemoHouse(free_port(port), written)
        _run(house, tell, directory, once=once, as_json=as_json)
    except (DemoFailed, ExchangeError, OSError) as failure:
        _fail(tell, f"{failure}", as_json=as_json)
    finally:
        if transcript is not None:
            written.save(transcript)


def _run(house: DemoHouse, tell: Telling, directory: Path | None, *, once: bool, as_json: bool) -> None:
    began = time.monotonic()
    tell.aside(f"Making a database in {house.folder} and importing {directory or 'a made-up county'} …")
    house.build()
    with house.serving() as servers:
        read = house.import_directory(directory)
        counts = {kind: read[kind]["added"] for kind in ("organizations", "services", "locations")}
        tell.aside("The directory lists " + ", ".join(f"{count} {kind}" for kind, count in counts.items()) + ".")
        house.wait_until_ready(servers)
        story = everybody_joins(house)
        tell.aside(f"Web and worker run at {house.base_url}. {story.hospital} and {story.cast.pantry.name} join.")
        if story.cast.made_up:
            names = " and ".join(one.name for one in story.cast.made_up)
            tell.aside(f"The directory has nobody for every part of the story, so the demo adds {names}.")
        for number, (title, act) in enumerate(STEPS, start=1):
            tell.step(number, title, partial(act, story, tell))
        seconds = time.monotonic() - began
        if as_json:
            _print_json(_document(tell, story, counts, seconds, serves=not once))
        tell.aside(f"\nEvery loop is closed, after {seconds:.0f} seconds.")
        if not once:
            _serve_on(tell, story, servers)


def _document(tell: Telling, story: Story, counts: dict[str, int], seconds: float, *, serves: bool) -> dict[str, Any]:
    assert story.audit is not None
    document: dict[str, Any] = {
        "ok": True,
        "steps": [asdict(step) for step in tell.steps],
        "referrals": story.ends,
        "audit": {"rows": story.audit.rows, "blocks": story.audit.blocks, "broken": list(story.audit.broken)},
        "directory": counts,
        "mails": len(story.demo.mailbox.mails()),
        "seconds": round(seconds, 1),
    }
    return document | ({"address": story.demo.base_url, "people": story.sign_ins} if serves else {})


def _serve_on(tell: Telling, story: Story, servers: Servers) -> None:
    """Print who can sign in, and serve until Ctrl-C."""
    tell.aside(f"\nThe exchange stays up. Sign in at {story.demo.base_url}/sign-in:")
    for one in story.sign_ins:
        tell.aside(f"   {one['email']:<34} {one['password']}   {one['who']}")
    tell.aside(f"Mails are in {story.demo.folder / 'mail'}, the log is {story.demo.log}. Ctrl-C ends it.")
    with suppress(KeyboardInterrupt):
        while True:
            refuse_ended(servers)
            time.sleep(LOOK_SECONDS)


def _fail(tell: Telling, sentence: str, *, as_json: bool) -> NoReturn:
    if as_json:
        _print_json({"ok": False, "error": sentence, "steps": [asdict(step) for step in tell.steps]})
    where = f"Step {tell.steps[-1].number} did not hold. " if tell.steps else ""
    click.secho(f"{where}{sentence}", err=True, fg="red")
    sys.exit(1)


def _print_json(document: dict[str, Any]) -> None:
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    sys.stdout.flush()


def _stopped(*_: object) -> NoReturn:
    """End by SIGTERM in an orderly way, so that the servers end too."""
    sys.exit(143)


if __name__ == "__main__":
    demo(prog_name="run.py demo")
