"""What a client may not set in a Task is refused or stays as it stood, whoever sends it; each try is in the audit."""

import json
from dataclasses import dataclass
from typing import Any, Final

import pytest
from sqlalchemy import select

from exchange.db import document
from exchange.db.audit import audit_event
from fhir_mapping.json_text import parse
from tests.exchange.isolation.badinput import lines_of
from tests.exchange.isolation.world import World
from tests.exchange.web.fhir.conftest import Caller, Json
from tests.reliability import Reached

ACTORS: Final = {"requester-hospital": "hospital", "owner-agency": "pantry", "third-agency": "shelter"}
REFUSED: Final = frozenset({400, 403, 409, 422})
#  a stranger gets the 404 of an unknown id, and PATCH is not offered at all (docs/divergences.md)
BESIDES: Final = {("PUT", "third-agency"): 404, ("PATCH", "third-agency"): 405}
NOT_OFFERED: Final = 405
#  what these two sides may set of a referral that is accepted (ARCHITECTURE §3, "PUT and PATCH on a Task")
THEIRS: Final = {
    "requester-hospital": {"note", "input", "restriction", "statusReason", "status=entered-in-error"},
    "owner-agency": {"note", "output", "statusReason", "businessStatus"},
}
PATCH: Final = {"Content_Type": "application/json-patch+json"}


@dataclass(frozen=True)
class Assignment:
    """One line of the collection: who sets what, by which method."""

    number: int
    method: str
    actor: str
    path: str
    value: Any

    @property
    def may(self) -> bool:
        """Whether this is the actor's to set."""
        return bool({self.path, f"{self.path}={self.value}"} & THEIRS.get(self.actor, set()))

    def onto(self, task: Json) -> Json:
        """Return the Task with the value set."""
        *outer, last = self.path.split(".")
        changed: Json = json.loads(json.dumps(task))
        around = changed
        for name in outer:
            around = around[name]
        around[last] = self.value
        return changed


def assignments(world: World) -> list[Assignment]:
    """Return the collection, its placeholders filled with ids of the strangers."""
    theirs, ids = world.kept["other hospital's"], world.house.ids
    holes = {
        "Organization/A": f"Organization/{ids['clinic']}",
        "Organization/B": f"Organization/{ids['other']}",
        **{f"{name}/other": f"{name}/{theirs[name]}" for name in ("Patient", "ServiceRequest", "Task")},
    }
    made = []
    for number, line in enumerate(lines_of("task-mass-assignment.jsonl")):
        value = line["value_json"]
        for hole, reference in holes.items():
            value = value.replace(f'"{hole}"', f'"{reference}"')
        made.append(Assignment(number, line["method"], line["actor"], line["path"], json.loads(value)))
    return made


def stored(world: World, task_id: str) -> Json:
    """Return a Task as the store holds it."""
    with world.house.database.read() as session:
        found = document.stored(session, "Task", task_id)
        assert found is not None
        return dict(parse(found.body))


def audited(world: World, request_id: str) -> int:
    with world.house.database.read() as session:
        query = select(audit_event.c.id).where(audit_event.c.request_id == request_id)
        return len(session.execute(query).all())


def attempt(caller: Caller, task_id: str, held: Json, one: Assignment) -> Any:
    """Send one line as its method has it, with the precondition that holds, and return the answer."""
    headers = {"If_Match": f'W/"{held["meta"]["versionId"]}"', "X_Request_Id": f"assignment-{one.number}"}
    if one.method == "PATCH":
        change = [{"op": "add", "path": "/" + one.path.replace(".", "/"), "value": one.value}]
        return caller.ask("PATCH", f"/Task/{task_id}", change, **headers, **PATCH)
    return caller.put(f"/Task/{task_id}", one.onto(held), **headers)


def changed_elements(before: Json, after: Json) -> set[str]:
    """Return what is not as it stood, but for what every version has of its own."""
    own = {"meta", "lastModified"}
    meta = [{name: value for name, value in one["meta"].items() if name not in ("versionId", "lastUpdated")}
            for one in (before, after)]  # fmt: skip
    names = {name for name in before | after if name not in own and before.get(name) != after.get(name)}
    return names | ({"meta"} if meta[0] != meta[1] else set())


def faults(world: World, one: Assignment, task_id: str) -> list[str]:
    """Return a sentence for each way in which a line did what it must not."""
    before = stored(world, task_id)
    answer = attempt(world.callers[ACTORS[one.actor]], task_id, before, one)
    touched = changed_elements(before, stored(world, task_id))
    said = f"{one.actor} {one.method} {one.path}={json.dumps(one.value)[:80]}: {answer.status_code}"
    usual = {NOT_OFFERED} if one.method == "PATCH" else REFUSED
    wrong = []
    if answer.status_code != 200 and answer.status_code not in usual | {BESIDES.get((one.method, one.actor))}:
        wrong.append(f"{said} {answer.get_data(as_text=True)[:300]}")
    if answer.status_code != 200 and touched:
        wrong.append(f"{said} refused, and changed {sorted(touched)}")
    if answer.status_code == 200 and one.actor == "third-agency":
        wrong.append(f"{said} a stranger was answered")
    if answer.status_code == 200 and touched - ({one.path.partition("=")[0]} if one.may else set()):
        wrong.append(f"{said} changed {sorted(touched)}")
    if not audited(world, f"assignment-{one.number}"):
        wrong.append(f"{said} is not in the audit")
    return wrong


@pytest.mark.invariant(
    "isolation-mass-assignment",
    "What is not a side's to set in a Task is refused or stays as stored, and each try is in the audit.",
)
def test_nobody_sets_in_a_task_what_is_not_theirs(world: World, reached: Reached) -> None:
    hospital, pantry, ids = world.writing("hospital"), world.writing("pantry"), world.kept["completed"]
    every, wrong, kept = assignments(world), [], 0
    task_id = ""

    for one in every:
        if not task_id or stored(world, task_id)["status"] != "accepted":
            task_id = hospital.caller.create(hospital.referral(ids, "pantry"))["id"]
            pantry.move(task_id, "accepted")
        before = stored(world, task_id)
        wrong += faults(world, one, task_id)
        kept += stored(world, task_id) == before

    assert wrong == [], "\n".join(wrong)
    may = sum(one.may and one.method == "PUT" for one in every)
    assert len(every) - may <= kept
    reached(assignments=len(every), stored_as_before=kept, allowed_to_their_side=may)
