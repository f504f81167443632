"""An invited person chooses a password: once, within the days of the link. Every older session of the account ends."""

from sqlalchemy.orm import Session

from exchange.actions.people.passwords import hash_password, refuse_weak
from exchange.db import audit
from exchange.db.audit import AuditEntry
from exchange.db.person import UserRow, invitation, sessions_of
from exchange.db.session import now
from exchange.domain.actor import ActorKind
from exchange.domain.errors import NotFound


def invited_user(session: Session, token: str) -> UserRow:
    """Return whom a living invitation is for. Raises NotFound for one that is unknown, used or run out."""
    row = invitation(session, token)
    user = session.get(UserRow, row.user_id) if row is not None else None
    if row is None or user is None or row.used_at or row.expires_at <= now(session) or user.disabled_at:
        raise NotFound("This invitation is not valid any more: ask your administrator for a new one.")
    return user


def accept_invitation(session: Session, token: str, password: str, name: str) -> str:
    """Give an invited person the password they chose and return the user id.

    Raises NotFound for a dead invitation, Unprocessable for a weak password.
    """
    user = invited_user(session, token)
    refuse_weak(password, email=user.email)
    row, at = invitation(session, token), now(session)
    assert row is not None
    row.used_at = at
    user.password_hash = hash_password(password)
    user.name = name.strip()[:200] or user.name
    for signed_in in sessions_of(session, user.id):
        signed_in.ended_at = signed_in.ended_at or at
    entry = AuditEntry(
        at=at, action="U", interaction="choose-password", outcome="0", actor_kind=ActorKind.USER.value,
        actor_name=user.name or user.email, organization_id=user.organization_id, actor_id=user.id, document_id=user.id,
    )  # fmt: skip
    audit.write(session, [entry])
    return user.id
