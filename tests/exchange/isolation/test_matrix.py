"""Every type × interaction × relation to the document, from the tables that make the door: one outcome for each.

What is hidden is answered to the byte as an id that never was; the id itself and the number of the request aside.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from exchange.db.ids import new_id
from exchange.web.fhir.interactions import INTERACTIONS, Interaction
from fhir_mapping.resource_types import RESOURCE_TYPES, ResourceType
from tests.exchange.isolation.answers import as_told, told_alike
from tests.exchange.isolation.canaries import FILES
from tests.exchange.isolation.world import World
from tests.exchange.web.fhir.conftest import Caller, Json, json_of
from tests.reliability import Reached, sizes

FORM: Final = "application/x-www-form-urlencoded"
OWN_OF: Final = {
    "pantry": "pantry's own", "hospital": "hospital's own", "network": "network's own", "shelter": "other agency's own",
}  # fmt: skip


class Nature(StrEnum):
    """What a document is to whoever asks for it."""

    OWN = "its own"
    RELEASED = "released to it"
    REDUCED = "a Task without the person"
    HIDDEN = "not visible to it"
    PUBLIC = "everybody's"


#  (who asks, whose or what: a key of World.kept, what its documents are to whoever asks, what the Task is)
RELATIONS: Final = (
    ("pantry", "pantry's own", Nature.OWN, Nature.OWN),
    ("hospital", "hospital's own", Nature.OWN, Nature.OWN),
    ("network", "network's own", Nature.OWN, Nature.OWN),
    ("hospital", "hospital's records", Nature.OWN, Nature.OWN),
    ("pantry", "released", Nature.RELEASED, Nature.RELEASED),
    ("pantry", "completed", Nature.RELEASED, Nature.RELEASED),
    ("hospital", "outputs", Nature.RELEASED, Nature.RELEASED),
    ("hospital", "outputs, long ago", Nature.RELEASED, Nature.RELEASED),
    ("pantry", "rejected", Nature.HIDDEN, Nature.REDUCED),
    ("pantry", "cancelled", Nature.HIDDEN, Nature.REDUCED),
    ("pantry", "run out", Nature.HIDDEN, Nature.REDUCED),
    ("network", "preview", Nature.HIDDEN, Nature.REDUCED),
    ("pantry", "lapsed", Nature.HIDDEN, Nature.HIDDEN),
    ("pantry", "draft", Nature.HIDDEN, Nature.HIDDEN),
    ("pantry", "consent needed", Nature.HIDDEN, Nature.HIDDEN),
    ("pantry", "preview", Nature.HIDDEN, Nature.HIDDEN),
    ("network", "released", Nature.HIDDEN, Nature.HIDDEN),
    ("shelter", "released", Nature.HIDDEN, Nature.HIDDEN),
    ("shelter", "rejected", Nature.HIDDEN, Nature.HIDDEN),
    *[("pantry", whose, Nature.HIDDEN, Nature.HIDDEN) for whose in ("hospital's own", "network's own")],
    *[
        (who, whose, Nature.HIDDEN, Nature.HIDDEN)
        for who in ("pantry", "hospital", "network")
        for whose in ("other hospital's own", "other hospital's", "other agency's own", "other agency's")
    ],
    ("hospital", "pantry's own", Nature.HIDDEN, Nature.HIDDEN),
    ("pantry", "other hospital's records", Nature.HIDDEN, Nature.HIDDEN),
    ("pantry", "listed", Nature.PUBLIC, Nature.PUBLIC),
    ("hospital", "listed", Nature.PUBLIC, Nature.PUBLIC),
)

#  interaction to (status, issue code of a refusal), by what the document is. `create` writes a document that refers to
#  it; `conditional_update` names it by a condition, and only one's own is found by that.
FOUND: Final = {"read": (200, ""), "vread": (200, ""), "history": (200, "")}
SEARCHED: Final = {"search": (200, ""), "search_by_form": (200, "")}
UNKNOWN: Final = {name: (404, "not-found") for name in FOUND}
EXPECTED: Final[dict[Nature, dict[str, tuple[int, str]]]] = {
    Nature.OWN: FOUND | SEARCHED | {"create": (201, ""), "update": (200, ""), "conditional_update": (200, "")},
    Nature.RELEASED: FOUND
    | SEARCHED
    | {"create": (201, ""), "update": (403, "forbidden"), "conditional_update": (422, "value")},
    Nature.REDUCED: FOUND
    | SEARCHED
    | {"create": (422, "not-found"), "update": (200, ""), "conditional_update": (422, "required")},
    Nature.HIDDEN: UNKNOWN
    | SEARCHED
    | {"create": (422, "not-found"), "update": (404, "not-found"), "conditional_update": (422, "value")},
    Nature.PUBLIC: FOUND | SEARCHED,
}
#  the two sides of a referral write one Task: its receiver may send it back
OF_A_TASK: Final = {(Nature.RELEASED, "update"): (200, "")}
MATCHES: Final = {Nature.HIDDEN: 0}
#  no referral reaches these: who wrote them reads them, nobody else
NEVER_RELEASED: Final = frozenset({"AuditEvent", "Organization"})


@dataclass(frozen=True)
class Cell:
    """One question of the matrix."""

    who: str
    whose: str
    nature: Nature
    kind: ResourceType
    interaction: Interaction
    document_id: str

    def __str__(self) -> str:
        return f"{self.who} asks for {self.kind.name} ({self.whose}, {self.nature}): {self.interaction.name}"

    @property
    def expected(self) -> tuple[int, str]:
        """Status and issue code."""
        special = OF_A_TASK.get((self.nature, self.interaction.name)) if self.kind.name == "Task" else None
        return special or EXPECTED[self.nature][self.interaction.name]


def cells(world: World) -> Iterator[Cell]:
    """Yield every cell for which the world has a document and the table the interaction."""
    for who, whose, nature, of_task in RELATIONS:
        for name, document_id in world.kept[whose].items():
            kind = RESOURCE_TYPES[name]
            what = of_task if name == "Task" else nature
            if name in NEVER_RELEASED and what is Nature.RELEASED:
                what = Nature.HIDDEN
            for interaction in INTERACTIONS:
                if interaction.is_for(kind):
                    yield Cell(who, whose, what, kind, interaction, document_id)


def chosen(every: list[Cell], most: int) -> list[Cell]:
    """Return every cell; where they are too many, one for each type, interaction and nature, relations in turn."""
    if len(every) <= most:
        return every
    alike: dict[tuple[str, str, Nature], list[Cell]] = {}
    for cell in every:
        alike.setdefault((cell.kind.name, cell.interaction.name, cell.nature), []).append(cell)
    return [group[number % len(group)] for number, group in enumerate(alike.values())]


def ask(world: World, cell: Cell, stored: Json | None, document_id: str) -> TestResponse:
    """Ask what a cell asks, of this id; `stored` is the document as its author reads it."""
    caller, name = world.callers[cell.who], cell.interaction.name
    version = str((stored or {}).get("meta", {}).get("versionId", "1"))
    path = f"/{cell.kind.name}" + (
        cell.interaction.rule.replace("<fhir_id:document_id>", document_id).replace("<fhir_id:version>", version)
    )
    if name == "search":
        return asked(caller, "GET", f"{path}?{urlencode({'_id': document_id, '_total': 'accurate'})}")
    if name == "search_by_form":
        return asked(caller, "POST", path, f"_id={document_id}&_total=accurate", Content_Type=FORM)
    if name == "create":
        return asked(caller, "POST", path, referring_to(world, cell, document_id))
    body = None if cell.interaction.reads else (stored or {}) | {"id": document_id}
    query = f"?_id={document_id}" if name == "conditional_update" else ""
    return asked(caller, cell.interaction.method, path + query, body)


def asked(caller: Caller, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
    """Ask under a request id that is always the same."""
    return caller.ask(method, path, body, X_Request_Id="one-and-the-same", **headers)


def referring_to(world: World, cell: Cell, document_id: str) -> Json:
    """Return a new document of the asker's own, of the cell's type, that refers to the document in question."""
    tenant = world.writing(cell.who)
    made = tenant.pointed(tenant.words.document(cell.kind.name), world.kept[OWN_OF[cell.who]], "pantry")
    reference = {"reference": f"{cell.kind.name}/{document_id}"}
    made["extension"] += [{"url": "https://tenants.example/see-also", "valueReference": reference}]
    return made


def as_its_author_reads(world: World, wanted: set[str]) -> dict[str, Json]:
    """Return documents of the world as their authors read them."""
    authors = world.authors()
    by_organization = {caller.organization_id: caller for caller in world.callers.values()}
    found = {}
    for kept in world.kept.values():
        for name, document_id in kept.items():
            if document_id in authors and document_id in wanted:
                found[document_id] = json_of(by_organization[authors[document_id]].get(f"/{name}/{document_id}"))
    return found


def faults(world: World, cell: Cell, stored: Json | None) -> Iterator[str]:
    """Yield a sentence for each way in which the answer to a cell is not as it must be."""
    if cell.nature is Nature.REDUCED and stored is not None:
        stored = json_of(world.callers[cell.who].get(f"/Task/{cell.document_id}"))
    answer = ask(world, cell, stored, cell.document_id)
    status, code = as_told(answer)
    if (status, code) != cell.expected:
        yield f"{cell}: {status} {code}, not {cell.expected}: {answer.get_data(as_text=True)[:300]}"
        return
    if cell.interaction.code == "search-type" and json_of(answer)["total"] != MATCHES.get(cell.nature, 1):
        yield f"{cell}: {json_of(answer)['total']} matches"
    if cell.nature is Nature.HIDDEN:
        never = new_id()
        other = ask(world, cell, stored, never)
        if not told_alike(answer, cell.document_id, other, never):
            yield f"{cell}: told apart from an unknown id: {answer.data!r} {other.data!r}"


@pytest.mark.invariant(
    "isolation-matrix",
    "Each type, interaction and relation to a document has its one outcome; the hidden is answered as the unknown.",
)
@pytest.mark.parametrize("most", sizes(600, 5_000))
def test_every_cell_of_the_matrix_has_its_outcome(most: int, world: World, reached: Reached) -> None:
    complete(world)
    asked_of = chosen(list(cells(world)), most)
    stored = as_its_author_reads(world, {cell.document_id for cell in asked_of})

    wrong = [fault for cell in asked_of for fault in faults(world, cell, stored.get(cell.document_id))]

    assert wrong == [], "\n".join(wrong)
    assert len(asked_of) <= most
    reached(cells=len(asked_of), hidden=sum(cell.nature is Nature.HIDDEN for cell in asked_of))


def complete(world: World) -> None:
    """Add audit rows: who wrote a Task may read of it, nobody else."""
    tenants = {"pantry's own": "pantry", "network's own": "network", "consent needed": "clinic"}
    tenants |= {"other hospital's own": "other", "other hospital's": "other", "other agency's own": "shelter"}
    for whose, kept in world.kept.items():
        if "Task" in kept:
            author = tenants.get(whose, "hospital")
            kept["AuditEvent"] = world.audit_row(author, document_id=kept["Task"], interaction="create")


def test_every_type_and_every_route_of_the_door_is_in_the_matrix(world: World) -> None:
    complete(world)
    routes = {
        (rule.defaults["type_name"], rule.endpoint.removeprefix("fhir."))
        for rule in world.door.app.url_map.iter_rules()
        if rule.endpoint.startswith("fhir.") and rule.defaults and "type_name" in rule.defaults
    }

    found: dict[tuple[str, str], set[Nature]] = {}
    for cell in cells(world):
        found.setdefault((cell.kind.name, cell.interaction.name), set()).add(cell.nature)

    assert set(found) == routes
    for name in FILES:
        wanted = {Nature.OWN, Nature.RELEASED, Nature.HIDDEN} | ({Nature.REDUCED} if name == "Task" else set())
        for interaction in INTERACTIONS:
            assert found[name, interaction.name] >= wanted, (name, interaction.name)


def test_every_relation_has_an_outcome_for_every_interaction() -> None:
    for nature, outcomes in EXPECTED.items():
        wanted = {one.name for one in INTERACTIONS if nature is not Nature.PUBLIC or one.reads}
        assert set(outcomes) == wanted, nature
