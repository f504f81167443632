"""A world of tenants that share an exchange: what each wrote, and in which relation each document stands to whom.

`hospital` (of `network`) sends to the agency `pantry`; `other` is another hospital and `shelter` another agency, who
have to do with each other only; `clinic` sends nothing without a Consent. It is made once: the test runs over copies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from directory.importing import import_source
from exchange.actions.referrals.answer_referral import answer_referral
from exchange.app import create_app
from exchange.config import Config
from exchange.db.audit import audit_event
from exchange.db.document import document
from exchange.db.session import Database
from exchange.domain.actor import Role
from exchange.work.housekeeping import keep_house
from fhir_mapping import systems
from tests.contract.examples import rewritten
from tests.databases import migrated_database, new_database, settle
from tests.exchange.conftest import KEYS, House, StandingClock
from tests.exchange.isolation.canaries import FILES, Canaries
from tests.exchange.web.fhir.conftest import Caller, Door, Json, a_referral, json_of, matches, sample

DIRECTORY: Final = Path(__file__).parents[2] / "data" / "directory" / "hsds_json"
TENANTS: Final = ("hospital", "pantry", "other", "shelter", "clinic", "network")
Kept = dict[str, dict[str, str]]


@dataclass
class World:
    """The application over a database, and a program of each tenant. `kept[relation][type]` is the id of a document;
    `words` are the tenants' canaries, shared by all copies, so that no word comes twice."""

    door: Door
    callers: dict[str, Caller]
    kept: Kept = field(default_factory=dict)
    expired: dict[str, str] = field(default_factory=dict)
    words: dict[str, Canaries] = field(default_factory=dict)

    @property
    def house(self) -> House:
        """The house behind the door."""
        return self.door.house

    def writing(self, tenant: str) -> "Tenant":
        """Return a tenant that writes."""
        return Tenant(self, tenant, self.words.setdefault(tenant, Canaries(tenant)))

    def authors(self) -> dict[str, str]:
        """Return who wrote each document: ids to ids of organisations."""
        with self.house.database.read() as session:
            return {row.id: row.author_id for row in session.execute(select(document.c.id, document.c.author_id))}

    def audit_row(self, organization: str, **wanted: str) -> str:
        """Return the id of the first audit row of something an organisation did."""
        query = select(audit_event.c.id).where(audit_event.c.organization_id == self.house.ids[organization])
        for name, value in wanted.items():
            query = query.where(audit_event.c[name] == value)
        with self.house.database.read() as session:
            return str(session.execute(query.order_by(audit_event.c.id)).scalars().first())


@dataclass
class Tenant:
    """One organisation's program writing documents full of canaries."""

    world: World
    label: str
    words: Canaries

    @property
    def caller(self) -> Caller:
        """Its program."""
        return self.world.callers[self.label]

    def write(self, receiver: str = "pantry", leave_out: frozenset[str] = frozenset()) -> dict[str, str]:
        """Write a document of each type and return their ids by type."""
        ids: dict[str, str] = {}
        for type_name in FILES:
            if type_name not in leave_out:
                made = self.pointed(self.words.document(type_name), ids, receiver)
                ids[type_name] = str(self.caller.create(made)["id"])
        ids["Organization"] = self.organization()
        return ids

    def organization(self) -> str:
        """Keep a private Organization document, as a sender's Bundle may hold one, and return its id."""
        made = self.words.written_into(sample("organization"))
        entry = {"resource": made, "request": {"method": "POST", "url": "Organization"}}
        answer = json_of(self.caller.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))
        return str(answer["entry"][0]["response"]["location"].split("/Organization/")[1].partition("/")[0])

    def pointed(self, made: Json, ids: dict[str, str], receiver: str) -> Json:
        """Return a document whose references lead to what this tenant wrote."""
        parties = {
            "org-hospital": self.caller.organization_id,
            "org-pantry": self.world.callers[receiver].organization_id,
            "hs-1": self.world.kept["listed"]["HealthcareService"],
        }

        def change(reference: str) -> str:
            kind, _, sample_id = reference.partition("/")
            return f"{kind}/{parties.get(sample_id) or ids.get(kind, sample_id)}"

        found: Json = rewritten(made, change)
        return found

    def refer(self, receiver: str | None, **changes: Any) -> dict[str, str]:
        """Send a referral that names a document of each type, and return their ids by type."""
        ids = self.write(receiver or "pantry", frozenset({"ServiceRequest", "Procedure", "Task", "PractitionerRole"}))
        role = self.words.document("PractitionerRole")
        ids["PractitionerRole"] = self.caller.create(self.pointed(role, ids, receiver or "pantry"))["id"]
        asked = self.pointed(self.words.document("ServiceRequest"), ids, receiver or "pantry")
        asked |= {
            "requester": {"reference": f"PractitionerRole/{ids['PractitionerRole']}"},
            "reasonReference": [{"reference": f"{name}/{ids[name]}"} for name in ("Condition", "Observation")],
            "supportingInfo": [
                {"reference": f"{name}/{ids[name]}"}
                for name in ("Consent", "DocumentReference", "QuestionnaireResponse")
            ],
        }
        asked["extension"] += [
            {"url": systems.PERTAINS_TO_GOAL, "valueReference": {"reference": f"Goal/{ids['Goal']}"}}
        ]
        if receiver is None:
            del asked["performer"]
        ids["ServiceRequest"] = self.caller.create(asked)["id"]
        done = self.pointed(self.words.document("Procedure"), ids, receiver or "pantry")
        ids["Procedure"] = self.caller.create(done)["id"]
        ids["Task"] = self.caller.create(self.referral(ids, receiver, **changes))["id"]
        return ids

    def referral(self, ids: dict[str, str], receiver: str | None, **changes: Any) -> Json:
        """Return the referral Task for documents that were written, its texts canaries."""
        others = ("RelatedPerson", "Device", "Questionnaire", "Immunization", "Group", "Procedure")
        task = a_referral(
            f"Patient/{ids['Patient']}",
            f"ServiceRequest/{ids['ServiceRequest']}",
            self.caller.organization_id,
            self.world.callers[receiver].organization_id if receiver else None,
            description=self.words(),
            note=[{"text": self.words()}],
            identifier=[{"system": "https://tenants.example/referral", "value": self.words()}],
            input=[
                {"type": {"text": self.words()}, "valueReference": {"reference": f"{name}/{ids[name]}"}}
                for name in others
            ],
        )
        return task | {"requester": {"reference": f"PractitionerRole/{ids['PractitionerRole']}"}} | changes

    def move(self, task_id: str, *statuses: str, **changes: Any) -> Json:
        """Read a Task and send it back with each status in turn."""
        for status in statuses:
            task = json_of(self.caller.get(f"/Task/{task_id}")) | {"status": status}
            answer = self.caller.put(f"/Task/{task_id}", task | (changes if status == statuses[-1] else {}))
            assert answer.status_code == 200, answer.get_data(as_text=True)
        return json_of(self.caller.get(f"/Task/{task_id}"))

    def complete(self, ids: dict[str, str]) -> str:
        """Accept a referral, write what was done, complete it, and return the Procedure's id."""
        self.move(ids["Task"], "accepted", "in-progress")
        made = self.words.document("Procedure")
        done = rewritten(made, lambda text: text.partition("/")[0] + "/" + ids.get(text.partition("/")[0], ""))
        done["performer"] = [{"actor": {"reference": f"Organization/{self.caller.organization_id}"}}]
        procedure = str(self.caller.create(done)["id"])
        named = [{"type": {"text": self.words()}, "valueReference": {"reference": f"Procedure/{procedure}"}}]
        self.move(ids["Task"], "completed", output=named)
        return procedure

    def answer_by_phone(self, task_id: str, verb: str, **more: Any) -> None:
        """Let a coordinator of this tenant record what the receiver said on the phone."""
        house = self.world.house
        with house.database.write() as session:
            actor = house.person(self.label, Role.COORDINATOR, source="phone")
            answer_referral(session, actor, task_id, verb, **more)


def furnish(world: World) -> Kept:
    """Write what `hospital`, `pantry` and `clinic` have, in every relation; the clock goes on by some three months."""
    house, kept = world.house, world.kept
    hospital, pantry = world.writing("hospital"), world.writing("pantry")
    kept["listed"] = {name: matches(hospital.caller.get(f"/{name}"))[0] for name in ("HealthcareService", "Location")}
    world.expired = {label: caller.token for label, caller in world.callers.items()}
    kept["run out"] = hospital.refer("pantry")
    kept["outputs, long ago"] = {"Procedure": pantry.complete(kept["run out"])}
    house.clock.forward(days=2)
    kept["lapsed"] = hospital.refer("pantry")
    pantry.complete(kept["lapsed"])
    house.clock.forward(days=89)
    assert keep_house(house.database) > 0
    house.clock.forward(days=2)
    world.callers = {label: world.door.caller(label) for label in TENANTS}
    kept["hospital's own"], kept["pantry's own"] = hospital.write(), pantry.write()
    kept["released"] = hospital.refer("pantry")
    hospital.answer_by_phone(kept["released"]["Task"], "accept")
    kept["rejected"] = hospital.refer("pantry")
    pantry.move(kept["rejected"]["Task"], "rejected", statusReason={"text": pantry.words()})
    kept["cancelled"] = hospital.refer("pantry")
    hospital.answer_by_phone(kept["cancelled"]["Task"], "accept")
    hospital.move(kept["cancelled"]["Task"], "cancelled", statusReason={"text": hospital.words()})
    kept["draft"] = hospital.refer("pantry", status="draft")
    kept["preview"] = hospital.refer(None)
    kept["consent needed"] = world.writing("clinic").refer("pantry")
    kept["completed"] = hospital.refer("pantry")
    kept["outputs"] = {"Procedure": pantry.complete(kept["completed"])}
    kept["network's own"] = world.writing("network").write()
    _note_provenance(world, "hospital", "released", "hospital's records")
    _note_provenance(world, "hospital", "cancelled")
    return kept


def furnish_others(world: World) -> Kept:
    """Write what `other` and `shelter` have: nothing of it is anybody else's business."""
    other, shelter, kept = world.writing("other"), world.writing("shelter"), world.kept
    kept["other hospital's own"], kept["other agency's own"] = other.write("shelter"), shelter.write("shelter")
    kept["other hospital's"] = other.refer("shelter")
    other.answer_by_phone(kept["other hospital's"]["Task"], "accept")
    again = kept["other hospital's"]
    ended = other.caller.create(other.referral(again, "shelter"))
    shelter.move(ended["id"], "rejected", statusReason={"text": shelter.words()})
    _note_provenance(world, "other", "other hospital's", "other hospital's records")
    kept["other agency's"] = {"Procedure": shelter.complete(other.refer("shelter"))}
    other.caller.create(other.referral(again, "shelter", status="draft"))
    for name, document_id in kept["released"].items():
        #  what they try is refused, and no business of who wrote it
        assert other.caller.get(f"/{name}/{document_id}").status_code == 404
    return kept


def _note_provenance(world: World, author: str, *relations: str) -> None:
    """Note the Provenance of an answer by phone, for the first relation; its author is whoever held the receiver."""
    task = f"Task/{world.kept[relations[0]]['Task']}"
    found = json_of(world.callers[author].get("/Provenance?_count=200"))["entry"]
    made = next(one["resource"] for one in found if one["resource"]["target"][0]["reference"].startswith(task))
    for name in relations:
        world.kept.setdefault(name, {})["Provenance"] = str(made["id"])


@contextmanager
def opened(url: str, ids: dict[str, str], at: datetime) -> Iterator[World]:
    """Open the application on a database until the block ends, without callers."""
    clock = StandingClock(at)
    house = House(Database(url, keys=KEYS, clock=clock, fhir_base="http://127.0.0.1:8080/fhir"), clock, dict(ids))
    app = create_app(Config(base_url="http://127.0.0.1:8080", database_url=url), house.database)
    yield World(Door(house, app), {})
    app.extensions["exchange_audit"].stop()
    house.database.close()


@contextmanager
def settled_world(folder: Path) -> Iterator[tuple[str, World]]:
    """Give the URL of a furnished database without the others' documents, settled, and the world that it holds."""
    clock = StandingClock()
    with migrated_database(folder, keys=KEYS, clock=clock) as url, opened(url, {}, clock.at) as world:
        house = world.house
        network = house.join("network", kind="network", email="network@example.invalid")
        house.join("hospital", kind="hospital", email="hospital@example.invalid", network_id=network)
        house.join("pantry", kind="agency", email="pantry@example.invalid")
        house.join("other", kind="hospital", email="other@example.invalid")
        house.join("shelter", kind="agency", email="shelter@example.invalid")
        house.join("clinic", kind="hospital", email="clinic@example.invalid", consent_rule="required")
        import_source(house.database.write, DIRECTORY, now=house.clock())
        world.callers = {label: world.door.caller(label) for label in TENANTS}
        furnish(world)
        world.door.app.extensions["exchange_audit"].stop()
        settle(house.database)
        yield url, world


@contextmanager
def copy_of(settled: tuple[str, World], folder: Path) -> Iterator[World]:
    """Give a copy of a settled world: the same documents, ids, tokens and time."""
    url, made = settled
    with new_database(folder, like=url) as copied, opened(copied, made.house.ids, made.house.clock.at) as world:
        world.door.number, world.words = made.door.number, made.words
        world.expired, world.kept = dict(made.expired), {name: dict(ids) for name, ids in made.kept.items()}
        world.callers = {
            label: Caller(world.door.app.test_client(), one.token, one.organization_id)
            for label, one in made.callers.items()
        }
        yield world
