"""A person signs in: a new session with a new secret, whatever the browser had before."""

from sqlalchemy.orm import Session

from exchange.actions.people.sign_out import sign_out
from exchange.actions.people.throttle import forgive
from exchange.db import audit
from exchange.db.audit import AuditEntry
from exchange.db.ids import new_secret
from exchange.db.person import PortalSessionRow, UserRow
from exchange.db.sealing import digest
from exchange.db.session import now
from exchange.domain.actor import ActorKind


def sign_in(
    session: Session, user_id: str, address: str, *, instead_of: str = "", request_id: str | None = None
) -> str:
    """Return the secret of a new session of a person whose password was right; only its hash is stored.

    `instead_of` is the secret the browser held until now: that session ends.
    """
    at, user, token = now(session), session.get_one(UserRow, user_id), new_secret()
    if instead_of:
        sign_out(session, instead_of)
    session.add(PortalSessionRow(token_hash=digest(token), user_id=user.id, started_at=at, seen_at=at))
    forgive(session, user.email, address)
    entry = AuditEntry(
        at=at, action="E", interaction="sign-in", outcome="0", status=303, actor_kind=ActorKind.USER.value,
        actor_name=user.name or user.email, organization_id=user.organization_id, actor_id=user.id,
        address=address, request_id=request_id,
    )  # fmt: skip
    audit.write(session, [entry])
    return token
