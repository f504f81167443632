"""Right documents made wrong, one operator at one place, at every door that writes: refused, or kept whole."""

import random
from collections.abc import Iterator
from itertools import count as counting
from typing import Final

import pytest

from fhir_mapping.json_text import dump, parse
from fhir_mapping.references import with_references
from fhir_mapping.resource_types import RESOURCE_TYPES
from tests.exchange.strict_input.conftest import Watch
from tests.exchange.strict_input.corpus import SEED, label
from tests.exchange.strict_input.mutations import OPERATORS, Operator, Place, mutated, places
from tests.exchange.web.fhir.conftest import DATA, Caller, Door, Json, a_patient, json_of
from tests.reliability import Reached, sizes

IN_A_BATCH: Final = 100
#  one of so many is sent by itself too
ALONE: Final = 10
#  in the order in which they can name each other
FIRST: Final = ("patient", "practitioner", "practitioner_role", "related_person", "condition", "observation", "consent")


@pytest.mark.invariant(
    "strict-mutations",
    "A right document with one thing wrong is refused with a sentence, or kept, read back equal and sent again.",
)
@pytest.mark.parametrize("wanted", sizes(500, 50_000))
def test_a_mutated_document_is_refused_or_kept_whole(
    wanted: int, sender: Caller, examples: list[Json], watch: Watch, reached: Reached
) -> None:
    chance = random.Random(SEED)
    cases = cases_of(examples, chance)
    changed: list[str] = []

    in_batches = kept = 0
    while in_batches + watch.sent < wanted:
        batch = [next(cases) for _ in range(IN_A_BATCH)]
        kept += in_one_batch(sender, watch, batch)
        for case, document in batch[::ALONE]:
            kept += alone(sender, watch, case, document, changed)
        in_batches += IN_A_BATCH

    assert watch.broken == []
    assert changed == [], label(changed)
    assert kept > wanted // 50
    reached(requests=in_batches + watch.sent, kept=kept, faults=0, changed=0)


def test_what_a_document_is_found_by_may_be_long(sender: Caller, watch: Watch) -> None:
    """It is cut where it is found by, and comes back whole: PostgreSQL takes no value beyond its column."""
    address = "https://elsewhere.example/" + "x" * 5_000
    patient = a_patient(
        identifier=[{"system": address, "value": "1" * 5_000}], telecom=[{"system": "email", "value": "y" * 5_000}]
    )
    task = {
        "resourceType": "Task", "status": "requested", "intent": "order", "code": {"text": "A form to fill in"},
        "requester": {"reference": f"{address}/Organization/1"}, "owner": {"reference": f"{address}/Patient/1"},
    }  # fmt: skip

    for document in (patient, task):
        made = watch.fhir(str(document["resourceType"]), sender.post(f"/{document['resourceType']}", dump(document)))
        assert made.status_code == 201, made.get_data(as_text=True)
        assert document.items() <= json_of(made).items()
    assert watch.broken == []


def cases_of(examples: list[Json], chance: random.Random) -> Iterator[tuple[str, Json]]:
    """Yield mutated documents without end: each place with each operator, in an order of chance, then again."""
    whole: list[tuple[Json, Place, Operator]] = [
        (document, place, operator) for document in examples for place in places(document) for operator in OPERATORS
    ]
    for turn in counting():
        chance.shuffle(whole)
        for document, place, operator in whole:
            path = "/".join(map(str, place))
            yield (
                f"{turn} {document['resourceType']}/{path} {operator.__name__}",
                mutated(document, place, operator, chance),
            )


def type_of(document: Json) -> str:
    kind = RESOURCE_TYPES.get(str(document.get("resourceType")))
    return kind.name if kind is not None and kind.writable else "Patient"


def in_one_batch(sender: Caller, watch: Watch, cases: list[tuple[str, Json]]) -> int:
    """Send documents as entries of one batch, in parts where it cannot be read; return how many were kept."""
    entries = [
        {"resource": document, "request": {"method": "POST", "url": type_of(document)}} for _case, document in cases
    ]
    answer = watch.fhir(
        cases[0][0], sender.post("", dump({"resourceType": "Bundle", "type": "batch", "entry": entries}))
    )
    if answer.status_code != 200:
        if len(cases) == 1:
            return 0
        half = len(cases) // 2
        return in_one_batch(sender, watch, cases[:half]) + in_one_batch(sender, watch, cases[half:])
    statuses = [one["response"]["status"] for one in json_of(answer)["entry"]]
    for (case, _document), status in zip(cases, statuses, strict=True):
        if status.startswith("5"):
            watch.broken.append((case, int(status[:3]), "in a batch"))
    return statuses.count("201 Created")


def alone(sender: Caller, watch: Watch, case: str, document: Json, changed: list[str]) -> int:
    """Send a document on its own; one that is kept must come back equal and be taken again. Return whether it was."""
    kind = type_of(document)
    made = watch.fhir(case, sender.post(f"/{kind}", dump(document)))
    if made.status_code != 201:
        bundle = {"resource": document, "fullUrl": "urn:uuid:1", "request": {"method": "POST", "url": kind}}
        watch.fhir(case, sender.post("", dump({"resourceType": "Bundle", "type": "transaction", "entry": [bundle]})))
        return 0
    back = parse(watch.fhir(case, sender.get(made.headers["Location"].partition("/_history")[0])).data)
    if told(back) != told(document):
        changed.append(f"{case}: what came back is not what was sent")
    again = watch.fhir(case, sender.put(f"/{kind}/{back['id']}", dump(back), If_Match=made.headers["ETag"]))
    if again.status_code != 200:
        changed.append(f"{case}: {again.status_code} {again.get_data(as_text=True)[:300]}")
    return 1


def told(document: Json) -> Json:
    """Return what must come back: all but the id, our part of meta, and what the lifecycle of a Task owns."""
    ours = {"id", "meta", *(("lastModified", "businessStatus", "owner") if document["resourceType"] == "Task" else ())}
    return {name: value for name, value in document.items() if name not in ours}


@pytest.fixture(scope="module")
def examples(long_door: Door, sender: Caller) -> list[Json]:
    """Our own examples of every type that clients write, their references naming documents that are here."""
    here: dict[str, str] = {"Organization": f"Organization/{long_door.house.ids['hospital']}"}
    read: list[Json] = []
    names = sorted(
        (one.stem for one in DATA.glob("*.json")), key=lambda name: (name not in FIRST, *place_of(name), name)
    )
    for name in names:
        document: Json = parse((DATA / f"{name}.json").read_bytes())
        kind = document["resourceType"]
        if kind not in RESOURCE_TYPES or not RESOURCE_TYPES[kind].writable:
            continue
        linked = with_references(document, lambda text: linked_to(text, here))
        whole = {name: value for name, value in linked.items() if name != "id"}
        if kind == "Task" and name == "task":
            whole["owner"] = {"reference": f"Organization/{long_door.house.ids['pantry']}"}
        made = sender.post(f"/{kind}", dump(whole))
        assert made.status_code == 201, (name, made.get_data(as_text=True))
        here.setdefault(kind, f"{kind}/{json_of(made)['id']}")
        read.append(whole)
    return read


def place_of(name: str) -> tuple[int]:
    return (FIRST.index(name) if name in FIRST else {"service_request": 1, "goal": 2}.get(name, 3),)


def linked_to(text: str, here: dict[str, str]) -> str | None:
    """Return what a reference of an example stands for here; what is not here lies elsewhere."""
    if text.startswith("#") or "://" in text:
        return None
    kind = text.partition("/")[0]
    return here.get(kind, f"https://elsewhere.example/fhir/{text}")
