"""Who changed where an organisation is told: in the audit, in the transaction of the change."""

from sqlalchemy.orm import Session

from exchange.db import audit
from exchange.db.audit import AuditEntry
from exchange.db.session import now
from exchange.domain.actor import Actor

INTERACTIONS = {"C": "register-webhook", "D": "remove-webhook"}


def record_webhook_change(session: Session, actor: Actor, action: str, webhook_id: str) -> None:
    """Append the audit row of a webhook that was registered (C) or removed (D)."""
    audit.write(
        session,
        [
            AuditEntry(
                at=now(session), action=action, interaction=INTERACTIONS[action], outcome="0",
                actor_kind=actor.kind.value, actor_name=actor.name, actor_id=actor.id,
                organization_id=actor.organization_id, document_id=webhook_id, purpose=actor.purpose,
                source=actor.source, address=actor.address, request_id=actor.request_id,
            )
        ],
    )  # fmt: skip
