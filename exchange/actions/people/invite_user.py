"""A person is invited into an organisation, or anew after a forgotten password. No password is ever given out."""

import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.db import audit, outbox
from exchange.db.audit import AuditEntry
from exchange.db.ids import new_id
from exchange.db.organization import member
from exchange.db.person import UserRow, make_invitation, user_by_email
from exchange.db.session import now
from exchange.domain.actor import Actor, ActorKind, Role
from exchange.domain.errors import Conflict, Forbidden, NotFound, Unprocessable
from exchange.domain.events import MessageKind
from exchange.domain.permissions import Permission, permit

_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\]{1,64}@[^@\s<>,;:\"()\[\]\\]{1,250}\Z")


@dataclass(frozen=True, slots=True)
class Invited:
    """`link_token` is the secret of `/invitation/<link_token>`; it is stored nowhere."""

    user_id: str
    link_token: str


def invite_user(
    session: Session,
    actor: Actor,
    organization_id: str,
    email: str,
    role: Role,
    name: str = "",
    *,
    by_mail: bool = False,
) -> Invited:
    """Invite a person, or invite again one of the same organisation; the link lives seven days.

    With `by_mail` the link is sent to the address by the outbox, and the caller must not show it.
    The mail makes a link of its own when it is sent.
    Raises Forbidden, NotFound (no such member), Unprocessable (no address), Conflict (another organisation's account).
    """
    permit(actor, Permission.MANAGE_PEOPLE)
    if actor.kind is not ActorKind.OPERATOR and actor.organization_id != organization_id:
        raise Forbidden("You may invite people into your own organisation only.")
    if member(session, organization_id) is None:
        raise NotFound("There is no such organisation: add it first with `exchange organization add`.")
    user = _account(session, organization_id, email.strip().lower(), role, name.strip()[:200])
    token = make_invitation(session, user.id, now(session))
    if by_mail:
        outbox.put(
            session, kind=MessageKind.USER_INVITED.value, channel="email", destination=user.email, now=now(session),
            organization_id=organization_id, data={"user": user.id},
        )  # fmt: skip
    audit.write(session, [_entry(session, actor, user)])
    return Invited(user.id, token)


def _account(session: Session, organization_id: str, email: str, role: Role, name: str) -> UserRow:
    if not _ADDRESS.match(email):
        sentence = "Give an e-mail address such as name@agency.org: the invitation goes there."
        raise Unprocessable(sentence, expression="email")
    user = user_by_email(session, email)
    if user is None:
        user = UserRow(
            id=new_id(), organization_id=organization_id, email=email, name=name, role=role, invited_at=now(session)
        )
        session.add(user)
        session.flush()
        return user
    if user.organization_id != organization_id:
        raise Conflict("This address already belongs to an account: give another address.", expression="email")
    user.role, user.name, user.disabled_at = role, name or user.name, None
    return user


def _entry(session: Session, actor: Actor, user: UserRow) -> AuditEntry:
    return AuditEntry(
        at=now(session), action="C", interaction="invite", outcome="0", actor_kind=actor.kind.value,
        actor_name=actor.name, organization_id=user.organization_id, actor_id=actor.id, document_id=user.id,
        purpose=actor.purpose, address=actor.address, request_id=actor.request_id,
    )  # fmt: skip
