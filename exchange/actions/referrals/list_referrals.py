"""The lists people work from: need, ZIP3 and initials, never more (ARCHITECTURE §3)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import find_organization
from exchange.db import document, referral
from exchange.db.session import now
from exchange.domain.actor import Actor
from fhir_mapping.case_data.referral import Referral, Side
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from fhir_mapping.json_text import parse
from fhir_mapping.resources import patient

Which = Literal["inbox", "queue", "sent", "phone"]


@dataclass(frozen=True, slots=True)
class ReferralLine:
    """One line of a list."""

    referral: Referral
    initials: str
    need_text: str
    sender_name: str
    receiver_name: str | None
    receiver_phone: str | None
    is_overdue: bool
    is_mine_to_do: bool


def list_referrals(session: Session, actor: Actor, which: Which, *, ended: bool = False) -> list[ReferralLine]:
    """Return the lines of a list, what runs out first on top (the ended ones newest first)."""
    at = now(session)
    match which:
        case "inbox":
            found = referral.inbox(session, actor, ended=ended)
        case "sent":
            found = referral.sent(session, actor, ended=ended)
        case "queue":
            found = referral.queue(session, actor)
        case "phone":
            found = referral.to_be_phoned(session, actor)
    names = {one: _name(session, one) for one in {r.sender_id for r in found}}
    return [_line(session, actor, one, names, at) for one in found]


NEXT_OF: Final = {"inbox": Side.RECEIVER, "sent": Side.SENDER, "queue": Side.CANDIDATE, "phone": Side.RECEIVER}


def _line(session: Session, actor: Actor, one: Referral, names: dict[str, str], at: datetime) -> ReferralLine:
    mine = {Side.SENDER: one.sender_id, Side.RECEIVER: one.receiver_id, Side.CANDIDATE: one.network_id}
    return ReferralLine(
        referral=one,
        initials=_initials(session, actor, one),
        need_text=need_text(one),
        sender_name=names[one.sender_id],
        receiver_name=one.receiver_name,
        receiver_phone=one.receiver_phone,
        is_overdue=one.due_at is not None and one.due_at <= at,
        is_mine_to_do=one.next_step is not None and mine.get(one.next_step) == actor.organization_id,
    )


def need_text(one: Referral) -> str:
    """Return the need in words."""
    return SDOH_CATEGORIES.get(one.need or "", "A social need")


def _initials(session: Session, actor: Actor, one: Referral) -> str:
    """Return the initials where the actor sees the person; nothing where it sees a preview or a closed Task."""
    if one.receiver_id is None and one.sender_id != actor.organization_id:
        return ""
    viewer = one.sender_id if actor.source else actor.organization_id or ""
    found = document.read(session, "Patient", one.patient_id, viewer_id=viewer)
    return patient.person(parse(found.body)).value.initials if found else ""


def _name(session: Session, organization_id: str) -> str:
    facts = find_organization(session, organization_id)
    return facts.name if facts else "An organisation that has left"
