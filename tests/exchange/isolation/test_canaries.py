"""Two tenants full of canaries: whatever one asks, no word, id or count of the other is in what it gets."""

import io
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, product
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from exchange.db.audit import audit_event
from exchange.db.document import visible_document
from exchange.logs import JsonLines
from fhir_mapping.resource_types import RESOURCE_TYPES
from tests.exchange.isolation.answers import ID
from tests.exchange.isolation.badinput import lines_of
from tests.exchange.isolation.canaries import canary
from tests.exchange.isolation.world import World
from tests.exchange.web.fhir.conftest import BASE, json_of
from tests.reliability import Reached, sizes

ROLES: Final = ("pantry", "hospital", "network", "clinic")
STRANGERS: Final = ("other", "shelter")
OTHERS: Final = ("other hospital's", "other hospital's own", "other agency's own")
SEED: Final = 23
#  what everybody may read, or is judged by its own rule: audit rows name documents, never hold them
PUBLIC: Final = frozenset({"Organization", "Location", "HealthcareService", "AuditEvent", "OperationOutcome"})
_TYPE: Final = re.compile(r"\A[A-Z][A-Za-z]+(?=[/?]|\Z)")


@dataclass(frozen=True)
class Attack:
    """One line of the collection, for one role, with its holes filled."""

    role: str
    path: str


def attacks(world: World, lines: list[dict[str, Any]]) -> Iterator[Attack]:
    """Yield every line for every role, type and kind of foreign id; in an order by chance, so that a part is of all."""
    token = next_token(world)
    every = list(product(lines, ROLES, sorted(RESOURCE_TYPES), range(len(OTHERS) + 1)))
    Random(SEED).shuffle(every)
    for line, role, type_name, which in every:
        yield Attack(role, filled(world, line["q"], role, type_name, which, token))


def filled(world: World, query: str, role: str, type_name: str, which: int, token: str) -> str:
    """Return the query about a type, with an id of the role's own and one of the strangers'."""
    own = world.kept.get(f"{role}'s own", world.kept["consent needed"])
    theirs = world.kept[OTHERS[which % len(OTHERS)]]
    other = theirs.get(type_name, theirs["Patient"]) if which < len(OTHERS) else world.house.ids["other"]
    about = _TYPE.sub(type_name, query, count=1)
    return (
        about.replace("{mine}", own.get(type_name, own["Task"]))
        .replace("{otherstoken}", token)
        .replace("{other}", other)
    )


def next_token(world: World) -> str:
    """Return a page token of the strangers' own search."""
    links = json_of(world.callers["other"].get("/Task?_count=1"))["link"]
    return str(next(one["url"] for one in links if one["relation"] == "next").partition("_page=")[2])


def asked_before(world: World) -> dict[str, set[str]]:
    """Return which ids each organisation has asked for already: its own audit tells it of them."""
    asked: dict[str, set[str]] = {}
    with world.house.database.read() as session:
        for row in session.execute(select(audit_event.c.organization_id, audit_event.c.document_id)):
            asked.setdefault(row.organization_id, set()).add(row.document_id)
    return asked


class Watch:
    """What must not be shown: words and ids of the strangers, and documents that the asker does not see."""

    def __init__(self, world: World) -> None:
        strangers = {world.house.ids[one] for one in STRANGERS}
        self.words = [canary(one) for one in STRANGERS]
        self.theirs = {one for one, author in world.authors().items() if author in strangers}
        self._asked = asked_before(world)
        query = select(visible_document.c.viewer_id, visible_document.c.document_id)
        with world.house.database.read() as session:
            self._visible = {(row[0], row[1]) for row in session.execute(query)}
        self._seen = Counter(viewer for viewer, _document in self._visible)

    def faults(self, viewer: str, path: str, answer: TestResponse) -> Iterator[str]:
        """Yield what an answer shows that it must not."""
        whole = f"{answer.headers}\n{answer.get_data(as_text=True)}"
        if answer.status_code >= 500:
            yield f"{answer.status_code}"
        yield from (f"holds {word}" for word in self.words if word in whole.lower())
        #  whoever has asked for an id is told of it again: in the refusal, and in the audit of what was refused
        known = self._asked.setdefault(viewer, set())
        known |= self.theirs & set(ID.findall(path))
        yield from (f"holds {one}" for one in sorted(self.theirs & set(ID.findall(whole)) - known))
        if answer.status_code == 200 and answer.data:
            yield from self._unseen(viewer, answer)

    def _unseen(self, viewer: str, answer: TestResponse) -> Iterator[str]:
        body = json_of(answer)
        entries = [one["resource"] for one in body.get("entry", []) if "resource" in one]
        for one in entries if body["resourceType"] == "Bundle" else [body]:
            if one["resourceType"] not in PUBLIC and (viewer, one["id"]) not in self._visible:
                yield f"shows {one['resourceType']}/{one['id']}"
        matches = sum(one["search"]["mode"] == "match" for one in body.get("entry", []) if "search" in one)
        if "total" in body and body["resourceType"] == "Bundle" and not matches <= body["total"]:
            yield f"counts {body['total']} and shows {matches}"
        if body.get("total", 0) > self._seen[viewer] and not {one["resourceType"] for one in entries} & PUBLIC:
            yield f"counts {body['total']} of {self._seen[viewer]} that can be seen"


def rows_to_tell(world: World) -> list[str]:
    with world.house.database.read() as session:
        return [repr(tuple(row)) for row in session.execute(text("SELECT * FROM outbox_message"))]


@pytest.mark.invariant(
    "isolation-canaries",
    "No answer to an attack by search holds a word, an id or a document of another tenant, and no log or message does.",
)
@pytest.mark.parametrize("requests", sizes(250, 20_000))
def test_no_attack_by_search_finds_a_canary(
    requests: int, world: World, reached: Reached, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="exchange")
    lines = lines_of("fhir-search-attacks.jsonl")
    watch, told_before, written = Watch(world), rows_to_tell(world), io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    answered: dict[int, int] = {}
    wrong = []

    for _number, attack in zip(range(requests), cycle_of(world, lines), strict=False):
        caller = world.callers[attack.role]
        answer = caller.get(f"/{attack.path}")
        answered[answer.status_code] = answered.get(answer.status_code, 0) + 1
        found = watch.faults(caller.organization_id, attack.path, answer)
        wrong += [f"{attack.role}: {attack.path[:200]}: {fault}" for fault in found]
    logging.getLogger().removeHandler(handler)

    assert wrong == [], "\n".join(wrong[:20])
    assert set(answered) <= {200, 400, 403, 404, 405, 406}
    assert rows_to_tell(world) == told_before
    assert "canary" not in "\n".join(told_before).lower()
    assert written.getvalue().count("answered") >= requests
    assert "canary" not in written.getvalue().lower()
    reached(requests=sum(answered.values()), answered_with_something=answered.get(200, 0), canaries=len(wrong))


def cycle_of(world: World, lines: list[dict[str, Any]]) -> Iterator[Attack]:
    """Yield the attacks, and again from the first where more are asked for."""
    return cycle(list(attacks(world, lines)))


def test_a_canary_would_be_seen(world: World) -> None:
    """The watch cries where it should: the strangers' own answers are full of what nobody else may see."""
    watch, viewer = Watch(world), world.callers["pantry"].organization_id
    patient = world.kept["other hospital's own"]["Patient"]

    shown = world.callers["other"].get(f"/Patient/{patient}")
    found = world.callers["other"].get(f"{BASE}/Patient?_total=accurate")

    assert set(watch.faults(viewer, "/Patient", shown)) >= {"holds canaryother", f"shows Patient/{patient}"}
    assert any(fault.startswith("shows Patient/") for fault in watch.faults(viewer, "/Patient", found))
    assert list(watch.faults(viewer, "/Task", world.callers["pantry"].get("/Task?_total=accurate"))) == []
