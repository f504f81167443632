"""The town of the browser journeys: the made-up county, a hospital and its network, and agencies told in three ways.

A town is made once and copied for each journey, which serves its copy on a port of this machine and lets the real
worker write the mails into a folder.
"""

import email
import email.policy
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from directory.county import county, write_hsds
from directory.importing import import_source
from directory.search import Query, search
from exchange.actions.directory.add_organization import Joining, add_organization
from exchange.actions.directory.find_organization import find_organization
from exchange.actions.people.accept_invitation import accept_invitation
from exchange.actions.people.invite_user import invite_user
from exchange.actions.referrals.compose_referral import ReferralRequest, compose_referral
from exchange.app import create_app
from exchange.config import Config
from exchange.db import referral
from exchange.db.sealing import KeyRing
from exchange.db.session import Database
from exchange.db.upgrade import upgrade
from exchange.domain.actor import SYSTEM, Actor, ActorKind, OrganizationKind, Role
from exchange.outbound import outbound_session
from exchange.work.channels.opening import open_channels
from exchange.work.relay import Relay
from exchange.work.worker import Worker
from fhir_mapping.case_data.person import Person
from fhir_mapping.case_data.referral import Referral
from tests.loopback import served

KEYS: Final = KeyRing({"k1": bytes(range(32))}, "k1", bytes(32))
OPERATOR: Final = Actor(ActorKind.OPERATOR, name="operator test")
PASSWORD: Final = "seven quiet otters"
FOOD: Final = "food-insecurity"
HOME: Final = "62703"
MONDAY_MORNING: Final = datetime(2026, 6, 1, 15, tzinfo=UTC)
PATIENT: Final = Person(
    family="Canaryname", given=("Zoelle",), birth_date="1980-01-02", gender="female", phones=("217-555-0143",),
    city="Springfield", state="IL", zip_code=HOME, language="es", language_name="Spanish", interpreter_needed=True,
)  # fmt: skip
#  what no mail may hold
PRIVATE: Final = ("Canaryname", "Zoelle", "1980", "555-0143", "food", HOME)
#  who can sign in: at which organisation → name and role
STAFF: Final = {
    "hospital": ("Dana Whitfield", Role.COORDINATOR),
    "network": ("Robin Achebe", Role.COORDINATOR),
}


class WalkingClock:
    """A clock that starts on a Monday morning and goes at the pace of the real one; it can be put forward."""

    def __init__(self, start: datetime = MONDAY_MORNING) -> None:
        self._start, self._began = start, time.monotonic()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def forward(self, **by: float) -> None:
        """Put the clock forward, as `timedelta` counts."""
        self._start += timedelta(**by)


@dataclass(frozen=True)
class Agency:
    """An agency of the directory."""

    id: str
    name: str
    email: str | None
    phone: str | None


@dataclass(frozen=True)
class Town:
    """A database file, who is in it, and three agencies: one a member, one told by mail, one that must be phoned."""

    path: Path
    ids: dict[str, str]
    pantry: Agency
    table: Agency
    phoned: Agency


def build_town(folder: Path) -> Town:
    """Make the town: migrate, import the county, let the organisations join and their people choose passwords."""
    path, clock = folder / "town.db", WalkingClock()
    database = Database(f"sqlite:///{path}", keys=KEYS, clock=clock)
    upgrade(database)
    import_source(database.write, write_hsds(county(1), folder / "county"), now=clock())
    found = _food_near_home(database, clock())
    mailed = [one for one in found if one.email]
    pantry, table = mailed[:2]
    phoned = next(one for one in found if not one.email and one.phone)
    with database.write() as session:

        def join(name: str, kind: str, **said: Any) -> str:
            return add_organization(session, OPERATOR, Joining(name, kind, **said))

        network = join("Sangamon Care Network", "network", email="desk@network.invalid", phone="217-555-0190")
        hospital = join(
            "Prairie General Hospital", "hospital", email="discharge@hospital.invalid", phone="217-555-0100",
            network_id=network,
        )  # fmt: skip
        join(pantry.name, "agency", directory_id=pantry.id, email=pantry.email, phone=pantry.phone)
        ids = {"network": network, "hospital": hospital, "pantry": pantry.id, "table": table.id, "phoned": phoned.id}
        for label, (name, role) in STAFF.items():
            invited = invite_user(session, OPERATOR, ids[label], address_of(label), role, name)
            accept_invitation(session, invited.link_token, PASSWORD, name)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return Town(path, ids, pantry, table, phoned)


def address_of(label: str) -> str:
    """Return the e-mail address with which the person of an organisation signs in."""
    return f"person@{label}.invalid"


def _food_near_home(database: Database, now: datetime) -> list[Agency]:
    """Return agencies with food near home, each once, nearest first."""
    query = Query(now=now, need=FOOD, zip_code=HOME, radius_km=25, accepts_referrals=True, limit=50)
    found: dict[str, Agency] = {}
    with database.read() as session:
        for hit in search(session, query).hits:
            facts = find_organization(session, hit.organization_id)
            if facts is not None:
                one = Agency(facts.id, facts.name, facts.email, facts.phone)
                found.setdefault(one.id, one)
    return list(found.values())


@dataclass
class LivingTown:
    """A town that is served: its address, its worker, its mail."""

    town: Town
    base_url: str
    database: Database
    clock: WalkingClock
    worker: Worker
    mail: Path
    _read: set[Path] = field(default_factory=set)

    def send(self, label: str | None = "pantry", **more: Any) -> Referral:
        """Send a referral from the hospital to one of the agencies (None: to the network), and let the mail go out."""
        request = ReferralRequest(
            need=FOOD, requested="A food box a week until the end of the month.", consent="verbal", person=PATIENT,
            receiver_id=self.town.ids[label] if label else None,
        )  # fmt: skip
        with self.database.write() as session:
            sent = compose_referral(session, self.somebody_of("hospital"), replace(request, **more))
        self.work()
        return sent.referral

    def somebody_of(self, label: str) -> Actor:
        """Return a coordinator of the hospital or the network."""
        return Actor(
            ActorKind.USER, self.town.ids[label], f"user-{label}", STAFF[label][0], role=STAFF[label][1],
            organization_kind=OrganizationKind(label),
        )  # fmt: skip

    def invite(self, label: str, name: str, role: Role = Role.CASE_WORKER, *, joins: bool = True) -> str:
        """Invite a person: who `joins` chooses the password at once, another gets the mail. Returns the address."""
        with self.database.write() as session:
            invited = invite_user(
                session, OPERATOR, self.town.ids[label], address_of(label), role, name, by_mail=not joins
            )
            if joins:
                accept_invitation(session, invited.link_token, PASSWORD, name)
        self.work()
        return address_of(label)

    def now_stands(self, referral_id: str) -> Referral:
        """Return how a referral stands now."""
        with self.database.read() as session:
            found = referral.find(session, referral_id, visible_to=SYSTEM)
        assert found is not None, "there is no such referral"
        return found

    def work(self) -> None:
        """Let the worker do all that is due."""
        tally = self.worker.run_once()
        assert not tally.failed, "a chore of the worker failed; its log says which"

    def new_mail(self, to: str) -> EmailMessage:
        """Return the one mail to an address that was not read yet."""
        unread = [path for path in sorted(self.mail.glob("*.eml")) if path not in self._read]
        mails = {path: email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in unread}
        found = [path for path, mail in mails.items() if mail["To"] == to]
        assert len(found) == 1, f"{len(found)} new mails to {to}"
        self._read.add(found[0])
        return mails[found[0]]

    def link_in_mail(self, to: str) -> str:
        """Return the link of the new mail to an address, having read that the mail tells nothing private."""
        body = self.new_mail(to).get_content()
        for word in PRIVATE:
            assert word.lower() not in body.lower(), "the mail tells something private"
        links = re.findall(rf"{re.escape(self.base_url)}/\S+", body)
        assert len(links) == 1, "a mail leads to one place"
        return links[0]

    def code_in_mail(self, to: str) -> str:
        """Return the six digits of the new mail to an address."""
        found = re.search(r"\b\d{6}\b", self.new_mail(to).get_content())
        assert found is not None, "the mail holds no code"
        return found[0]


@contextmanager
def living(town: Town, folder: Path) -> Iterator[LivingTown]:
    """Serve a copy of the town until the block ends."""
    shutil.copy(town.path, folder / "town.db")
    with served(_nobody_home) as server:
        config = Config(
            database_url=f"sqlite:///{folder / 'town.db'}", base_url=f"http://127.0.0.1:{server.port}",
            mail_url=f"file://{folder / 'mail'}",
        )  # fmt: skip
        clock = WalkingClock()
        database = Database(config.database_url, keys=KEYS, clock=clock, fhir_base=config.fhir_base)
        app = create_app(config, database)
        server.app = app.wsgi_app
        worker = Worker(database, Relay(database, open_channels(config, outbound_session(())), config.base_url))
        yield LivingTown(town, config.base_url, database, clock, worker, folder / "mail")
    app.extensions["exchange_audit"].stop()
    database.close()


def _nobody_home(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("503 Service Unavailable", [])
    return [b""]
