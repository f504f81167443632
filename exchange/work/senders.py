"""What is packed for each kind of message: one table. The release is asked again here, not only when it was queued.

A sender returns a parcel, or None when the message must no longer be told. Secrets (an answer link, an invitation, a
code) are made here, at the last moment, and kept as hashes only; the caller commits before it sends.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import OrganizationFacts, find_organization
from exchange.db import link, person, referral, release
from exchange.db.outbox import Message
from exchange.db.session import fhir_base, now
from exchange.db.webhook import webhook_with_secret
from exchange.domain.actor import SYSTEM
from exchange.domain.events import MessageKind
from exchange.work.channels.parcel import Parcel
from exchange.work.texts import NO_DUE, whom_to_call, write_text
from fhir_mapping.case_data.referral import Referral, ReferralStatus, Side, Stage

UTC_NAME: Final = "UTC"
#  session, message, base address of the portal → what to send, or None
Sender = Callable[[Session, Message, str], Parcel | None]
MayTell = Callable[[Session, Message, Referral], bool]


def _sees_it(session: Session, message: Message, told: Referral) -> bool:
    return release.is_told(session, told.id, message.organization_id or "", now(session))


def _waits_for_it(session: Session, message: Message, told: Referral) -> bool:
    """A receiver is asked only for what is still released to it; a person, only while it waits for an answer.

    A program hears of every referral, in order: it may have been answered by somebody in the portal meanwhile.
    """
    waits = told.status is ReferralStatus.REQUESTED
    return (waits or message.channel == "webhook") and message.organization_id in release.released_to(session, told.id)


def _may_claim_it(session: Session, message: Message, told: Referral) -> bool:
    return told.receiver_id is None and told.status is ReferralStatus.REQUESTED and _sees_it(session, message, told)


def _must_phone(session: Session, message: Message, told: Referral) -> bool:
    """The sender or an office of its network: an office sees the list of those to be phoned, not the documents."""
    sender = find_organization(session, told.sender_id)
    offices = {told.sender_id, told.network_id, sender.network_id if sender else None}
    return told.stage is Stage.MUST_BE_PHONED and message.organization_id in offices


def _decides(session: Session, message: Message, told: Referral) -> bool:
    return told.next_step is Side.SENDER and message.organization_id == told.sender_id


@dataclass(frozen=True, slots=True)
class _Rule:
    """When a kind may still be told, and whether an agency without people gets an answer link by it."""

    may_tell: MayTell
    has_answer_link: bool = False


RULES: Final[Mapping[MessageKind, _Rule]] = {
    MessageKind.NEW_REFERRAL: _Rule(_waits_for_it, has_answer_link=True),
    MessageKind.NEW_OPEN_REFERRAL: _Rule(_may_claim_it),
    MessageKind.MUST_BE_PHONED: _Rule(_must_phone),
    MessageKind.REMINDER: _Rule(_waits_for_it, has_answer_link=True),
    MessageKind.CHANGED: _Rule(_sees_it),
    MessageKind.WITHDRAWN: _Rule(_sees_it),
    MessageKind.NO_ANSWER: _Rule(_decides),
    MessageKind.UNDELIVERABLE: _Rule(_decides),
    MessageKind.DECIDE: _Rule(_decides),
}


def _about_referral(session: Session, message: Message, base_url: str) -> Parcel | None:
    """Pack what is told of a referral: a letter, or a thin event."""
    told = referral.find(session, message.referral_id or "", visible_to=SYSTEM)
    kind = MessageKind(message.kind)
    if told is None or not RULES[kind].may_tell(session, message, told):
        return None
    if message.channel == "webhook":
        return _event(session, message)
    reader = find_organization(session, message.organization_id or "")
    sender = find_organization(session, told.sender_id)
    if reader is None or sender is None:
        return None
    needs_link = RULES[kind].has_answer_link and not reader.has_people
    at = link.make_link(session, told.id, reader.id, now(session)) if needs_link else None
    fields = {
        "link": f"{base_url}/answer/{at}" if at else f"{base_url}/referrals/{told.id}",
        "sender": " ".join(sender.name.split()),
        "call": whom_to_call(sender.name, sender.phone),
        "due": _local_time(told.due_at, reader),
    }
    return _letter(message, fields, base_url)


def _event(session: Session, message: Message) -> Parcel | None:
    """Pack a webhook's event: its type, when it happened, and where to read about it (Standard Webhooks, thin)."""
    found = webhook_with_secret(session, message.destination)
    if found is None:
        return None
    webhook, secret = found
    event = {
        "type": message.kind,
        "timestamp": message.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {"id": message.referral_id, "referral": f"{fhir_base(session)}/Task/{message.referral_id}"},
    }
    return Parcel(message.id, webhook.url, json.dumps(event, separators=(",", ":")), secret=secret)


def _code_for_link(session: Session, message: Message, base_url: str) -> Parcel | None:
    """Pack the code that shows the details behind an answer link; only to the address the directory lists."""
    row = session.get(link.AnswerLinkRow, message.data.get("link", ""))
    at = now(session)
    if row is None or row.revoked_at is not None or row.expires_at <= at:
        return None
    return _letter(message, {"code": link.make_code(session, row, at), "minutes": str(link.CODE_MINUTES)}, base_url)


def _invitation(session: Session, message: Message, base_url: str) -> Parcel | None:
    """Pack an invitation, the first or one after a forgotten password; a closed account gets none."""
    user = session.get(person.UserRow, message.data.get("user", ""))
    if user is None or user.disabled_at is not None:
        return None
    token = person.make_invitation(session, user.id, now(session))
    fields = {"link": f"{base_url}/invitation/{token}", "days": str(person.INVITATION_DAYS)}
    return _letter(message, fields, base_url)


def _letter(message: Message, fields: Mapping[str, str], base_url: str) -> Parcel:
    subject, body = write_text(MessageKind(message.kind), {**fields, "house": base_url})
    return Parcel(message.id, message.destination, body, subject=subject)


def _local_time(moment: datetime | None, reader: OrganizationFacts) -> str:
    """Return a time as the reader's clock shows it, with its zone: `Wednesday 25 November 2026, 09:00 CST`."""
    if moment is None:
        return NO_DUE
    try:
        local = moment.astimezone(ZoneInfo(reader.time_zone))
    except (ZoneInfoNotFoundError, ValueError):
        local = moment.astimezone(ZoneInfo(UTC_NAME))
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M %Z}"


SENDERS: Final[Mapping[MessageKind, Sender]] = {
    **dict.fromkeys(RULES, _about_referral),
    MessageKind.LINK_CODE: _code_for_link,
    MessageKind.USER_INVITED: _invitation,
}
