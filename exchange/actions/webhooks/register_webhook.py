"""An organisation says where its own systems want to be told."""

import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from exchange.actions.webhooks.record_webhook_change import record_webhook_change
from exchange.db.session import now
from exchange.db.webhook import add_webhook, webhooks_of
from exchange.domain.actor import Actor
from exchange.domain.errors import Conflict, ExchangeError, Forbidden, Unprocessable
from exchange.domain.permissions import Permission, permit

MOST: Final = 5
SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class RegisteredWebhook:
    """A new webhook with its signing secret (`whsec_…`), which is shown this once."""

    id: str
    url: str
    secret: str
    created_at: datetime


def register_webhook(
    session: Session, actor: Actor, url: str, *, check_address: Callable[[str], None]
) -> RegisteredWebhook:
    """Keep an address to be told at, by Standard Webhooks 1.0.0. `check_address` refuses what is never connected to.

    Raises Forbidden, Unprocessable for an address that would not be connected to, Conflict when it is there already
    or the organisation has as many as it may.
    """
    permit(actor, Permission.MANAGE_WEBHOOKS)
    if actor.organization_id is None:
        raise Forbidden("A webhook belongs to an organisation: act as one.")
    try:
        check_address(url)
    except ExchangeError as refused:
        raise Unprocessable(refused.sentence, expression="url", code="value") from None
    there = webhooks_of(session, actor.organization_id)
    if any(row.url == url for row in there):
        raise Conflict("This address is registered already: remove it first to get a new secret.", expression="url")
    if len(there) >= MOST:
        raise Conflict(f"An organisation has at most {MOST} webhooks: remove one first.", expression="url")
    secret = "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    webhook_id = add_webhook(session, actor.organization_id, url, secret)
    record_webhook_change(session, actor, "C", webhook_id)
    return RegisteredWebhook(webhook_id, url, secret, now(session))
