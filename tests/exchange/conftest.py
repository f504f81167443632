"""The house of a test: a migrated database, a clock that stands still, organisations, and people to act."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.actions.directory.add_organization import Joining, add_organization
from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.create_document import create_document
from exchange.actions.referrals.compose_referral import ReferralRequest, compose_referral
from exchange.actions.referrals.send_referral import Sent
from exchange.db.sealing import KeyRing
from exchange.db.session import Database
from exchange.domain.actor import Actor, ActorKind, OrganizationKind, Role
from fhir_mapping.case_data.person import Person
from tests.databases import migrated_database, new_database

KEYS = KeyRing({"k1": bytes(range(32))}, "k1", bytes(32))
MONDAY = datetime(2026, 6, 1, 15, tzinfo=UTC)
OPERATOR = Actor(ActorKind.OPERATOR, name="operator test")
CANARY = Person(
    family="Canaryname", given=("Zoelle",), birth_date="1980-01-02", gender="female", phones=("217-555-0143",),
    city="Springfield", state="IL", zip_code="62701", language="es", language_name="Spanish", interpreter_needed=True,
)  # fmt: skip


@dataclass
class StandingClock:
    """A clock that stands until it is moved."""

    at: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


@dataclass
class House:
    """What a test acts with: a hospital and its network, a pantry that is a member, and a stranger, `other`."""

    database: Database
    clock: StandingClock
    ids: dict[str, str] = field(default_factory=dict)

    def person(self, organization: str, role: Role = Role.CASE_WORKER, **more: Any) -> Actor:
        """Return somebody of an organisation."""
        kind = OrganizationKind(
            {"network": "network", "hospital": "hospital", "other": "hospital"}.get(organization, "agency")
        )
        return Actor(
            ActorKind.USER, self.ids[organization], f"user-{organization}", f"Worker of {organization}", role=role,
            organization_kind=kind, **more,
        )  # fmt: skip

    def client(self, organization: str) -> Actor:
        """Return a program of an organisation."""
        return Actor(ActorKind.CLIENT, self.ids[organization], f"client-{organization}", f"EHR of {organization}")

    def join(self, label: str, **said: Any) -> str:
        """Let an organisation join."""
        with self.database.write() as session:
            self.ids[label] = add_organization(session, OPERATOR, Joining(name=label.capitalize(), **said))
        return self.ids[label]

    def keep(self, actor: Actor, document: dict[str, Any]) -> str:
        """Keep a document and return its address."""
        with self.database.write() as session:
            kept = create_document(session, actor, check_document(document)).document
        return f"{kept.type}/{kept.id}"

    def send(self, receiver: str | None = "pantry", **more: Any) -> Sent:
        """Send a referral from the hospital."""
        request = ReferralRequest(
            need="food-insecurity", requested="A food box", consent="verbal", person=CANARY,
            receiver_id=self.ids[receiver] if receiver else None,
        )  # fmt: skip
        from dataclasses import replace

        with self.database.write() as session:
            return compose_referral(session, self.person("hospital"), replace(request, **more))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database at the newest revision, copied for each test."""
    with migrated_database(tmp_path_factory.mktemp("migrated"), keys=KEYS, clock=StandingClock()) as url:
        yield url


@pytest.fixture
def empty_house(migrated: str, tmp_path: Path) -> Iterator[House]:
    """A house without organisations."""
    clock = StandingClock()
    with new_database(tmp_path, like=migrated) as url:
        database = Database(url, keys=KEYS, clock=clock)
        yield House(database, clock)
        database.close()


@pytest.fixture
def house(empty_house: House) -> House:
    """A hospital of a network, an agency that is a member with e-mail, and a stranger hospital."""
    network = empty_house.join("network", kind="network", email="network@example.invalid")
    empty_house.join(
        "hospital", kind="hospital", email="hospital@example.invalid", phone="217-555-0100", network_id=network
    )
    empty_house.join("pantry", kind="agency", email="pantry@example.invalid", phone="217-555-0110")
    empty_house.join("other", kind="hospital", email="other@example.invalid")
    return empty_house
