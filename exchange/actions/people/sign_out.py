"""A person signs out: the session ends on our side, so that a copy of the cookie is worth nothing."""

from sqlalchemy.orm import Session

from exchange.db.person import portal_session
from exchange.db.session import now


def sign_out(session: Session, token: str) -> None:
    """End the session of this secret; an unknown or ended one is left as it is."""
    row = portal_session(session, token)
    if row is not None and row.ended_at is None:
        row.ended_at = now(session)
