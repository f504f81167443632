"""When the database does not answer, the refusal says what is known: nothing was stored, or nobody can tell."""

from functools import partial
from typing import Any, Final

import pytest
from sqlalchemy import select, text

from exchange.db.audit import AuditEntry
from exchange.db.audit_writer import LATE, AuditWriter
from exchange.db.failures import BUSY
from exchange.db.session import PERHAPS_STORED
from exchange.db.setting import set_setting, setting
from exchange.domain.errors import Busy
from tests.databases import URL, only_on_postgres
from tests.exchange.db.at_once import at_once

SHORT_MS: Final = 100
END: Final = text("SELECT pg_terminate_backend(:pid)")
OWN: Final = text("SELECT pg_backend_pid()")


@pytest.mark.skipif(bool(URL), reason="On PostgreSQL it is the server that ends the wait (lock_timeout, 10 s).")
def test_who_waits_too_long_for_the_one_writer_of_a_process_is_told_so(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.db.session.BUSY_TIMEOUT_MS", SHORT_MS)

    with house.database.write():
        came = at_once(*[partial(_keep, house, "waits")] * 4)

    assert [(type(one), str(one)) for one in came] == [(Busy, BUSY)] * 4
    assert at_once(partial(_keep, house, "goes on")) == [None]
    with house.database.read() as session:
        assert (setting(session, "waits"), setting(session, "goes on")) == (None, "yes")


def test_who_gets_no_connection_is_told_so(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = house.database._reader.pool
    monkeypatch.setattr(pool, "_timeout", 0.01)
    held = [pool.connect() for _ in range(pool.size())]

    with pytest.raises(Busy, match="nothing was stored"), house.database.read() as session:
        session.execute(select(1))

    for one in held:
        one.close()


@only_on_postgres
@pytest.mark.parametrize(("is_last_moment", "sentence"), [(False, BUSY), (True, PERHAPS_STORED)])
def test_of_a_connection_that_breaks_it_is_told_whether_something_can_have_been_stored(
    house: Any, is_last_moment: bool, sentence: str
) -> None:
    """A server that dies between the commit and its answer leaves nobody who knows."""

    def write() -> None:
        with house.database.write() as session:
            pid = session.execute(OWN).scalar_one()
            with house.database.read() as other:
                other.execute(END, {"pid": pid})
            if not is_last_moment:
                session.execute(select(1))

    with pytest.raises(Busy) as refused:
        write()

    assert str(refused.value) == sentence
    _keep(house, "heals")


def test_an_audit_that_is_late_does_not_say_that_nothing_was_stored(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write that it stands behind may have been committed before."""

    def write(**_how: bool) -> Any:
        raise Busy(BUSY)

    monkeypatch.setattr(house.database, "write", write)
    writer = AuditWriter(house.database)

    with pytest.raises(Busy) as refused:
        writer.keep(AuditEntry(house.clock(), "R", "read", "0", "client", "EHR"))

    assert str(refused.value) == LATE
    writer.stop()


def _keep(house: Any, name: str) -> None:
    with house.database.write() as session:
        set_setting(session, name, "yes")
