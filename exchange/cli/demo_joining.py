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

HOSPITAL_EMAIL: Final = f"discharge@hospital.{MADE_UP_DOMAIN}"
NETWORK_EMAIL: Final = f"desk@network.{MADE_UP_DOMAIN}"
#  at which organisation → the person's name, address and role
PEOPLE: Final = {
    "pantry": ("Sam Ortega", f"sam@pantry.{MADE_UP_DOMAIN}", Role.CASE_WORKER),
    "hospital": ("Dana Whitfield", f"dana@hospital.{MADE_UP_DOMAIN}", Role.COORDINATOR),
    "network": ("Robin Achebe", f"robin@network.{MADE_UP_DOMAIN}", Role.COORDINATOR),
}


@dataclass
class Story:
    """Who is there once everybody has joined, and what the steps find out.

    `ids` are the organisations' by their part in the story, `people` those at their browsers. `tasks` holds the ids of
    the referrals by name, `polled_until` is how far the hospital has polled, `ends` how each referral ended.
    """

    demo: DemoHouse
    cast: Cast
    ids: dict[str, str]
    hospital_name: str
    pantry_email: str
    ehr: EHRClient
    people: dict[str, Person]
    tasks: dict[str, str] = field(default_factory=dict)
    polled_until: str = ""
    ends: list[dict[str, str | None]] = field(default_factory=list)
    audit: Verification | None = None

    @property
    def sign_ins(self) -> list[dict[str, str]]:
        """Who can sign in, with what."""
        return [{"who": one.wire.party, "email": one.email, "password": one.password} for one in self.people.values()]


def everybody_joins(demo: DemoHouse) -> Story:
    """Choose the cast, add organisations, register the EHR and let three people choose passwords over HTTP."""
    with demo.house.database.read() as session:
        try:
            cast = choose_cast(session, demo.house.now())
        except LookupError as error:
            raise DemoFailed(str(error.args[0])) from None
    town = cast.place.city.title() if cast.place else "County"
    names = {"hospital": f"{town} General Hospital", "network": f"{town} Care Network", "pantry": cast.pantry.name}
    key = ECKey.generate_key("P-384", {"kid": f"ehr-{secrets.token_hex(4)}", "use": "sig", "alg": "ES384"})
    pantry_email = cast.pantry.email or f"front-desk@pantry.{MADE_UP_DOMAIN}"
    operator = demo.house.operator()
    with demo.house.database.write() as session:
        ids = _organizations_join(session, operator, demo, cast, names, pantry_email)
        client_id = register_client(
            session, operator, ids["hospital"], f"EHR of {names['hospital']}", SCOPES,
            jwks={"keys": [key.as_dict(private=False)]},
        )  # fmt: skip
        links = {
            part: invite_user(session, operator, ids[part], email, role, name).link_token
            for part, (name, email, role) in PEOPLE.items()
        }
    people = {part: _at_a_browser(demo, part, names[part], link) for part, link in links.items()}
    ehr = EHRClient(Wire(demo.base_url, demo.transcript, f"EHR of {names['hospital']}"), client_id, key)
    return Story(demo, cast, ids, names["hospital"], pantry_email, ehr, people)


def _organizations_join(
    session: Session, operator: Actor, demo: DemoHouse, cast: Cast, names: dict[str, str], pantry_email: str
) -> dict[str, str]:
    """Return the ids of the story's organisations; those of the directory that have not joined keep theirs."""
    zone = cast.place.zone if cast.place else demo.house.config.time_zone

    def join(name: str, kind: str, **said: Any) -> str:
        return add_organization(session, operator, Joining(name, kind, time_zone=zone, **said))

    def receiver(one: Agency) -> str:
        return one.id or join(one.name, "agency", email=one.email, phone=one.phone)

    network = join(names["network"], "network", email=NETWORK_EMAIL)
    return {
        "network": network,
        "hospital": join(
            names["hospital"], "hospital", network_id=network, email=HOSPITAL_EMAIL, phone="(555) 555-0100"
        ),
        "pantry": join(names["pantry"], "agency", directory_id=cast.pantry.id, network_id=network, email=pantry_email),
        "decliner": receiver(cast.decliner),
        "phoned": receiver(cast.phoned),
        "silent": receiver(cast.silent),
    }


def _at_a_browser(demo: DemoHouse, part: str, organization: str, link: str) -> Person:
    """Return a person who has opened the invitation and chosen a password."""
    name, email, _role = PEOPLE[part]
    person = Person(Wire(demo.base_url, demo.transcript, f"{name}, {organization}"), email)
    person.join(f"{demo.base_url}/invitation/{link}", name)
    return person
