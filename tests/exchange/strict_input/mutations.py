"""Mutations of right documents: one operator at one place. No corpus has bad Tasks; here they are made."""

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

from fhir_mapping.json_text import JsonNumber
from tests.exchange.web.fhir.conftest import Json

Place = tuple[str | int, ...]
Operator = Callable[[Any, str | int, random.Random], None]
LONG: Final = "x" * 70_000
ODD_TEXTS: Final = (
    "\u0000", "\ufeff", "\u202eabc", "e\u0301" * 40, "\ud7ff\uffff", "\U0010ffff", "\x7f\x1b[31m", "'; DROP TABLE x --",
    "<script>alert(1)</script>", "../../etc/passwd", "%00%0d%0a", "${7*7}{{7*7}}", "\r\nSet-Cookie: a=b", " ", "",
)  # fmt: skip
REFERENCES: Final = (
    "Patient/nobody", "Organization/nobody", "https://elsewhere.example/fhir/Patient/1", "urn:uuid:nobody",
    "#nobody", "#", "Patient?identifier=a|b", "Task/../Patient/1", "javascript:alert(1)", "/Patient/1", "Patient/",
    "http://127.0.0.1:8080/fhir/Patient/nobody", "Patient/nobody/_history/1",
)  # fmt: skip


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    """Yield every JSON pointer of a document but its root, as names and positions."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in pairs:
        yield (*above, name)
        yield from places(child, (*above, name))


def drop(parent: Any, name: str | int, _chance: random.Random) -> None:
    del parent[name]


def wrong_type(parent: Any, name: str | int, chance: random.Random) -> None:
    others = ["text", JsonNumber("7"), True, [], {}, [["deep"]], {"a": "b"}, JsonNumber("1e400"), ["text"]]
    parent[name] = chance.choice([one for one in others if type(one) is not type(parent[name])])


def null(parent: Any, name: str | int, _chance: random.Random) -> None:
    parent[name] = None


def empty(parent: Any, name: str | int, _chance: random.Random) -> None:
    parent[name] = {dict: {}, list: [], str: ""}.get(type(parent[name]), "")


def unknown_field(parent: Any, name: str | int, chance: random.Random) -> None:
    target = parent[name] if isinstance(parent[name], dict) else parent
    if isinstance(target, dict):
        target[
            chance.choice(["unheardOf", "_unheardOf", "Status", "status ", "__proto__", "resourceType", "", "$ref"])
        ] = "x"
    else:
        target.append({"unheardOf": "x"})


def oversized(parent: Any, name: str | int, chance: random.Random) -> None:
    value = parent[name]
    parent[name] = [copy.deepcopy(one) for one in value for _ in range(150)] if isinstance(value, list) else LONG


def type_swap(parent: Any, name: str | int, chance: random.Random) -> None:
    """Put what stands elsewhere beside it in its place: the shapes are right, and in the wrong element."""
    siblings = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
    other = chance.choice(siblings)
    parent[name], parent[other] = parent[other], parent[name]
    if other == name:
        parent[name] = {"resourceType": "Patient"}


def reference_swap(parent: Any, name: str | int, chance: random.Random) -> None:
    text = chance.choice(REFERENCES)
    parent[name] = text if isinstance(parent[name], str) else {"reference": text}


def extension_only(parent: Any, name: str | int, chance: random.Random) -> None:
    """Leave the primitive out and keep what stands beside it, in shapes that are right and wrong."""
    beside: Any = {"extension": [{"url": "urn:example:absent", "valueCode": "unknown"}]}
    shape = chance.choice([beside, [beside], [None], [None, beside], {"id": "a"}, {}, "text", None])
    if isinstance(parent, dict):
        del parent[name]
        parent[f"_{name}"] = shape
    else:
        parent[int(name)] = beside


def odd_text(parent: Any, name: str | int, chance: random.Random) -> None:
    parent[name] = chance.choice(ODD_TEXTS)


def deep_nest(parent: Any, name: str | int, chance: random.Random) -> None:
    value: Any = parent[name]
    for _level in range(chance.choice([5, 30, 55, 80])):
        value = {"extension": [value]} if chance.random() < 0.5 else [value]
    parent[name] = value


def number_odd(parent: Any, name: str | int, chance: random.Random) -> None:
    texts = ["-0", "0.10", "1e400", "-1e-400", "9" * 400, "2147483648", "-2147483649", "0e0", "1E+2", "3.000"]
    parent[name] = JsonNumber(chance.choice(texts))


def repeated(parent: Any, name: str | int, chance: random.Random) -> None:
    value = parent[name]
    parent[name] = [value, copy.deepcopy(value)] if not isinstance(value, list) else value + copy.deepcopy(value)


OPERATORS: Final[tuple[Operator, ...]] = (
    drop, wrong_type, null, empty, unknown_field, oversized, type_swap, reference_swap, extension_only, odd_text,
    deep_nest, number_odd, repeated,
)  # fmt: skip


def mutated(document: Json, place: Place, operator: Operator, chance: random.Random) -> Json:
    """Return a copy of a document with one operator applied at one place."""
    whole = copy.deepcopy(document)
    parent: Any = whole
    for step in place[:-1]:
        parent = parent[step]
    operator(parent, place[-1], chance)
    return whole
