"""An organisation no longer wants to be told at an address."""

from sqlalchemy.orm import Session

from exchange.actions.webhooks.record_webhook_change import record_webhook_change
from exchange.db.session import now
from exchange.db.webhook import disable_webhook, own_webhook
from exchange.domain.actor import Actor
from exchange.domain.errors import NotFound
from exchange.domain.permissions import Permission, permit


def remove_webhook(session: Session, actor: Actor, webhook_id: str) -> None:
    """Switch a webhook off; what still waits for it is dropped. Raises Forbidden, NotFound for another's too."""
    permit(actor, Permission.MANAGE_WEBHOOKS)
    if own_webhook(session, actor.organization_id or "", webhook_id) is None:
        raise NotFound("There is no webhook with this id: GET /api/webhooks lists yours.")
    disable_webhook(session, webhook_id, now(session))
    record_webhook_change(session, actor, "D", webhook_id)
