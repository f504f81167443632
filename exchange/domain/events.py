"""What happened, and who is told: facts in the past tense, one table from a fact to its messages."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from fhir_mapping.case_data.referral import Side


class EventKind(StrEnum):
    """A fact on the timeline of a referral."""

    DRAFTED = "drafted"
    SENT = "sent"
    CONSENT_NEEDED = "consent-needed"
    MUST_BE_PHONED = "must-be-phoned"
    QUEUED = "queued"
    ACCEPTED = "accepted"
    CLAIMED = "claimed"
    REJECTED = "rejected"
    STARTED = "started"
    HELD = "held"
    RESUMED = "resumed"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETRACTED = "retracted"
    AMENDED = "amended"
    REMINDED = "reminded"
    NO_ANSWER = "no-answer"
    UNDELIVERABLE = "undeliverable"
    SENDER_REMINDED = "sender-reminded"
    SENT_ON = "sent-on"
    OPENED = "opened"


class MessageKind(StrEnum):
    """A message of the outbox; each has a sender in `exchange/work` and a text. None carries health data."""

    NEW_REFERRAL = "referral.requested"
    NEW_OPEN_REFERRAL = "referral.open"
    MUST_BE_PHONED = "referral.must-be-phoned"
    REMINDER = "referral.reminder"
    CHANGED = "referral.changed"
    WITHDRAWN = "referral.withdrawn"
    NO_ANSWER = "referral.no-answer"
    UNDELIVERABLE = "referral.undeliverable"
    DECIDE = "referral.decide"
    LINK_CODE = "link.code"
    USER_INVITED = "user.invited"


BY_VERB: Final[dict[str, EventKind]] = {
    "send": EventKind.SENT,
    "accept": EventKind.ACCEPTED,
    "claim": EventKind.CLAIMED,
    "reject": EventKind.REJECTED,
    "start": EventKind.STARTED,
    "hold": EventKind.HELD,
    "resume": EventKind.RESUMED,
    "complete": EventKind.COMPLETED,
    "fail": EventKind.FAILED,
    "cancel": EventKind.CANCELLED,
    "retract": EventKind.RETRACTED,
    "amend": EventKind.AMENDED,
}

#  fact → which side hears of it, and by which message; the side that acted is never told of its own act
TOLD: Final[dict[EventKind, tuple[tuple[Side, MessageKind], ...]]] = {
    EventKind.SENT: ((Side.RECEIVER, MessageKind.NEW_REFERRAL),),
    EventKind.QUEUED: ((Side.CANDIDATE, MessageKind.NEW_OPEN_REFERRAL),),
    EventKind.MUST_BE_PHONED: ((Side.CANDIDATE, MessageKind.MUST_BE_PHONED),),
    EventKind.ACCEPTED: ((Side.SENDER, MessageKind.CHANGED),),
    EventKind.CLAIMED: ((Side.SENDER, MessageKind.CHANGED),),
    EventKind.REJECTED: ((Side.SENDER, MessageKind.CHANGED),),
    EventKind.STARTED: ((Side.SENDER, MessageKind.CHANGED),),
    EventKind.HELD: ((Side.SENDER, MessageKind.CHANGED),),
    EventKind.RESUMED: ((Side.SENDER, MessageKind.CHANGED),),
    EventKind.COMPLETED: ((Side.SENDER, MessageKind.CHANGED),),
    EventKind.FAILED: ((Side.SENDER, MessageKind.CHANGED),),
    EventKind.CANCELLED: ((Side.SENDER, MessageKind.CHANGED), (Side.RECEIVER, MessageKind.WITHDRAWN)),
    EventKind.RETRACTED: ((Side.RECEIVER, MessageKind.WITHDRAWN),),
    EventKind.AMENDED: ((Side.SENDER, MessageKind.CHANGED), (Side.RECEIVER, MessageKind.CHANGED)),
    EventKind.REMINDED: ((Side.RECEIVER, MessageKind.REMINDER),),
    EventKind.NO_ANSWER: ((Side.SENDER, MessageKind.NO_ANSWER),),
    EventKind.UNDELIVERABLE: ((Side.SENDER, MessageKind.UNDELIVERABLE),),
    EventKind.SENDER_REMINDED: ((Side.SENDER, MessageKind.DECIDE),),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a timeline. `detail` holds codes, counts and organisation names, never anything of the person."""

    kind: EventKind
    at: datetime
    side: Side
    detail: dict[str, str] = field(default_factory=dict)
