"""A client is revoked: it gets no more tokens, and those it has stop at once, in every process."""

from sqlalchemy.orm import Session

from exchange.actions.clients.oversight import client_entry, permit_for
from exchange.db import audit
from exchange.db.client import client
from exchange.db.session import now
from exchange.domain.actor import Actor
from exchange.domain.errors import NotFound


def revoke_client(session: Session, actor: Actor, client_id: str) -> None:
    """Revoke a client; the guard reads this with every request. Raises Forbidden, NotFound."""
    row = client(session, client_id)
    if row is None:
        raise NotFound("There is no such client, or it is revoked already: see `exchange client list`.")
    permit_for(actor, row.organization_id)
    row.revoked_at = now(session)
    audit.write(session, [client_entry(session, actor, row, "revoke-client", "U")])
