"""`python3 run.py dev`: the exchange while you write it. It starts anew when a file changes, and shows each mail.

The database in `var/dev` is seeded once (the demo's county, its organisations, three people, four referrals) and kept;
`--fresh` makes it anew. It is marked as a demo's, so `exchange worker --once --now TIME` works on it.
"""

import os
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
from sqlalchemy.orm import Session
from werkzeug.serving import is_running_from_reloader, run_simple

from exchange.actions.people.accept_invitation import accept_invitation
from exchange.actions.people.invite_user import invite_user
from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.compose_referral import ReferralRequest, compose_referral
from exchange.app import create_app
from exchange.cli.demo_cast import Cast
from exchange.cli.demo_documents import PATIENTS, PatientFacts
from exchange.cli.demo_house import HOST, DemoHouse, free_port
from exchange.cli.demo_joining import PEOPLE, Joined, cast_of, organizations_join
from exchange.cli.demo_parties import Mailbox
from exchange.cli.demo_wire import DemoFailed, Transcript
from exchange.cli.worker import hired
from exchange.domain.actor import Actor, ActorKind, OrganizationKind, Role
from exchange.domain.errors import ExchangeError
from exchange.logs import set_up_logs
from fhir_mapping.case_data.person import Person
from fhir_mapping.case_data.referral import Reason

FOLDER: Final = Path("var/dev")
SIGN_INS: Final = FOLDER / "sign-in.txt"
LOOK_SECONDS: Final = 0.5
NOT_WATCHED: Final = ["*/tests/*", "*/var/*"]
#  which person is referred to whom, and the answers given so far
REFERRALS: Final = (
    (PATIENTS[0], "pantry", ()),
    (PATIENTS[1], "pantry", ("accept", "start")),
    (PATIENTS[2], "phoned", ()),
    (PATIENTS[2], "decliner", ("reject",)),
)


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="Serve on this port. Default: 8080, or a free one.")
@click.option("--fresh", is_flag=True, help="Make the database anew.")
def dev(port: int | None, fresh: bool) -> None:
    """Serve the exchange on this machine, starting anew whenever a file changes."""
    try:
        #  the reloader runs this file again: the second process keeps the first one's port and seeds nothing
        chosen = int(os.environ.get("EXCHANGE_DEV_PORT", 0)) or free_port(port)
        os.environ["EXCHANGE_DEV_PORT"] = str(chosen)
        house = DemoHouse(chosen, Transcript(), FOLDER)
        if not is_running_from_reloader():
            if fresh or not SIGN_INS.is_file():
                _seed(house)
            click.echo(SIGN_INS.read_text(encoding="utf-8").rstrip())
            click.echo(f"Sign in at {house.base_url}/sign-in. Mails are shown here and kept in {FOLDER / 'mail'}.")
    except (DemoFailed, ExchangeError) as failure:
        raise click.ClickException(str(failure)) from None
    _serve(house)


def _serve(house: DemoHouse) -> None:
    """Serve, with a worker and a reader of mails beside the web server in the process that the reloader watches."""
    config, database = house.house.config, house.house.database
    set_up_logs(config.log_level)
    if is_running_from_reloader():
        stop = threading.Event()
        threading.Thread(target=hired(house.house).run, args=(stop,), daemon=True).start()
        threading.Thread(target=_show_mails, args=(house.mailbox, stop), daemon=True).start()
    app = create_app(config, database, TEMPLATES_AUTO_RELOAD=True)
    run_simple(HOST, house.port, app, use_reloader=True, threaded=True, exclude_patterns=NOT_WATCHED)


def _show_mails(mailbox: Mailbox, stop: threading.Event) -> None:
    """Print each new mail: to whom, about what, and the address it asks to open."""
    shown = {name for name, _mail in mailbox.mails()}
    while not stop.is_set():
        for name, mail in mailbox.mails():
            if name not in shown:
                shown.add(name)
                try:
                    link = mailbox.link_in(mail)
                except DemoFailed:
                    link = "no link"
                click.echo(f"Mail to {mail['To']}: {mail['Subject']} ({link}) in {mailbox.folder / name}", err=True)
        time.sleep(LOOK_SECONDS)


def _seed(house: DemoHouse) -> None:
    """Make the database, import the county, let everybody join, and send a few referrals."""
    click.echo("Making a database with a county, organisations, people and referrals …")
    house.build()
    house.import_directory(None)
    cast, operator = cast_of(house), house.house.operator()
    with house.house.database.write() as session:
        joined = organizations_join(session, operator, cast, house.house.config.time_zone)
        lines = list(_people(session, operator, joined))
        for one, part, answers in REFERRALS:
            _refer(session, joined, cast, one, part, answers)
    SIGN_INS.touch(mode=0o600)
    SIGN_INS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _people(session: Session, operator: Actor, joined: Joined) -> Iterator[str]:
    """Let everybody choose a random password, and yield a line with it for each."""
    for part, (name, email, role) in PEOPLE.items():
        invited = invite_user(session, operator, joined.ids[part], email, role, name)
        password = secrets.token_urlsafe(18)
        accept_invitation(session, invited.link_token, password, name)
        yield f"{email:<28} {password}   {name}, {joined.names[part]}"


def _refer(
    session: Session, joined: Joined, cast: Cast, one: PatientFacts, part: str, answers: tuple[str, ...]
) -> None:
    """Send a person's referral from the hospital, and let the receiver answer it so far."""
    kind, hospital = OrganizationKind.HOSPITAL, joined.ids["hospital"]
    sender = Actor(
        ActorKind.USER, hospital, name="Dana Whitfield", role=Role.COORDINATOR, organization_kind=kind,
        network_id=joined.ids["network"],
    )  # fmt: skip
    person = Person(
        family=one.family, given=(one.given,), birth_date=one.birth_date, gender=one.gender, phones=(one.phone,),
        address_lines=(one.street,), zip_code=cast.home, language=one.language, language_name=one.language_name,
    )  # fmt: skip
    asked = "Groceries for the coming two weeks."
    request = ReferralRequest("food-insecurity", asked, "verbal", person=person, receiver_id=joined.ids[part])
    sent = compose_referral(session, sender, request)
    agency = OrganizationKind.AGENCY
    receiver = replace(sender, organization_id=joined.ids[part], name="Sam Ortega", organization_kind=agency)
    for verb in answers:
        reason = Reason("no-capacity", "We have no room until the first of next month.") if verb == "reject" else None
        answer_referral(session, receiver, sent.referral.id, verb, reason=reason)


if __name__ == "__main__":
    dev(prog_name="run.py dev")
