"""The checker itself: each fault that it looks for is planted and must be seen; in a whole house it sees none."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import pytest
from sqlalchemy import text

from exchange.db.session import Database
from tests.databases import new_database
from tests.exchange.conftest import KEYS, StandingClock
from tests.exchange.faults.checker import Kept, kept_by, kept_in, told_of
from tests.exchange.faults.history import History, Outcome
from tests.exchange.faults.parties import let_join, send_here
from tests.exchange.faults.sink import Delivery

ELSEWHERE: Final = "00000000-0000-7000-8000-000000000000"
ALL_TOLD: Final = text("UPDATE outbox_message SET state = 'sent'")
PLANTED: Final = {
    "DELETE FROM referral_event": "was sent 0 times on its timeline",
    "DELETE FROM outbox_message": "has 0 messages, not one",
    "DELETE FROM release": "is not wholly released to its receiver",
    "DELETE FROM visible_document WHERE is_author IS FALSE": "is not wholly released to its receiver",
    "DELETE FROM audit_event": "is audited 0 times",
    "UPDATE audit_event SET version = 7 WHERE type = 'Task'": "version 7, which is not there",
    "UPDATE referral SET status = 'accepted'": "is accepted and its Task is not",
    f"UPDATE referral SET patient_id = '{ELSEWHERE}'": "without its ServiceRequest or Patient",
    f"UPDATE release SET referral_id = '{ELSEWHERE}'": "a timeline or a release of",
    "INSERT INTO document_version SELECT id, 1, last_updated, body, key_id FROM document": "misses a version before 1",
    f"INSERT INTO document SELECT '{ELSEWHERE}', type, 1, 0, author_id, body, key_id FROM document WHERE type = 'Task'":
        "without its referral",
}  # fmt: skip


def test_in_a_whole_house_nothing_is_found(sent: tuple[Database, str]) -> None:
    database, task = sent

    kept = kept_in(database)

    assert (kept.half, kept.waiting, kept.doubled()) == ([], [], [])
    assert kept.keys == {task: "key"}


@pytest.mark.parametrize(("statement", "sentence"), PLANTED.items())
def test_what_is_half_is_found(sent: tuple[Database, str], statement: str, sentence: str) -> None:
    database, _task = sent

    kept = _planted(database, statement)

    assert [one for one in kept.half if sentence in one]


def test_what_is_lost_denied_or_doubled_is_found(sent: tuple[Database, str]) -> None:
    database, task = sent
    history = History()
    history.note("key", Outcome.FAIL, 503)
    history.note("gone", Outcome.OK, 200, f"Task/{ELSEWHERE}")
    history.note("perhaps", Outcome.UNKNOWN)

    kept = kept_in(database)

    assert kept.lost(history) == ["gone"]
    assert kept.denied(history) == ["key"]
    kept.keys[ELSEWHERE] = "key"
    assert kept.doubled() == ["key"]
    history.note("key", Outcome.OK, 200, f"Task/{task}")
    assert (kept.denied(history), history.contradictions()) == ([], [])
    history.note("key", Outcome.OK, 200, f"Task/{ELSEWHERE}")
    assert history.contradictions() == ["key"]


def test_what_is_not_told_or_told_under_another_id_is_found(sent: tuple[Database, str]) -> None:
    database, task = sent
    kept = kept_in(database)
    (message,) = kept.messages[task]

    told_twice = told_of(kept, [Delivery(message, task), Delivery(message, task)])
    told_anew = told_of(kept, [Delivery(ELSEWHERE, task), Delivery(message, ELSEWHERE)])

    assert (told_twice.untold, told_twice.not_stored, told_twice.twice, told_twice.repeats) == ([], [], [], 1)
    assert (told_anew.not_stored, told_anew.twice) == ([ELSEWHERE], sorted([ELSEWHERE, task]))
    assert told_of(kept, []).untold == [task]


def test_a_message_that_waits_is_found(sent: tuple[Database, str]) -> None:
    database, _task = sent

    kept = _planted(database, "UPDATE outbox_message SET state = 'parked'")

    assert [one for one in kept.waiting if "is parked" in one]


class _Undo(Exception):
    """Takes back what was planted."""


def _planted(database: Database, statement: str) -> Kept:
    """Return what is found while the statement holds; it is taken back."""
    found: list[Kept] = []
    with suppress(_Undo), database.write() as session:
        session.execute(text(statement))
        found.append(kept_by(session))
        raise _Undo
    return found[0]


@pytest.fixture(scope="module")
def sent(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, str]]:
    """A database in which one referral was sent and told, and the id of its Task."""
    with new_database(tmp_path_factory.mktemp("checker"), like=migrated) as url:
        database = Database(url, keys=KEYS, clock=StandingClock())
        parties = let_join(database)
        (task,) = send_here(database, parties, parties.referral("key"))
        with database.write() as session:
            session.execute(ALL_TOLD)
        yield database, task
        database.close()
