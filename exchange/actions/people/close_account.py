"""An account is closed: its sessions end at once and nobody signs in with it, until the person is invited again."""

from sqlalchemy.orm import Session

from exchange.db import audit
from exchange.db.audit import AuditEntry
from exchange.db.person import sessions_of, user_by_email
from exchange.db.session import now
from exchange.domain.actor import Actor, ActorKind
from exchange.domain.errors import NotFound
from exchange.domain.permissions import Permission, permit


def close_account(session: Session, actor: Actor, email: str) -> str:
    """Close the account of an address and return its id; one that is closed already stays so.

    Raises Forbidden, NotFound (no such account, or another organisation's).
    """
    permit(actor, Permission.MANAGE_PEOPLE)
    user, at = user_by_email(session, email.strip().lower()), now(session)
    is_own = user is not None and (actor.kind is ActorKind.OPERATOR or actor.organization_id == user.organization_id)
    if user is None or not is_own:
        raise NotFound("There is no such account: `exchange user list` shows those that there are.")
    user.disabled_at = user.disabled_at or at
    for row in sessions_of(session, user.id):
        row.ended_at = at
    entry = AuditEntry(
        at=at, action="U", interaction="close-account", outcome="0", actor_kind=actor.kind.value,
        actor_name=actor.name, organization_id=user.organization_id, actor_id=actor.id, document_id=user.id,
        purpose=actor.purpose, address=actor.address, request_id=actor.request_id,
    )  # fmt: skip
    audit.write(session, [entry])
    return user.id
