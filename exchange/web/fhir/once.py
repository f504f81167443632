"""A write that is answered once: with an `Idempotency-Key`, a repeat gets the first answer and changes nothing."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from flask import request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from exchange.db.repeat import FirstAnswer, first_answer, keep_answer, request_hash
from exchange.db.session import now
from exchange.domain.errors import Busy, Malformed, Unprocessable
from exchange.web.audit_trail import note_read
from exchange.web.fhir.asking import Ask
from exchange.web.fhir.replying import Reply
from exchange.web.guard import current_actor
from exchange.web.transaction import reading, transaction

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}\Z")
#  what makes two requests different besides address and body
_TOLD_APART: Final = ("If-Match", "If-None-Exist")


def once(ask: Ask, act: Callable[[Session], Reply]) -> Reply:
    """Run a write in one transaction and return its answer, or the first answer to its key.

    Raises Malformed for a key that cannot be one, Unprocessable for a key that came with another request.
    """
    key = key_of(ask)
    if key is None:
        with transaction() as session:
            return act(session)
    try:
        with transaction() as session:
            first = answered(session, key)
            if first is not None:
                return first
            reply = act(session)
            keep(session, key, reply, now(session))
            session.flush()
            return reply
    except IntegrityError:
        raise Busy("The same request is being answered at this moment: send it again to get its answer.") from None


def once_apart(ask: Ask, act: Callable[[], Reply]) -> Reply:
    """Run writes that have transactions of their own (a batch), or return the first answer to their key."""
    key = key_of(ask)
    if key is None:
        return act()
    with reading() as session:
        first = answered(session, key)
    if first is not None:
        return first
    reply = act()
    with transaction() as session:
        keep(session, key, reply, now(session))
    return reply


def key_of(ask: Ask) -> str | None:
    """Return the Idempotency-Key of a request. Raises Malformed."""
    key = ask.headers.get("Idempotency-Key")
    if key is not None and not _KEY.match(key):
        raise Malformed(
            "An Idempotency-Key has 1 to 255 visible characters: send another.", expression="Idempotency-Key"
        )
    return key


def answered(session: Session, key: str) -> Reply | None:
    """Return the first answer to a key of the caller's organisation. Raises Unprocessable for another request."""
    first = first_answer(session, current_actor().organization_id or "", key, now(session))
    if first is None:
        return None
    if first.request_hash != _hash(session):
        raise Unprocessable(
            "This Idempotency-Key came with another request before: use a new key for a new request.",
            expression="Idempotency-Key",
            code="duplicate",
        )
    note_read("read", type_name=(request.view_args or {}).get("type_name"))
    return Reply(first.status, first.body, first.etag, None, first.location)


def keep(session: Session, key: str, reply: Reply, at: datetime) -> None:
    """Keep the answer for its key."""
    first = FirstAnswer(_hash(session), reply.status, reply.location, reply.etag, reply.body)
    keep_answer(session, current_actor().organization_id or "", key, first, at)


def _hash(session: Session) -> str:
    said = [request.method, request.full_path, *(request.headers.get(name, "") for name in _TOLD_APART)]
    return request_hash(session, "\n".join(said).encode() + b"\n" + request.get_data())
