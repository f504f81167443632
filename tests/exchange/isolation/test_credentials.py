"""Role × route × verb over the whole URL map: nobody, dead and foreign credentials get the one answer of the mark.

The routes come from the map, what each asks for from its `@access` mark: a route that is new is in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest
from sqlalchemy import update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from exchange.db.client import AccessTokenRow, ClientRow
from exchange.db.ids import new_secret
from exchange.db.link import make_link
from exchange.db.person import PortalSessionRow, UserRow
from exchange.db.sealing import digest
from exchange.domain.actor import Role
from exchange.domain.permissions import ANY_ROLE, TABLE
from exchange.web.guard import SESSION_COOKIE, Access, Who
from tests.exchange.isolation.canaries import canary
from tests.exchange.isolation.world import World
from tests.reliability import Reached, sizes

VERBS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
#  what a route answers to whom it does not know: a person is sent to sign in
#  without a token in the settings there is nothing to monitor, for anybody
TO_NOBODY: Final = {Who.CLIENT: 401, Who.MEMBER: 401, Who.PERSON: 303, Who.LINK: 404, Who.MONITOR: 404}
_HOLE: Final = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Address:
    """A route with its holes filled by a stranger's ids, and one verb."""

    rule: Rule
    verb: str
    path: str
    mark: Access | None
    offered: bool

    def __str__(self) -> str:
        return f"{self.verb} {self.rule.rule}"


def addresses(world: World) -> Iterator[Address]:
    """Yield every route with every verb; ids are those of the strangers' referral."""
    app, theirs = world.door.app, world.kept["other hospital's"]
    with world.house.database.write() as session:
        token = make_link(session, theirs["Task"], world.house.ids["shelter"], world.house.clock())
    for rule in app.url_map.iter_rules():
        type_name = (rule.defaults or {}).get("type_name", "Task")
        holes = {
            "document_id": theirs.get(type_name, theirs["Task"]), "version": "1", "referral_id": theirs["Task"],
            "webhook_id": theirs["Task"], "verb": "accept", "token": token[::-1], "filename": "theme.css",
            "path": "Colour/1",
        }  # fmt: skip
        path = _HOLE.sub(lambda found, holes=holes: holes[found[1]], rule.rule)
        mark = getattr(app.view_functions[rule.endpoint], "access", None)
        for verb in VERBS:
            yield Address(rule, verb, path, mark, verb in (rule.methods or set()))


def dead_tokens(world: World) -> dict[str, str]:
    """Return tokens that do not live: unknown, run out, revoked, of a revoked program."""
    revoked, of_revoked = world.door.caller("pantry"), world.door.caller("pantry")
    with world.house.database.write() as session:
        at = world.house.clock()
        session.execute(
            update(AccessTokenRow).where(AccessTokenRow.token_hash == digest(revoked.token)).values(revoked_at=at)
        )
        row = session.get_one(AccessTokenRow, digest(of_revoked.token))
        session.execute(update(ClientRow).where(ClientRow.id == row.client_id).values(revoked_at=at))
    return {
        "nobody's": "nobody-gave-this-token-to-anybody", "run out": world.expired["pantry"],
        "revoked": revoked.token, "of a revoked program": of_revoked.token,
    }  # fmt: skip


NUMBERS: Final = count(1)


def session_of(world: World, label: str, role: Role, *, ended: bool = False, days_ago: int = 0) -> str:
    """Return the cookie of somebody who has signed in."""
    secret, at = new_secret(), world.house.clock() - timedelta(days=days_ago)
    user_id = f"user-{label}-{next(NUMBERS)}"
    with world.house.database.write() as session:
        session.add(
            UserRow(
                id=user_id, organization_id=world.house.ids[label], email=f"{user_id}@example.invalid", name="Rosa",
                role=role, invited_at=at,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            PortalSessionRow(
                token_hash=digest(secret), user_id=user_id, started_at=at, seen_at=at, ended_at=at if ended else None
            )
        )
    return secret


def asked(world: World, address: Address, *, token: str = "", cookie: str = "") -> TestResponse:
    client = world.door.app.test_client()
    if cookie:
        client.set_cookie(SESSION_COOKIE, cookie)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.open(address.path, method=address.verb, headers=headers)


def guarded(world: World) -> list[Address]:
    """Return the addresses that are not for everybody, with the verbs that are offered there."""
    return [
        one for one in addresses(world)
        if one.offered and one.mark is not None and one.mark.who is not Who.PUBLIC and one.verb != "OPTIONS"
    ]  # fmt: skip


@pytest.mark.invariant(
    "isolation-credentials",
    "Each route and verb that is not for everybody refuses no, dead and foreign credentials, and shows nothing.",
)
@pytest.mark.parametrize("credentials", sizes(1, 8))
def test_no_route_answers_whom_it_does_not_know(credentials: int, world: World, reached: Reached) -> None:
    wrong, tokens, every, requests = [], dead_tokens(world), guarded(world), 0
    cookies = {
        "ended": session_of(world, "pantry", Role.ADMINISTRATOR, ended=True),
        "idle": session_of(world, "pantry", Role.ADMINISTRATOR, days_ago=1),
        "forged": new_secret(),
    }
    tries: list[tuple[str, dict[str, str]]] = [("nothing", {})]
    tries += [(name, {"token": token}) for name, token in tokens.items()]
    tries += [(f"a session that is {name}", {"cookie": cookie}) for name, cookie in cookies.items()]

    assert len(tries) == 8
    for number, address in enumerate(every):
        #  the default run tries one after the other, each at the next address
        for what, credential in (tries[number % 8 :] + tries[: number % 8])[:credentials]:
            answer, requests = asked(world, address, **credential), requests + 1
            if answer.status_code != TO_NOBODY[address.mark.who] or canary("other") in answer.get_data(as_text=True):
                wrong.append(f"{address} with {what}: {answer.status_code}")

    assert wrong == [], "\n".join(wrong)
    reached(routes=len({(one.rule.rule, one.rule.endpoint) for one in every}), requests=requests)


def test_no_page_shows_a_strangers_referral_to_anybody_signed_in(world: World) -> None:
    """Role × page: what the role may not is 403, what it may is 404 for a stranger's referral, and no list holds it."""
    wrong: list[str] = []
    seen = 0
    for label in ("pantry", "hospital", "network"):
        for role in Role:
            cookie = session_of(world, label, role)
            for address in guarded(world):
                if address.verb != "GET" or address.mark is None or address.mark.who is not Who.PERSON:
                    continue
                answer, seen = asked(world, address, cookie=cookie), seen + 1
                roles = TABLE[address.mark.permission][0] if address.mark.permission else ANY_ROLE
                expected = 403 if role not in roles else 404 if "referral_id" in address.rule.arguments else 200
                if address.rule.rule == "/" and label != "pantry":
                    expected = 303  # who does not receive begins elsewhere
                if answer.status_code != expected or canary("other") in answer.get_data(as_text=True).lower():
                    wrong.append(f"{label} {role} {address}: {answer.status_code}, not {expected}")

    assert wrong == [], "\n".join(wrong)
    assert seen >= 90


def test_a_program_has_no_pages_and_a_person_no_fhir(world: World) -> None:
    cookie, token = session_of(world, "pantry", Role.ADMINISTRATOR), world.callers["pantry"].token

    for address in guarded(world):
        assert address.mark is not None
        if address.mark.who is Who.CLIENT:
            assert asked(world, address, cookie=cookie).status_code == 401, address
        if address.mark.who is Who.PERSON and address.verb == "GET":
            assert asked(world, address, token=token).status_code == 303, address


def test_a_verb_that_a_route_does_not_have_does_nothing(world: World) -> None:
    """The complement of the map: every verb at every path that no rule of that path offers."""
    every = list(addresses(world))
    by_path: dict[str, set[str]] = {}
    for one in every:
        by_path.setdefault(one.path, set()).update({one.verb} if one.offered else set())
    answered: dict[int, int] = {}

    for path, offered in sorted(by_path.items()):
        for verb in set(VERBS) - offered:
            rule = next(one for one in every if one.path == path)
            answer = asked(world, Address(rule.rule, verb, path, rule.mark, offered=False))
            answered[answer.status_code] = answered.get(answer.status_code, 0) + 1

    #  at the FHIR door somebody must say who he is before he is told what is not there
    assert set(answered) <= {401, 404, 405}, answered


def test_a_token_of_another_type_or_for_reading_reaches_nothing_else(world: World) -> None:
    narrow: dict[str, Any] = {name: world.door.caller("pantry", f"system/{name}.cruds") for name in ("Task", "Group")}
    reads = world.door.caller("pantry", "system/*.rs")

    for address in guarded(world):
        name = (address.rule.defaults or {}).get("type_name")
        if name is None:
            continue
        other = narrow["Group" if name == "Task" else "Task"]
        assert asked(world, address, token=other.token).status_code == 403, address
        if address.rule.endpoint in ("fhir.create", "fhir.update", "fhir.conditional_update"):
            assert asked(world, address, token=reads.token).status_code == 403, address
