"""Addresses an organisation wants told, each with its signing secret (sealed)."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, Id, UtcDateTime
from exchange.db.ids import new_id
from exchange.db.sealing import Sealed
from exchange.db.session import keys, now


class WebhookRow(Base):
    """A webhook of Standard Webhooks 1.0.0. A receiver that answers 410 disables it."""

    __tablename__ = "webhook"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    url: Mapped[str] = mapped_column(String(2000))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def add_webhook(session: Session, organization_id: str, url: str, secret: str) -> str:
    """Keep a webhook and return its id; the secret is sealed to it."""
    webhook_id = new_id()
    sealed = keys(session).seal(secret.encode(), f"webhook/{webhook_id}")
    session.add(
        WebhookRow(
            id=webhook_id, organization_id=organization_id, url=url,
            secret=sealed.body, key_id=sealed.key_id, created_at=now(session),
        )
    )  # fmt: skip
    return webhook_id


_ITS = WebhookRow.__table__.c
_OF = (
    select(WebhookRow.__table__)
    .where(_ITS.organization_id == bindparam("organization_id"), _ITS.disabled_at.is_(None))
    .order_by(_ITS.created_at, _ITS.id)
)


def webhooks_of(session: Session, organization_id: str) -> list[Any]:
    """Return the rows of the webhooks of an organisation that are on."""
    return list(session.execute(_OF, {"organization_id": organization_id}))


def own_webhook(session: Session, organization_id: str, webhook_id: str) -> WebhookRow | None:
    """Return a webhook that is on and belongs to the organisation."""
    row = session.get(WebhookRow, webhook_id)
    return row if row is not None and row.organization_id == organization_id and row.disabled_at is None else None


def disable_webhook(session: Session, webhook_id: str, now: datetime) -> None:
    """Switch a webhook off: its owner removed it, or its receiver answered 410."""
    session.execute(
        update(WebhookRow).where(WebhookRow.id == webhook_id, WebhookRow.disabled_at.is_(None)).values(disabled_at=now)
    )


def webhook_with_secret(session: Session, webhook_id: str) -> tuple[WebhookRow, str] | None:
    """Return a webhook that is on, with its secret opened."""
    row = session.get(WebhookRow, webhook_id)
    if row is None or row.disabled_at is not None:
        return None
    return row, keys(session).open(Sealed(row.key_id, row.secret), f"webhook/{webhook_id}").decode()
