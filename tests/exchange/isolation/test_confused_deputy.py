"""Somebody else's id in a place of one's own document: refused as an id that never was, and nothing is released."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from sqlalchemy import select

from exchange.db.document import document, visible_document
from exchange.db.ids import new_id
from exchange.db.release import ReleaseRow
from tests.exchange.isolation.answers import as_told, told_alike
from tests.exchange.isolation.canaries import FILES
from tests.exchange.isolation.places import Place, places
from tests.exchange.isolation.test_matrix import asked
from tests.exchange.isolation.world import World
from tests.exchange.web.fhir.conftest import BASE, Json, json_of
from tests.reliability import Reached, sizes

OTHERS: Final = ("other hospital's own", "other hospital's")
STRANGERS: Final = ("other", "shelter")


def seen_by_others(world: World) -> set[tuple[str, str]]:
    """Return (document, viewer) of every release and every view of what the strangers wrote, but to themselves."""
    strangers = [world.house.ids[one] for one in STRANGERS]
    releases = select(ReleaseRow.document_id, ReleaseRow.organization_id)
    views = select(visible_document.c.document_id, visible_document.c.viewer_id)
    with world.house.database.read() as session:
        theirs = set(session.execute(select(document.c.id).where(document.c.author_id.in_(strangers))).scalars())
        rows = [*session.execute(releases), *session.execute(views)]
    return {(row[0], row[1]) for row in rows if row[0] in theirs and row[1] not in strangers}


def theirs(world: World, place: Place) -> Iterator[tuple[str, str]]:
    """Yield (type, id) of documents of the strangers that the place may name."""
    for whose in OTHERS:
        for name, document_id in world.kept[whose].items():
            if name in FILES and (not place.targets or name in place.targets):
                yield name, document_id


def documents_of_the_hospital(world: World) -> Iterator[tuple[Json, str]]:
    """Yield new documents of the hospital, of each type and a referral, and the relation their references are of."""
    tenant = world.writing("hospital")
    for name in FILES:
        yield tenant.pointed(tenant.words.document(name), world.kept["hospital's own"], "pantry"), "hospital's own"
    yield tenant.referral(world.kept["completed"], "pantry"), "completed"


def faults(world: World, made: Json, place: Place, most: int) -> Iterator[tuple[bool, str]]:
    """Yield (whether the answer was a refusal of the reference, a sentence for what is wrong or nothing)."""
    caller, type_name = world.callers["hospital"], made["resourceType"]
    by_type: dict[str, str] = {}
    for name, document_id in theirs(world, place):
        by_type.setdefault(name, document_id)
    for name, document_id in list(by_type.items())[:most]:
        never = new_id()
        answer = asked(caller, "POST", f"/{type_name}", place.naming(f"{name}/{document_id}"))
        other = asked(caller, "POST", f"/{type_name}", place.naming(f"{name}/{never}"))
        where = f"{type_name}.{place.path} naming a {name}"
        if answer.status_code != 422:
            yield False, f"{where}: {answer.status_code} {answer.get_data(as_text=True)[:300]}"
        if not told_alike(answer, document_id, other, never):
            yield False, f"{where}: told apart: {answer.data!r} {other.data!r}"
        yield as_told(answer)[1] == "not-found", ""


@pytest.mark.invariant(
    "isolation-confused-deputy",
    "Somebody else's id in any place for a reference is refused as an unknown id, and releases nothing.",
)
@pytest.mark.parametrize("types_in_a_place", sizes(1, 17))
def test_a_reference_to_a_strangers_document_is_refused_in_every_place(
    types_in_a_place: int, world: World, reached: Reached
) -> None:
    before, wrong, refused, tried = seen_by_others(world), [], 0, 0

    for made, _relation in documents_of_the_hospital(world):
        for place in places(made):
            for is_refused, fault in faults(world, made, place, types_in_a_place):
                tried, refused = tried + (not fault), refused + is_refused
                wrong += [fault] if fault else []

    assert wrong == [], "\n".join(wrong)
    assert seen_by_others(world) == before == set()
    #  the rest is refused for what the place may not hold at all, such as a Practitioner as owner of a referral
    assert refused >= tried * 0.9, (refused, tried)
    reached(references=tried, refused_as_unknown=refused)


@pytest.mark.parametrize("place", ["input", "output", "focus", "for", "partOf", "basedOn", "reasonReference"])
def test_a_receiver_that_names_a_strangers_document_in_a_task_is_refused(place: str, world: World) -> None:
    pantry, task = world.callers["pantry"], world.kept["released"]["Task"]
    held = json_of(pantry.get(f"/Task/{task}")) | {"status": "in-progress"}
    name = {"focus": "ServiceRequest", "for": "Patient", "partOf": "Task", "basedOn": "ServiceRequest"}
    kind = name.get(place, "Procedure")
    before = seen_by_others(world)

    def sent(document_id: str) -> Any:
        named: Any = {"reference": f"{kind}/{document_id}"}
        if place in ("input", "output"):
            named = {"type": {"text": "more"}, "valueReference": named}
        return asked(pantry, "PUT", f"/Task/{task}", held | {place: [named] if place in MANY else named})

    theirs_is, never = world.kept["other hospital's"][kind], new_id()
    answer, other = sent(theirs_is), sent(never)

    assert answer.status_code == 422
    assert told_alike(answer, theirs_is, other, never)
    assert seen_by_others(world) == before == set()
    assert json_of(pantry.get(f"/Task/{task}"))["status"] == "accepted"


MANY: Final = frozenset({"input", "output", "partOf", "basedOn"})


@pytest.mark.parametrize("element", ["input", "output"])
def test_what_a_sender_names_in_its_task_releases_nothing_of_the_receivers(element: str, world: World) -> None:
    """A receiver's document comes to the sender as output by the receiver's own hand: what the sender has named, even
    as output of a Task it has just sent, is the sender's word."""
    hospital, pantry, ids = world.writing("hospital"), world.writing("pantry"), world.kept["completed"]
    about = {"subject": {"reference": f"Patient/{ids['Patient']}"}, "performer": [], "derivedFrom": []}
    seen = {name: value for name, value in (pantry.words.document("Observation") | about).items() if value != []}
    seen = pantry.caller.create(seen)
    first = hospital.caller.create(hospital.referral(ids, "pantry"))["id"]
    told = [{"type": {"text": "x"}, "valueReference": {"reference": f"Observation/{seen['id']}"}}]
    pantry.move(first, "accepted", "in-progress", output=told)
    secret = pantry.caller.create(pantry.words.document("DocumentReference") | {"subject": about["subject"]})["id"]
    seen["derivedFrom"] = [{"reference": f"DocumentReference/{secret}"}]
    assert pantry.caller.put(f"/Observation/{seen['id']}", seen).status_code == 200
    assert hospital.caller.get(f"/Observation/{seen['id']}").status_code == 200
    hospital.move(first, "cancelled", statusReason={"text": "x"})

    second = hospital.caller.create(hospital.referral(ids, "pantry", **{element: told}))["id"]
    pantry.move(second, "accepted")

    assert hospital.caller.get(f"/DocumentReference/{secret}").status_code == 404


def test_an_output_by_its_whole_address_reaches_the_sender(world: World) -> None:
    """The complement: what a receiver names by an absolute address of ours is released like any other."""
    hospital, pantry, ids = world.writing("hospital"), world.writing("pantry"), world.kept["completed"]
    done = pantry.words.document("Procedure") | {"subject": {"reference": f"Patient/{ids['Patient']}"}}
    procedure = pantry.caller.create({name: done[name] for name in done if name not in ("basedOn", "performer")})["id"]
    task = hospital.caller.create(hospital.referral(ids, "pantry"))["id"]
    named = [{"type": {"text": "x"}, "valueReference": {"reference": f"{BASE}/Procedure/{procedure}"}}]

    pantry.move(task, "accepted", "in-progress", output=named)

    assert hospital.caller.get(f"/Procedure/{procedure}").status_code == 200
