"""Tokens that were handed out, as their own organisation may know of them."""

from sqlalchemy.orm import Session

from exchange.db.client import AccessTokenRow, ClientRow, access_token
from exchange.db.session import now


def living_token(session: Session, token: str) -> tuple[AccessTokenRow, ClientRow] | None:
    """Return a token that opens doors at this moment, with its client; None for any other text."""
    if not token.isascii():
        return None
    found = access_token(session, token)
    if found is None or found[0].revoked_at or found[1].revoked_at or found[0].expires_at <= now(session):
        return None
    return found


def told_token(session: Session, token: str, organization_id: str) -> tuple[AccessTokenRow, ClientRow] | None:
    """Return a living token of this organisation's clients; None for others', as for unknown ones (RFC 7662 §2.2)."""
    found = living_token(session, token)
    return found if found is not None and found[1].organization_id == organization_id else None
