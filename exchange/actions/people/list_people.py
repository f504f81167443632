"""The people of an organisation, as its administrators see them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.db.person import people_of
from exchange.domain.actor import Role


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One account. `has_joined` is false until the invited person has chosen a password."""

    id: str
    organization_id: str
    email: str
    name: str
    role: Role
    has_joined: bool
    is_closed: bool
    invited_at: datetime


def list_people(session: Session, organization_id: str | None) -> list[PersonLine]:
    """Return the accounts of an organisation, or of all, by address. The caller has permitted it."""
    return [
        PersonLine(
            row.id, row.organization_id, row.email, row.name, row.role,
            row.password_hash is not None, row.disabled_at is not None, row.invited_at,
        )
        for row in people_of(session, organization_id)
    ]  # fmt: skip
