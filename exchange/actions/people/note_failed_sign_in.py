"""A wrong try is counted and audited, in a transaction of its own."""

from sqlalchemy.orm import Session

from exchange.actions.people.throttle import note_failure
from exchange.db import audit
from exchange.db.audit import AuditEntry
from exchange.db.person import user_by_email
from exchange.db.session import now


def note_failed_sign_in(session: Session, email: str, address: str, *, request_id: str | None = None) -> None:
    """Count a wrong try against the account and the address. What was typed is not written down."""
    note_failure(session, email, address)
    user = user_by_email(session, email)
    entry = AuditEntry(
        at=now(session), action="E", interaction="sign-in", outcome="4", status=401, actor_kind="unknown",
        actor_name="unknown", organization_id=user.organization_id if user else None,
        actor_id=user.id if user else None, address=address, request_id=request_id,
    )  # fmt: skip
    audit.write(session, [entry])
