"""Failed authentications: too many of a client from an address must wait, and each one is audited."""

from datetime import timedelta
from typing import Final

from flask import g, request
from sqlalchemy.orm import Session

from exchange.actions.people.throttle import note, refuse_more_than, subject_of
from exchange.db import audit
from exchange.db.client import client
from exchange.db.session import now
from exchange.web.transaction import reading, transaction

WINDOW: Final = timedelta(minutes=5)
MOST_FAILURES: Final = 10


def refuse_too_many(client_id: str | None) -> None:
    """Raise TooMany while a client has failed too often from this address. Another address is not held up."""
    with reading() as session:
        refuse_more_than(
            session, _subject(session, client_id), MOST_FAILURES, WINDOW,
            "There were too many failed authentications: wait, check key, clock and address, then try again.",
        )  # fmt: skip


def note_failure(client_id: str | None) -> None:
    """Count and audit a failed authentication. `client_id` is what was claimed, None when nothing could be read.

    The row belongs to the organisation of the client, if there is one: it may see who tries its name.
    """
    with transaction() as session:
        note(session, _subject(session, client_id))
        row = client(session, client_id) if client_id else None
        entry = audit.AuditEntry(
            at=now(session), action="E", interaction="token", outcome="4", status=401, actor_kind="unknown",
            actor_name="unknown", organization_id=row.organization_id if row else None,
            actor_id=row.id if row else None, address=request.remote_addr, request_id=g.get("request_id"),
        )  # fmt: skip
        audit.write(session, [entry])


def _subject(session: Session, client_id: str | None) -> str:
    return subject_of(session, "client and address", f"{client_id or ''}\0{request.remote_addr}")
