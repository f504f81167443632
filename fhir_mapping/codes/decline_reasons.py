"""Why a referral was rejected, cancelled, put on hold or failed.

SDOHCC 3.0.0 binds Task.statusReason to nothing and asks only for its text, so these codes are ours; where SDOHCC has a
code that says the same, it is sent beside ours. To add a reason: add a member, its row, and the row's test.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fhir_mapping.case_data.referral import ReferralStatus

_REJECTED, _CANCELLED = ReferralStatus.REJECTED, ReferralStatus.CANCELLED
_HELD, _FAILED = ReferralStatus.ON_HOLD, ReferralStatus.FAILED
_ENDINGS: Final = frozenset({_REJECTED, _CANCELLED, _FAILED})

STATUSES_WITH_REASON: Final = frozenset({_REJECTED, _CANCELLED, _HELD, _FAILED})
"""The statuses for which SDOHCC says that statusReason.text should be included."""

NO_REASON_GIVEN: Final = "No reason given."


class DeclineReason(StrEnum):
    """The code of a reason, in system `systems.REFERRAL_REASON`."""

    NO_CAPACITY = "no-capacity"
    WAITLIST = "waitlist"
    NOT_ELIGIBLE = "not-eligible"
    SERVICE_NOT_OFFERED = "service-not-offered"
    ALREADY_ENROLLED = "already-enrolled"
    COULD_NOT_REACH = "could-not-reach"
    CLIENT_DECLINED = "client-declined"
    NEED_MET = "need-met"
    DUPLICATE = "duplicate"
    WRONG_CONTACT = "wrong-contact"
    WAITING_FOR_CLIENT = "waiting-for-client"
    WAITING_FOR_INFORMATION = "waiting-for-information"
    SENT_ELSEWHERE = "sent-elsewhere"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """One reason: its words, the statuses it can explain, and the SDOHCC code that says the same, if any."""

    code: DeclineReason
    display: str
    statuses: frozenset[ReferralStatus]
    sdohcc: str | None = None


DECLINE_REASONS: Final = {
    row.code: row
    for row in (
        ReasonRow(DeclineReason.NO_CAPACITY, "We have no capacity", frozenset({_REJECTED, _FAILED}), "no-capacity"),
        ReasonRow(DeclineReason.WAITLIST, "We have a waiting list", frozenset({_REJECTED, _HELD}), "waitlist"),
        ReasonRow(DeclineReason.NOT_ELIGIBLE, "The client is not eligible", frozenset({_REJECTED, _FAILED})),
        ReasonRow(DeclineReason.SERVICE_NOT_OFFERED, "We do not offer this service", frozenset({_REJECTED})),
        ReasonRow(DeclineReason.ALREADY_ENROLLED, "The client is already enrolled with us", _ENDINGS),
        ReasonRow(
            DeclineReason.COULD_NOT_REACH, "We could not reach the client", frozenset({_CANCELLED, _HELD, _FAILED})
        ),
        ReasonRow(DeclineReason.CLIENT_DECLINED, "The client does not want the service", _ENDINGS),
        ReasonRow(DeclineReason.NEED_MET, "The need has been met another way", _ENDINGS),
        ReasonRow(DeclineReason.DUPLICATE, "This referral was sent twice", frozenset({_REJECTED, _CANCELLED})),
        ReasonRow(DeclineReason.WRONG_CONTACT, "The contact details are wrong", _ENDINGS | {_HELD}),
        ReasonRow(DeclineReason.WAITING_FOR_CLIENT, "We are waiting for the client", frozenset({_HELD})),
        ReasonRow(DeclineReason.WAITING_FOR_INFORMATION, "We are waiting for information", frozenset({_HELD})),
        ReasonRow(DeclineReason.SENT_ELSEWHERE, "The referral was sent to another agency", frozenset({_CANCELLED})),
        ReasonRow(DeclineReason.OTHER, "Another reason", STATUSES_WITH_REASON),
    )
}
"""The reasons by code, in the order in which a form offers them."""


def reasons_for(status: ReferralStatus) -> tuple[ReasonRow, ...]:
    """Return the reasons that can explain `status`, in the order in which a form offers them."""
    return tuple(row for row in DECLINE_REASONS.values() if status in row.statuses)
