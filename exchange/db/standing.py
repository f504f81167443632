"""How a member stands: its own facts, and whether anybody or any program of it is here, in one question."""

from typing import Any

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from exchange.db.client import ClientRow
from exchange.db.organization import OrganizationRow
from exchange.db.person import UserRow

_MEMBER, _PERSON, _CLIENT = OrganizationRow.__table__.c, UserRow.__table__.c, ClientRow.__table__.c
#  built once: every send and every answer asks it of both sides (docs/decisions/0070-what-the-first-profile-said.md)
_STANDING = select(
    *_MEMBER,
    exists().where(_PERSON.organization_id == _MEMBER.id, _PERSON.disabled_at.is_(None)).label("has_people"),
    exists().where(_CLIENT.organization_id == _MEMBER.id).label("has_clients"),
).where(_MEMBER.id == bindparam("organization_id"))


def standing(session: Session, organization_id: str) -> Any | None:
    """Return the row of a member with `has_people` and `has_clients`, None for who has not joined.

    Somebody who is only invited counts as one of its people.
    """
    return session.execute(_STANDING, {"organization_id": organization_id}).first()
