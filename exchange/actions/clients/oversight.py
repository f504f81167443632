"""Who may act on a client, and the audit row of it. The row holds no secret: neither keys nor tokens."""

from sqlalchemy.orm import Session

from exchange.db.audit import AuditEntry
from exchange.db.client import ClientRow
from exchange.db.session import now
from exchange.domain.actor import Actor, ActorKind
from exchange.domain.errors import Forbidden
from exchange.domain.permissions import Permission, permit


def permit_for(actor: Actor, organization_id: str) -> None:
    """Raise Forbidden unless an actor may register and revoke clients of an organisation."""
    permit(actor, Permission.MANAGE_PEOPLE)
    if actor.kind is not ActorKind.OPERATOR and actor.organization_id != organization_id:
        raise Forbidden("You may register and revoke clients of your own organisation only.")


def client_entry(
    session: Session,
    actor: Actor,
    client: ClientRow,
    interaction: str,
    action: str = "E",
    *,
    outcome: str = "0",
    status: int | None = None,
) -> AuditEntry:
    """Return the row that says what an actor did to a client. `action` is C, R, U, D or E, `outcome` 0 or 4."""
    return AuditEntry(
        at=now(session), action=action, interaction=interaction, outcome=outcome, status=status,
        actor_kind=actor.kind.value, actor_name=actor.name, organization_id=client.organization_id, actor_id=actor.id,
        document_id=client.id, purpose=actor.purpose, address=actor.address, request_id=actor.request_id,
    )  # fmt: skip
