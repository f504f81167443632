"""Where an organisation is told."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.db.webhook import webhooks_of
from exchange.domain.actor import Actor
from exchange.domain.permissions import Permission, permit


@dataclass(frozen=True, slots=True)
class ListedWebhook:
    """A webhook that is on; its secret is not shown again."""

    id: str
    url: str
    created_at: datetime


def list_webhooks(session: Session, actor: Actor) -> list[ListedWebhook]:
    """Return the webhooks of the actor's organisation, oldest first. Raises Forbidden."""
    permit(actor, Permission.MANAGE_WEBHOOKS)
    rows = webhooks_of(session, actor.organization_id or "")
    return [ListedWebhook(row.id, row.url, row.created_at) for row in rows]
