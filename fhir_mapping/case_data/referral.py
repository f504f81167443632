"""A referral: the promise between the organisation that sends and the one that answers.

The statuses are those of the SDOHCC 3.0.0 Referral Task (value set SDOHCC-ValueSetReferralTaskStatus);
`received` and `ready` are excluded there. The rules over this noun are in `exchange/domain/referral.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ReferralStatus(StrEnum):
    """Task.status of a referral Task, in the order of the life of a referral."""

    DRAFT = "draft"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"


class Stage(StrEnum):
    """Task.businessStatus: finer than the status, never a new status. System `systems.REFERRAL_STAGE`."""

    NO_ANSWER = "no-answer"
    UNDELIVERABLE = "undeliverable"
    CONSENT_NEEDED = "consent-needed"
    MUST_BE_PHONED = "must-be-phoned"
    WAITLISTED = "waitlisted"
    INFORMATION_REQUESTED = "information-requested"
    CLIENT_REACHED = "client-reached"
    APPOINTMENT_MADE = "appointment-made"
    REFERRED_ONWARD = "referred-onward"


class Priority(StrEnum):
    """Task.priority. Source: http://hl7.org/fhir/R4/valueset-request-priority.html."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"


class Side(StrEnum):
    """Who acts, or whose step is next: the sender, the receiver, whoever may claim an open referral, or a clock."""

    SENDER = "sender"
    RECEIVER = "receiver"
    CANDIDATE = "candidate"
    SYSTEM = "system"


class Clock(StrEnum):
    """What the running clock of a referral waits for."""

    FINISH_DRAFT = "finish-draft"
    ANSWER = "answer"
    START = "start"
    NEWS = "news"
    REVIEW = "review"
    DECIDE = "decide"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a referral was rejected, cancelled, held or failed: a code of `codes.decline_reasons` and its text."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """What came of the referral: a reference to a document (`Procedure/id`), or a code with its text.

    `kind` is `resulting-activity` or `additional-content` (SDOHCC-CodeSystemTemporaryCodes).
    """

    kind: str
    reference: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A line that one side wrote to the other. Health data: sealed at rest, never in a log, mail or URL.

    `at` is None where its writer did not say when (R4: Annotation.time is optional).
    """

    text: str
    at: datetime | None
    author: str


@dataclass(frozen=True, slots=True)
class Referral:
    """What the exchange decides about one referral Task. Times are aware UTC; ids are UUID texts."""

    id: str
    status: ReferralStatus
    sender_id: str
    receiver_id: str | None
    service_request_id: str
    patient_id: str
    priority: Priority = Priority.ROUTINE
    stage: Stage | None = None
    reason: Reason | None = None
    next_step: Side | None = Side.RECEIVER
    clock: Clock | None = None
    due_at: datetime | None = None
    remind_at: datetime | None = None
    hold_until: datetime | None = None
    reminded: bool = False
    previous_id: str | None = None
    network_id: str | None = None
    need: str | None = None
    zip_code: str | None = None
    language: str | None = None
    receiver_name: str | None = None
    receiver_phone: str | None = None
    consent_id: str | None = None
    contact_prohibited: bool = False
    created_at: datetime | None = None
    changed_at: datetime | None = None
    version: int = 1
    new_outputs: tuple[Output, ...] = field(default=())
    new_notes: tuple[Note, ...] = field(default=())
