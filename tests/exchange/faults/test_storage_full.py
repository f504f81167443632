"""No room left: every door that writes says so, nothing acknowledged is lost, and it heals by itself (F11)."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from exchange.app import create_app
from exchange.config import Config
from exchange.db.audit import audit_event
from exchange.db.document import document
from tests.databases import SERVER
from tests.exchange.faults.full_disk import Disk
from tests.exchange.web.fhir.conftest import Door, a_patient, a_referral, a_request, told
from tests.exchange.web.oauth.conftest import ASSERTION_TYPE
from tests.reliability import Reached, sizes

FULL = "The disk is full: nothing was stored. Try again when there is room."
#  a refusal is audited too, where there is room for that
_CREATED = select(func.count()).where(audit_event.c.interaction == "create", audit_event.c.outcome == "0")
only_on_sqlite = pytest.mark.skipif(SERVER is not None, reason="It is about a file: PostgreSQL keeps its own.")


@pytest.mark.invariant(
    "full-disk-refuses-clearly",
    "With no room left every request is refused with 507 and nothing acknowledged is lost; with room all goes on.",
)
@pytest.mark.parametrize("rounds", sizes(3, 40))
def test_a_full_disk_loses_nothing_that_was_acknowledged_and_heals(
    rounds: int, door: Door, disk: Disk, reached: Reached
) -> None:
    hospital = door.caller("hospital")
    kept, refused = [], 0

    for _round in range(rounds):
        kept += [hospital.create(a_patient())["id"] for _each in range(3)]
        disk.fill()
        answers = [hospital.post("/Patient", a_patient()) for _each in range(5)]
        assert {told(answer) for answer in answers} == {(507, "no-store", FULL)}
        assert {answer.headers["Retry-After"] for answer in answers} == {"60"}
        refused += len(answers)
        disk.make_room()

    assert disk.is_sound()
    with door.house.database.read() as session:
        ids = session.execute(select(document.c.id).where(document.c.type == "Patient")).scalars().all()
        audited = session.execute(_CREATED).scalar()
    assert sorted(ids) == sorted(kept)
    assert audited == len(kept)
    reached(acknowledged=len(kept), lost=0, refused_with_507=refused)


def test_each_write_of_the_fhir_door_says_that_there_is_no_room(door: Door, disk: Disk, fhir_writes: Any) -> None:
    disk.fill()

    answers = {name: write() for name, write in fhir_writes.items()}

    assert {name: told(answer) for name, answer in answers.items()} == dict.fromkeys(answers, (507, "no-store", FULL))
    assert len(answers) >= 5


def test_what_cannot_be_audited_is_not_shown_and_what_need_not_be_is(door: Door, disk: Disk, app: Flask) -> None:
    hospital = door.caller("hospital")
    patient = hospital.create(a_patient())["id"]
    disk.fill()

    assert told(hospital.get(f"/Patient/{patient}")) == (507, "no-store", FULL)
    assert told(hospital.get("/Patient?gender=female")) == (507, "no-store", FULL)
    assert told(hospital.get("/Patient/unknown")) == (507, "no-store", FULL)
    open_to_all = ("/healthz", "/readyz", "/fhir/metadata", "/fhir/.well-known/smart-configuration", "/sign-in")
    assert {path: app.test_client().get(path).status_code for path in open_to_all} == dict.fromkeys(open_to_all, 200)
    disk.make_room()
    assert hospital.get(f"/Patient/{patient}").status_code == 200


def test_the_token_endpoint_and_the_api_say_so_in_their_own_form(door: Door, disk: Disk, app: Flask) -> None:
    hospital = door.caller("hospital")
    disk.fill()

    token = app.test_client().post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "client_assertion": "x", "client_assertion_type": ASSERTION_TYPE},
    )
    webhook = hospital.http.post(
        "/api/webhooks", json={"url": "https://ehr.example/hook"}, headers={"Authorization": f"Bearer {hospital.token}"}
    )

    assert (token.status_code, token.json["error"]) == (507, "temporarily_unavailable")
    assert (webhook.status_code, webhook.json["title"], webhook.json["detail"]) == (507, "No room left", FULL)
    assert token.headers["Retry-After"] == webhook.headers["Retry-After"] == "60"


@only_on_sqlite
def test_a_quota_is_told_like_a_full_disk(door: Door, disk: Disk) -> None:
    """The limit of a file's size and a quota reach SQLite as a write that failed, in the midst of a commit."""
    hospital = door.caller("hospital")
    wal = Path(f"{door.house.database.url.database}-wal")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    patient = hospital.create(a_patient())["id"]

    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, limits[1]))
    try:
        answer = hospital.post("/Patient", a_patient())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert told(answer) == (507, "no-store", FULL)
    assert disk.is_sound()
    assert hospital.get(f"/Patient/{patient}").status_code == 200
    assert hospital.post("/Patient", a_patient()).status_code == 201


@only_on_sqlite
def test_a_database_that_may_not_be_written_is_told_with_a_sentence(door: Door, disk: Disk) -> None:
    hospital = door.caller("hospital")

    disk.protect()
    answer = hospital.post("/Patient", a_patient())
    disk.protect(is_on=False)

    assert told(answer)[:2] == (503, "transient")
    assert told(answer)[2].startswith("The database cannot be read or written at this moment: nothing was stored.")
    assert answer.headers["Retry-After"] == "5"


@pytest.fixture
def disk(house: Any) -> Iterator[Disk]:
    disk = Disk(house.database)
    yield disk
    disk.make_room()


@pytest.fixture
def app(house: Any) -> Iterator[Flask]:
    made = create_app(Config(base_url="http://127.0.0.1:8080"), house.database, PROPAGATE_EXCEPTIONS=False)
    yield made
    made.extensions["exchange_audit"].stop()


@pytest.fixture
def door(house: Any, app: Flask) -> Door:
    return Door(house, app)


@pytest.fixture
def fhir_writes(door: Door) -> dict[str, Callable[[], TestResponse]]:
    """Each way of writing at the FHIR door, ready to be tried."""
    hospital, pantry = door.caller("hospital"), door.caller("pantry")
    patient = f"Patient/{hospital.create(a_patient())['id']}"
    request = f"ServiceRequest/{hospital.create(a_request(patient))['id']}"
    task = hospital.create(a_referral(patient, request, hospital.organization_id, pantry.organization_id))
    another = a_referral(patient, request, hospital.organization_id, pantry.organization_id)
    match = f'W/"{task["meta"]["versionId"]}"'
    entry = {"resource": a_patient(), "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "entry": [entry]}
    return {
        "create": lambda: hospital.post("/Patient", a_patient()),
        "send": lambda: hospital.post("/Task", another),
        "answer": lambda: pantry.put(f"/Task/{task['id']}", task | {"status": "accepted"}, If_Match=match),
        "conditional create": lambda: hospital.post("/Patient", a_patient(), If_None_Exist="identifier=http://x|1"),
        "with a key": lambda: hospital.post("/Patient", a_patient(), Idempotency_Key="one"),
        "transaction": lambda: hospital.post("", bundle | {"type": "transaction"}),
        "batch": lambda: hospital.post("", bundle | {"type": "batch"}),
    }
