"""A client gets a token: 256 random bits, told once, kept as a hash, alive for 300 seconds."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from exchange.actions.clients.oversight import client_entry
from exchange.db import audit
from exchange.db.client import AccessTokenRow, ClientRow
from exchange.db.sealing import digest
from exchange.db.session import now
from exchange.domain.actor import Actor

#  SMART App Launch 2.2, "Backend Services": expires_in SHOULD NOT exceed 300
TOKEN_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """`access_token` is the secret itself: it goes to the client and is written nowhere. `expires_in` is in seconds."""

    access_token: str
    scope: str
    expires_in: int


def issue_token(session: Session, actor: Actor, client: ClientRow, scope: str) -> IssuedToken:
    """Issue a token of a client that has authenticated, for a scope that was granted."""
    secret, at = secrets.token_urlsafe(32), now(session)
    expires_at = at + timedelta(seconds=TOKEN_SECONDS)
    session.add(
        AccessTokenRow(token_hash=digest(secret), client_id=client.id, scope=scope, issued_at=at, expires_at=expires_at)
    )
    audit.write(session, [client_entry(session, actor, client, "token", status=200)])
    return IssuedToken(secret, scope, TOKEN_SECONDS)
