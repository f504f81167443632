"""Requests made by chance from a seed: what a program could ask, with strangers' ids and words among the values.

None of them writes: a writing request is made so that it must be refused.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import select

from exchange.db import document
from exchange.db.audit import audit_event
from exchange.db.ids import new_id
from fhir_mapping.resource_types import RESOURCE_TYPES
from fhir_mapping.rules.search_rows import DATE, REFERENCE, STRING, TOKEN
from fhir_mapping.search_parameters import SearchParameter, extract, parameters_of
from tests.exchange.isolation.canaries import FILES
from tests.exchange.isolation.world import World
from tests.exchange.web.fhir.conftest import Json

AUDIT_ROWS: Final = 20
DATES: Final = (
    "2026",
    "2026-11-20",
    "ge2026-09",
    "lt2026-06-02T15:00:00Z",
    "ne2026-11-20",
    "sa2020",
    "1980-01-02",
    "x",
)
TOKENS: Final = ("requested", "accepted", "true", "food-insecurity", "http://loinc.org|", "|active", "nothing", "||")
MODIFIERS: Final = ("", "", "", "", ":not", ":missing", ":exact", ":Patient", ":contains", ":in")
RESULTS: Final = (
    ("_count", ("0", "1", "3", "50", "999999", "-1")),
    ("_sort", ("_lastUpdated", "-_lastUpdated", "status")),
    ("_total", ("none", "accurate", "estimate", "maybe")),
    ("_summary", ("count", "true", "false")),
    ("_lastUpdated", DATES),
    ("_elements", ("id",)),
    ("_format", ("json", "xml")),
)
AT_A_DISTANCE: Final = (
    "{t}?patient.name=smith", "{t}?_has:Task:focus:status=accepted", "{t}?subject:Patient.family=x", "{t}/$everything",
    "{t}/{id}/$export", "{t}/_history", "_history", "{t}/{id}/Task", "?_type=Patient", "{t}?_revinclude=Task:focus",
    "{t}?_include=*", "{t}?_filter=id eq {id}", "{t}?_list={id}", "{t}?_page={id}", "Colour/{id}", "{t}?_id:not={id}",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A request below the FHIR base."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.headers} {str(self.body or '')[:200]}"


@dataclass
class Pool:
    """What questions are made of: ids, and what documents are found by; those of strangers among them."""

    ids: dict[str, list[str]]
    found_by: dict[tuple[str, str], list[str]]
    documents: dict[str, list[Json]]

    @classmethod
    def of(cls, world: World) -> "Pool":
        """Return the pool of everything in a world. The store is asked, and not the door, which would audit it."""
        pool = cls({}, {}, {})
        with world.house.database.read() as session:
            for kept in world.kept.values():
                for name, document_id in kept.items():
                    pool.ids.setdefault(name, []).append(document_id)
                    found = document.stored(session, name, document_id)
                    if found is not None:
                        pool._note(name, json.loads(found.body))
            rows = session.execute(select(audit_event.c.id, audit_event.c.organization_id).order_by(audit_event.c.id))
            by_actor: dict[str, list[str]] = {}
            for row in rows:
                by_actor.setdefault(row.organization_id, []).append(row.id)
        pool.ids["AuditEvent"] = [row_id for ids in by_actor.values() for row_id in ids[:AUDIT_ROWS]]
        return pool

    def _note(self, name: str, document: Json) -> None:
        self.documents.setdefault(name, []).append(document)
        for one in extract(document):
            value = f"{one.system}|{one.value}" if one.system else str(one.value)
            self.found_by.setdefault((name, one.parameter), []).append(value)


@dataclass
class Asker:
    """What makes questions, each by the next numbers of its seed."""

    random: Random
    pool: Pool

    def questions(self, count: int) -> Iterator[Question]:
        """Yield as many questions."""
        makers = (self._read, self._search, self._search, self._search, self._conditional, self._at_a_distance)
        makers += (self._refused_write, self._bundle)
        for _number in range(count):
            yield self.random.choice(makers)()

    def _type(self) -> str:
        return self.random.choice(sorted(self.pool.ids))

    def _id(self, name: str) -> str:
        return new_id() if self.random.random() < 0.1 else self.random.choice(self.pool.ids.get(name) or self._any())

    def _any(self) -> list[str]:
        return self.pool.ids["Task"]

    def _read(self) -> Question:
        name = self._type()
        end = self.random.choice(("", "", "", "/_history", "/_history/1", "/_history/2", "/_history?_since=2026-09-01"))
        return Question(self.random.choice(("GET", "GET", "HEAD")), f"/{name}/{self._id(name)}{end}")

    def _conditional(self) -> Question:
        name = self._type()
        headers = self.random.choice(
            ({"If_None_Match": 'W/"1"'}, {"If_None_Match": "*"}, {"If_Modified_Since": "Wed, 01 Jul 2026 00:00:00 GMT"})
        )
        return Question("GET", f"/{name}/{self._id(name)}", headers=headers)

    def _search(self) -> Question:
        name = self._type()
        parameters = parameters_of(name)
        chosen = self.random.sample(sorted(parameters), k=min(len(parameters), self.random.choice((0, 1, 1, 2))))
        pairs = [self._criterion(name, parameters[code], self.random.choice(MODIFIERS)) for code in chosen]
        for code, values in self.random.sample(RESULTS, k=self.random.choice((0, 1, 2))):
            pairs.append((code, self.random.choice(values)))
        includes = RESOURCE_TYPES[name].includes
        if includes and self.random.random() < 0.3:
            pairs.append(("_include", f"{name}:{self.random.choice(includes)}"))
        headers = {"Prefer": "handling=strict"} if self.random.random() < 0.2 else {}
        if self.random.random() < 0.3:
            form = headers | {"Content_Type": "application/x-www-form-urlencoded"}
            return Question("POST", f"/{name}/_search", urlencode(pairs), form)
        return Question("GET", f"/{name}?{urlencode(pairs)}", headers=headers)

    def _criterion(self, name: str, parameter: SearchParameter, modifier: str) -> tuple[str, str]:
        if modifier == ":missing":
            return parameter.code + modifier, self.random.choice(("true", "false"))
        found = self.pool.found_by.get((name, parameter.code), [])
        values = [self._value(name, parameter, found) for _one in range(self.random.choice((1, 1, 2)))]
        return parameter.code + modifier, ",".join(values)

    def _value(self, name: str, parameter: SearchParameter, found: list[str]) -> str:
        if found and parameter.kind != DATE and self.random.random() < 0.7:
            return self.random.choice(found)
        if parameter.code == "_id" or parameter.kind == REFERENCE:
            kind = name if parameter.code == "_id" else self.random.choice(parameter.targets or ("Patient", "Task"))
            return self._id(kind) if parameter.code == "_id" else f"{kind}/{self._id(kind)}"
        return self.random.choice(
            {DATE: DATES, TOKEN: TOKENS, STRING: ("canary", "a", "smith")}.get(parameter.kind, TOKENS)
        )

    def _at_a_distance(self) -> Question:
        name = self._type()
        path = self.random.choice(AT_A_DISTANCE).format(t=name, id=self._id(name))
        return Question(self.random.choice(("GET", "GET", "POST", "DELETE", "PATCH")), f"/{path}")

    def _refused_write(self) -> Question:
        """A write that is refused at the latest for a reference to nobody, whatever it finds before."""
        name = self.random.choice(sorted(FILES))
        made = dict(self.random.choice(self.pool.documents[name]))
        nobody = {"url": "https://tenants.example/see-also", "valueReference": {"reference": f"Patient/{new_id()}"}}
        made["extension"] = [*made.get("extension", []), nobody]
        identifier = self.random.choice(self.pool.found_by.get((name, "identifier"), ["x|y"]))
        way = self.random.randrange(4)
        if way == 0:
            return Question("PUT", f"/{name}/{made['id']}", made)
        if way == 1:
            return Question("PUT", f"/{name}?{urlencode({'identifier': identifier})}", made)
        made.pop("id")
        headers = {"If_None_Exist": urlencode({"identifier": identifier})} if way == 2 else {}
        return Question("POST", f"/{name}", made | {"extension": [nobody, nobody]}, headers)

    def _bundle(self) -> Question:
        """A batch that reads, or a transaction that fails at its last entry."""
        entries = []
        for _one in range(self.random.choice((1, 2, 3))):
            asked = self.random.choice((self._read, self._search))()
            if asked.method == "GET":
                entries.append({"request": {"method": "GET", "url": asked.path.removeprefix("/")}})
        kind = self.random.choice(("batch", "transaction"))
        if kind == "transaction":
            name = self._type()
            request = {"method": "PUT", "url": f"{name}/{self._id(name)}"}
            entries.append({"resource": {"resourceType": name, "id": "x"}, "request": request})
        return Question("POST", "", {"resourceType": "Bundle", "type": kind, "entry": entries})
