"""Telling is an outbox: for each fact, who hears of it, by which channel. The text is made when it is sent."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import find_organization
from exchange.db import outbox, release
from exchange.db.person import coordinators_of, people_of
from exchange.db.session import now
from exchange.db.webhook import webhooks_of
from exchange.domain.actor import Actor
from exchange.domain.events import TOLD, Event, MessageKind
from fhir_mapping.case_data.referral import Referral, Side

RECORDED = ("phone", "paper")


def tell(session: Session, referral: Referral, events: Iterable[Event], actor: Actor) -> int:
    """Write the messages of these facts into the outbox and return how many.

    A side is not told of its own act, unless somebody else recorded it; a receiver not of what it never saw.
    """
    messages = 0
    for event in events:
        for side, kind in TOLD.get(event.kind, ()):
            for organization_id, addresses in _destinations(session, referral, side, kind):
                if side is event.side and actor.source not in RECORDED:
                    continue
                if side is Side.RECEIVER and not release.is_told(session, referral.id, organization_id, now(session)):
                    continue
                messages += _put(session, referral, kind, organization_id, addresses, actor)
    return messages


def _destinations(session: Session, referral: Referral, side: Side, kind: MessageKind) -> list[tuple[str, list[str]]]:
    """Return organisations with the mail addresses that are told."""
    if side is Side.CANDIDATE:
        sender = find_organization(session, referral.sender_id)
        networks = [referral.network_id, sender.network_id if sender else None]
        offices = [referral.sender_id, *networks] if kind is MessageKind.MUST_BE_PHONED else networks[:1]
        return [(office, _office_addresses(session, office)) for office in dict.fromkeys(offices) if office]
    organization_id = referral.sender_id if side is Side.SENDER else referral.receiver_id
    if organization_id is None:
        return []
    facts = find_organization(session, organization_id)
    if facts is not None and facts.email:
        return [(organization_id, [facts.email])]
    people = [person.email for person in people_of(session, organization_id) if person.disabled_at is None]
    return [(organization_id, people)]


def _office_addresses(session: Session, organization_id: str) -> list[str]:
    """Return where a coordinating office is told: its own address, else its coordinators'."""
    facts = find_organization(session, organization_id)
    if facts is not None and facts.email:
        return [facts.email]
    return [person.email for person in coordinators_of(session, organization_id)]


def _put(
    session: Session, referral: Referral, kind: MessageKind, organization_id: str, addresses: list[str], actor: Actor
) -> int:
    #  by which the log of the mail is found from the request that led to it
    data = {"request_id": actor.request_id} if actor.request_id else {}
    ways = [("email", address) for address in addresses]
    ways += [("webhook", webhook.id) for webhook in webhooks_of(session, organization_id)]
    for channel, destination in ways:
        outbox.put(
            session, kind=kind.value, channel=channel, destination=destination, now=now(session),
            organization_id=organization_id, referral_id=referral.id, data=data,
        )  # fmt: skip
    return len(ways)
