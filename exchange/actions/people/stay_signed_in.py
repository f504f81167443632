"""A session that is used stays alive: its last use is written down, at most once a minute."""

from datetime import timedelta

from sqlalchemy.orm import Session

from exchange.db.person import portal_session
from exchange.db.session import now

NOTED_EVERY = timedelta(minutes=1)


def stay_signed_in(session: Session, token: str) -> None:
    """Write down that a living session was used now."""
    row = portal_session(session, token)
    if row is not None and row.ended_at is None:
        row.seen_at = max(row.seen_at, now(session))
