"""The order of writes: stamps and commits come in one order, and a reader sees one moment."""

import threading
import time
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.create_document import create_document
from exchange.app import system_clock
from exchange.db.document import document
from exchange.db.search import newest
from exchange.db.session import stamp
from exchange.domain.errors import Busy
from tests.databases import only_on_postgres
from tests.exchange.db.at_once import LONGEST_SECONDS, ROUNDS, at_once

PATIENT = {"resourceType": "Patient", "gender": "unknown"}


def found_since(house: Any, mark: int) -> tuple[set[str], int]:
    """Return the documents with a stamp of `mark` or later, and the next mark: what a poller does."""
    with house.database.read() as session:
        next_mark = newest(session, "Patient", viewer_id=house.ids["hospital"])
        newer = document.c.last_updated >= mark, document.c.last_updated <= next_mark
        return set(session.execute(select(document.c.id).where(*newer)).scalars()), next_mark


@pytest.fixture
def house(house: Any) -> Any:
    """The house with a clock that goes: what is stamped first is stamped lower."""
    house.database.clock = system_clock
    return house


@pytest.mark.invariant("poller-held-open", "A poller misses nothing while a writing transaction is held open.")
def test_a_poller_misses_nothing_while_a_transaction_is_held_open(house: Any) -> None:
    hospital, stamped, go_on = house.client("hospital"), threading.Event(), threading.Event()
    written: list[str] = []

    def hold() -> None:
        with house.database.write() as session:
            written.append(create_document(session, hospital, check_document(PATIENT)).document.id)
            stamped.set()
            go_on.wait(LONGEST_SECONDS)

    def write_beside() -> None:
        stamped.wait(LONGEST_SECONDS)
        written.append(house.keep(hospital, PATIENT).removeprefix("Patient/"))

    _seen, mark = found_since(house, 0)
    threads = [threading.Thread(target=act) for act in (hold, write_beside)]
    for thread in threads:
        thread.start()
    stamped.wait(LONGEST_SECONDS)
    during, mark = found_since(house, mark)
    go_on.set()
    for thread in threads:
        thread.join(LONGEST_SECONDS)
    after, _mark = found_since(house, mark)

    assert len(written) == 2
    assert during | after >= set(written)


@pytest.mark.invariant("poller-overtaking", "A poller misses nothing of writers that overtake each other.")
def test_a_poller_misses_nothing_of_writers_that_overtake_each_other(house: Any) -> None:
    """Five write while one polls from mark to mark, each transaction open for a moment after its stamp."""
    hospital, ended = house.client("hospital"), threading.Event()
    seen: set[str] = set()

    def write(number: int) -> list[str]:
        return [_slowly(house, hospital, number, turn) for turn in range(ROUNDS // 2)]

    def poll() -> None:
        mark = 0
        while not ended.is_set():
            found, mark = found_since(house, mark)
            seen.update(found)
        seen.update(found_since(house, mark)[0])

    poller = threading.Thread(target=poll)
    poller.start()
    came = at_once(*(partial(write, number) for number in range(5)))
    ended.set()
    poller.join(LONGEST_SECONDS)

    written = {one for some in came for one in some}
    assert len(written) == 5 * (ROUNDS // 2)
    assert written - seen == set()


def _slowly(house: Any, actor: Any, number: int, turn: int) -> str:
    with house.database.write() as session:
        kept = create_document(session, actor, check_document(PATIENT)).document
        time.sleep((number * 7 + turn * 3) % 5 / 1000)
    return kept.id


@pytest.mark.invariant("reader-one-moment", "A reader sees one moment: a search and its watermark belong together.")
def test_a_reader_sees_one_moment(house: Any) -> None:
    house.keep(house.client("hospital"), PATIENT)
    viewer = house.ids["hospital"]
    count = text("SELECT count(*) FROM document")

    with house.database.read() as session:
        before = session.execute(count).scalar_one(), newest(session, "Patient", viewer_id=viewer)
        house.keep(house.client("hospital"), PATIENT)
        after = session.execute(count).scalar_one(), newest(session, "Patient", viewer_id=viewer)

    assert before == after


def test_a_reader_cannot_write(house: Any) -> None:
    with pytest.raises((DBAPIError, Busy)) as refused, house.database.read() as session:
        session.execute(text("DELETE FROM referral_event"))

    assert "readonly" in str(refused.value.__cause__).replace("-", "")


@only_on_postgres
def test_an_audit_row_of_a_read_waits_for_no_writer(house: Any) -> None:
    with house.database.write() as held, house.database.write(takes_turn=False) as beside:
        stamp(held)
        beside.execute(text("INSERT INTO setting (name, value) VALUES ('beside', 'yes')"))
        beside.commit()
        assert held.execute(text("SELECT value FROM setting WHERE name = 'beside'")).scalar_one() == "yes"
