"""A client gives a token back before its time."""

from sqlalchemy.orm import Session

from exchange.actions.clients.oversight import client_entry
from exchange.actions.clients.read_token import living_token
from exchange.db import audit
from exchange.db.client import ClientRow
from exchange.db.session import now
from exchange.domain.actor import Actor


def revoke_token(session: Session, actor: Actor, client: ClientRow, token: str) -> bool:
    """Revoke a living token of this client and return whether there was one; no other client's (RFC 7009 §2.1)."""
    found = living_token(session, token)
    if found is None or found[1].id != client.id:
        return False
    found[0].revoked_at = now(session)
    audit.write(session, [client_entry(session, actor, client, "revoke-token", "U", status=200)])
    return True
