"""What documents are found by is built anew: broken off anywhere and run again it comes to the same, beside writers."""

from typing import Any

import pytest
from sqlalchemy import delete, select

from exchange.actions.referrals.answer_referral import answer_referral
from exchange.db import parameter
from exchange.db.session import Database
from exchange.work.reindexing import reindex
from tests.exchange.conftest import House
from tests.reliability import Reached


class Stopped(RuntimeError):
    """The operator pressed Ctrl-C, or the machine went down."""


def found_by(database: Database) -> set[Any]:
    """Return all that documents are found by."""
    with database.read() as session:
        return {
            (name, *row)
            for name, table in parameter.TABLES.items()
            for row in session.execute(select(*[column for column in table.c if column.name != "id"]))
        }


@pytest.mark.invariant(
    "reindex-is-repeatable", "A reindex that ends at any batch and is run again comes to what a whole one comes to."
)
def test_a_reindex_that_is_broken_off_anywhere_and_run_again_comes_to_the_same(house: House, reached: Reached) -> None:
    for _each in range(2):
        house.send()
    before = found_by(house.database)
    with house.database.write() as session:
        for table in parameter.TABLES.values():
            session.execute(delete(table))
    assert found_by(house.database) == set()

    documents = reindex(house.database, None, batch=3, breath_seconds=0)
    stops = 0
    while True:
        seen: list[int] = []

        def stop(_stage: str, done: int, _total: int, most: int = stops * 3, seen: list[int] = seen) -> None:
            seen.append(done)
            if done > most:
                raise Stopped

        try:
            reindex(house.database, None, stop, batch=3, breath_seconds=0)
            break
        except Stopped:
            stops += 1
            assert found_by(house.database) == before

    assert found_by(house.database) == before
    assert seen == sorted(seen)
    assert seen[-1] == documents
    assert stops >= 3
    reached(stops=stops, rows=len(before), differences=0)


def test_a_document_that_changes_between_two_batches_is_found_by_what_it_says_now(house: House) -> None:
    sent = house.send()
    changed = False

    def answer_meanwhile(*_progress: Any) -> None:
        nonlocal changed
        if not changed:
            changed = True
            with house.database.write() as session:
                answer_referral(session, house.person("pantry"), sent.referral.id, "accept")

    reindex(house.database, None, answer_meanwhile, batch=1, breath_seconds=0)

    statuses = {row[4] for row in found_by(house.database) if row[0] == "Task" and row[2] == "status"}
    again = found_by(house.database)
    reindex(house.database, None, batch=100, breath_seconds=0)
    assert statuses <= {"accepted"}
    assert found_by(house.database) == again


def test_one_type_alone_is_counted_and_indexed(house: House) -> None:
    house.send()
    before = found_by(house.database)
    with house.database.write() as session:
        session.execute(delete(parameter.TABLES["Patient"]))
    shown: list[tuple[str, int, int]] = []

    done = reindex(house.database, "Patient", lambda *progress: shown.append(progress), breath_seconds=0)

    assert (done, shown) == (1, [("documents indexed", 1, 1)])
    assert found_by(house.database) == before
