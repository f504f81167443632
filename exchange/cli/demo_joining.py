"""Who joins the demo's exchange: a network, a hospital with its EHR, a pantry of the directory, and three people."""

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc.jwk import ECKey
from sqlalchemy.orm import Session

from exchange.actions.clients.register_client import register_client
from exchange.actions.directory.add_organization import Joining, add_organization
from exchange.actions.people.invite_user import invite_user
from exchange.cli.demo_cast import MADE_UP_DOMAIN, Agency, Cast, choose_cast
from exchange.cli.demo_house import DemoHouse
from exchange.cli.demo_parties import SCOPES, EHRClient, Person
from exchange.cli.demo_wire import DemoFailed, Wire
from exchange.db.audit import Verification
from exchange.domain.actor import Actor, Role

HOSPITAL_PHONE: Final = "(555) 555-0100"
HOSPITAL_EMAIL: Final = f"discharge@hospital.{MADE_UP_DOMAIN}"
NETWORK_EMAIL: Final = f"desk@network.{MADE_UP_DOMAIN}"
#  at which organisation → the person's name, address and role
PEOPLE: Final = {
    "pantry": ("Sam Ortega", f"sam@pantry.{MADE_UP_DOMAIN}", Role.CASE_WORKER),
    "hospital": ("Dana Whitfield", f"dana@hospital.{MADE_UP_DOMAIN}", Role.COORDINATOR),
    "network": ("Robin Achebe", f"robin@network.{MADE_UP_DOMAIN}", Role.COORDINATOR),
}


@dataclass(frozen=True, slots=True)
class Joined:
    """The story's organisations by their parts: `pantry`, `hospital`, `network`, `decliner`, `phoned`, `silent`."""

    ids: dict[str, str]
    names: dict[str, str]
    pantry_email: str


@dataclass
class Story:
    """Who is there once everybody has joined, and what the steps find out.

    `people` are at their browsers, by their organisation's part. `tasks` holds the ids of the referrals by name,
    `polled_until` is how far the hospital has polled, `ends` how each referral ended.
    """

    demo: DemoHouse
    cast: Cast
    joined: Joined
    ehr: EHRClient
    people: dict[str, Person]
    tasks: dict[str, str] = field(default_factory=dict)
    polled_until: str = ""
    ends: list[dict[str, str | None]] = field(default_factory=list)
    audit: Verification | None = None

    @property
    def hospital(self) -> str:
        """The hospital's name."""
        return self.joined.names["hospital"]

    @property
    def sign_ins(self) -> list[dict[str, str]]:
        """Who can sign in, with what."""
        return [{"who": one.wire.party, "email": one.email, "password": one.password} for one in self.people.values()]


def everybody_joins(demo: DemoHouse) -> Story:
    """Choose the cast, add organisations, register the EHR and let three people choose passwords over HTTP."""
    cast = cast_of(demo)
    key = ECKey.generate_key("P-384", {"kid": f"ehr-{secrets.token_hex(4)}", "use": "sig", "alg": "ES384"})
    operator = demo.house.operator()
    with demo.house.database.write() as session:
        joined = organizations_join(session, operator, cast, demo.house.config.time_zone)
        program = f"EHR of {joined.names['hospital']}"
        client_id = register_client(
            session, operator, joined.ids["hospital"], program, SCOPES, jwks={"keys": [key.as_dict(private=False)]}
        )
        links = {
            part: invite_user(session, operator, joined.ids[part], email, role, name).link_token
            for part, (name, email, role) in PEOPLE.items()
        }
    people = {part: _at_a_browser(demo, part, joined.names[part], link) for part, link in links.items()}
    ehr = EHRClient(Wire(demo.base_url, demo.transcript, program), client_id, key)
    return Story(demo, cast, joined, ehr, people)


def cast_of(demo: DemoHouse) -> Cast:
    """Return who plays, by the directory that was imported. Raises DemoFailed when it lists no service."""
    with demo.house.database.read() as session:
        try:
            return choose_cast(session, demo.house.now())
        except LookupError as error:
            raise DemoFailed(str(error.args[0])) from None


def organizations_join(session: Session, operator: Actor, cast: Cast, time_zone: str) -> Joined:
    """Let the network, the hospital and the pantry join; agencies of the directory that do not keep their ids."""
    zone = cast.place.zone if cast.place else time_zone
    town = cast.place.city.title() if cast.place else "County"
    names = {"hospital": f"{town} General Hospital", "network": f"{town} Care Network", "pantry": cast.pantry.name}
    pantry_email = cast.pantry.email or f"front-desk@pantry.{MADE_UP_DOMAIN}"

    def join(name: str, kind: str, **said: Any) -> str:
        return add_organization(session, operator, Joining(name, kind, time_zone=zone, **said))

    def receiver(one: Agency) -> str:
        return one.id or join(one.name, "agency", email=one.email, phone=one.phone)

    network = join(names["network"], "network", email=NETWORK_EMAIL)
    ids = {
        "network": network,
        "hospital": join(names["hospital"], "hospital", network_id=network, email=HOSPITAL_EMAIL, phone=HOSPITAL_PHONE),
        "pantry": join(names["pantry"], "agency", directory_id=cast.pantry.id, network_id=network, email=pantry_email),
        "decliner": receiver(cast.decliner),
        "phoned": receiver(cast.phoned),
        "silent": receiver(cast.silent),
    }
    return Joined(ids, names, pantry_email)


def _at_a_browser(demo: DemoHouse, part: str, organization: str, link: str) -> Person:
    """Return a person who has opened the invitation and chosen a password."""
    name, email, _role = PEOPLE[part]
    person = Person(Wire(demo.base_url, demo.transcript, f"{name}, {organization}"), email)
    person.join(f"{demo.base_url}/invitation/{link}", name)
    return person
