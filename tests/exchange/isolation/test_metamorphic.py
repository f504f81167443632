"""What a tenant is answered does not depend on what others have written: with and without it, equal to the byte.

Time stands still and the request's id is given. Made equal before comparing are the ids of audit rows that the requests
themselves have left, which no two runs share, and sealed page tokens, which hold a random number: a next page is asked
for by each world's own token.
"""

import re
from random import Random
from typing import Final

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from exchange.db.audit import audit_event
from tests.exchange.isolation.answers import ID, everything_of
from tests.exchange.isolation.questions import Asker, Pool, Question
from tests.exchange.isolation.world import World
from tests.exchange.web.fhir.conftest import BASE, json_of
from tests.reliability import Reached, sizes

SEED: Final = 20261124
MOST_PAGES: Final = 3
ASKERS: Final = ("hospital", "pantry")
PAGE: Final = re.compile(r"_page=[\w.\-%]+")


class Twin:
    """One of the two worlds, and what of its answers is compared."""

    def __init__(self, world: World, shared: frozenset[str]) -> None:
        self.world, self._shared = world, shared
        self._of_its_own: dict[str, str] = {}

    def ask(self, label: str, question: Question) -> TestResponse:
        """Ask under a request id that is always the same."""
        headers = {"X_Request_Id": "one-and-the-same"} | question.headers
        return self.world.callers[label].ask(question.method, question.path, question.body, **headers)

    def compared(self, answer: TestResponse, question: Question) -> tuple[int, tuple[tuple[str, str], ...], str]:
        """Return status, headers and body, made equal where two worlds cannot be."""
        status, headers, body = everything_of(answer)
        said = f"{question.path} {question.body}"

        def known(match: re.Match[str]) -> str:
            if match[0] in self._shared or match[0] in said:
                return match[0]
            return self._of_its_own.setdefault(match[0], f"row {len(self._of_its_own)}")

        return status, headers, PAGE.sub("_page=…", ID.sub(known, body))


def audit_rows(world: World) -> frozenset[str]:
    with world.house.database.read() as session:
        return frozenset(session.execute(select(audit_event.c.id)).scalars())


def next_page(answer: TestResponse) -> str | None:
    """Return the address of the next page, below the base."""
    if answer.status_code != 200 or not answer.data.startswith(b'{"resourceType":"Bundle"'):
        return None
    links = json_of(answer).get("link", [])
    return next((one["url"].removeprefix(BASE) for one in links if one["relation"] == "next"), None)


def differences(twins: tuple[Twin, Twin], label: str, question: Question) -> tuple[int, list[str]]:
    """Ask both worlds, page by page, and return how many answers were compared and what differed."""
    asked, compared = (question, question), 0
    for _page in range(MOST_PAGES):
        answers = [twin.ask(label, one) for twin, one in zip(twins, asked, strict=True)]
        told = [twin.compared(answer, one) for twin, answer, one in zip(twins, answers, asked, strict=True)]
        compared += 1
        if told[0] != told[1]:
            return compared, [f"{label}: {question}\n  {told[0]}\n  {told[1]}"[:3000]]
        pages = [next_page(answer) for answer in answers]
        if None in pages:
            break
        asked = (Question("GET", str(pages[0])), Question("GET", str(pages[1])))
    return compared, []


@pytest.mark.invariant(
    "isolation-metamorphic",
    "What a tenant is answered is equal to the byte with and without another tenant's documents.",
)
@pytest.mark.parametrize("requests", sizes(100, 1_000))
def test_answers_are_the_same_with_and_without_the_others_documents(
    requests: int, alone: World, together: World, reached: Reached
) -> None:
    pool = Pool.of(together)
    shared = audit_rows(alone) & audit_rows(together) | set(alone.authors()) | set(alone.house.ids.values())
    twins = Twin(alone, frozenset(shared)), Twin(together, frozenset(shared))
    compared, wrong = 0, []

    for label in ASKERS:
        for question in Asker(Random(f"{SEED} {label}"), pool).questions(requests):
            count, found = differences(twins, label, question)
            compared, wrong = compared + count, wrong + found

    assert wrong == [], "\n".join(wrong[:5])
    reached(askers=len(ASKERS), answers_compared=compared, differences=len(wrong))
