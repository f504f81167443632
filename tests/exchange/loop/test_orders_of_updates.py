"""Five updates of a referral that arrive in any order: the table of moves decides, and none is applied twice.

Security figure 11, as all 120 orders by so many referrals. In one half of them an update names the version it was made
from, so that a late one is stale (412) and is sent again after reading. In the other half its sender reads first, so
that what comes too early or too late is no possible move (422), and what has come already changes nothing.
"""

import itertools
from typing import Any, Final

import pytest

from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.update_document import update_document
from exchange.db import document
from exchange.domain.errors import ExchangeError, IllegalTransition, StaleVersion
from fhir_mapping.json_text import Json, parse
from tests.exchange.loop.expected import DIAGRAM
from tests.exchange.loop.papers import OUTCOME
from tests.exchange.rows import rows
from tests.reliability import Reached, sizes

UPDATES: Final = ("accepted", "in-progress", "on-hold", "in-progress", "completed")
ORDERS: Final = tuple(itertools.permutations(range(len(UPDATES))))
#  a step through the orders that meets each of them, and far ones first
STRIDE: Final = 37


@pytest.mark.invariant(
    "late-updates-change-nothing",
    "Five status updates that arrive in any order end where the table of moves says, and none is applied twice.",
)
@pytest.mark.parametrize("rounds", sizes(16, 2_400))
def test_updates_in_any_order_end_where_the_table_says(house: Any, rounds: int, reached: Reached) -> None:
    refused = applied = 0

    for number in range(rounds):
        order = ORDERS[number * STRIDE % len(ORDERS)]
        sent = house.send()
        play = late_ones_are_stale if number // len(ORDERS) % 2 == number % 2 else the_table_decides
        statuses, late = play(house, sent.referral.id, order)
        assert history(house, sent.referral.id) == ["requested", *statuses], order
        refused, applied = refused + late, applied + len(statuses)

    lines = rows(house.database)["referral_event"]
    assert len(lines) == rounds + applied, "each update that was applied has one line, and no other has any"
    reached(rounds=rounds, orders=len({n * STRIDE % len(ORDERS) for n in range(rounds)}), applied=applied,
            refused=refused)  # fmt: skip


def late_ones_are_stale(house: Any, task_id: str, order: tuple[int, ...]) -> tuple[list[str], int]:
    """Send each update with the version it was made from; what was refused is sent again, after reading, in order."""
    version, refused = 1, []
    for update in order:
        if update + 1 == version:
            assert put(house, task_id, UPDATES[update], version=update + 1) is None
            version += 1
        else:
            assert type(put(house, task_id, UPDATES[update], version=update + 1)) is StaleVersion
            refused.append(update)
    for update in sorted(refused):
        assert put(house, task_id, UPDATES[update], version=update + 1) is None
    for update in range(len(UPDATES)):
        assert type(put(house, task_id, UPDATES[update], version=update + 1)) is StaleVersion, "applied once, not twice"
    return list(UPDATES), len(refused) + len(UPDATES)


def the_table_decides(house: Any, task_id: str, order: tuple[int, ...]) -> tuple[list[str], int]:
    """Send each update on the version that stands: the table of moves says which may come after which."""
    status, refused = "requested", 0
    statuses: list[str] = []
    for update in order:
        wanted = UPDATES[update]
        is_move = any(end == wanted for end, _who in DIAGRAM[status].values())
        came = put(house, task_id, wanted, version=1 + len(statuses))
        if is_move or wanted == status:
            assert came is None, (status, wanted, came)
            statuses += [wanted] if is_move else []
            status = wanted
        else:
            assert type(came) is IllegalTransition, (status, wanted, came)
            refused += 1
    return statuses, refused


def put(house: Any, task_id: str, status: str, *, version: int) -> ExchangeError | None:
    """Send a status as the pantry's program does, and return the refusal, if it was one."""
    with house.database.read() as session:
        task: Json = parse(document.read(session, "Task", task_id, viewer_id=house.ids["pantry"]).body)  # type: ignore[union-attr]
    task |= {"status": status} | ({"output": OUTCOME} if status == "completed" else {})
    try:
        with house.database.write() as session:
            update_document(session, house.client("pantry"), "Task", task_id, check_document(task), if_match=version)
    except ExchangeError as refused:
        return refused
    return None


def history(house: Any, task_id: str) -> list[str]:
    """Return the statuses of every version of a Task, oldest first."""
    with house.database.read() as session:
        found = document.history(session, "Task", task_id, viewer_id=house.ids["hospital"])
    return [parse(one.body)["status"] for one in reversed(found)]
