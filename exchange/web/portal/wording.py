"""The words of the portal for what the exchange keeps as codes: one table each, every text in the message catalogue."""

from typing import Any, Final, NamedTuple

from flask_babel import lazy_gettext as _

from exchange.domain.actor import Role
from exchange.domain.events import EventKind
from fhir_mapping.case_data.referral import Clock, Priority, ReferralStatus, Side, Stage
from fhir_mapping.codes.decline_reasons import DeclineReason
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES


class Chip(NamedTuple):
    """A status in words, with the tone of its chip: wait, go, stop, done or plain."""

    words: Any
    tone: str


STATUS: Final[dict[ReferralStatus, Chip]] = {
    ReferralStatus.DRAFT: Chip(_("Draft"), "plain"),
    ReferralStatus.REQUESTED: Chip(_("Waiting for an answer"), "wait"),
    ReferralStatus.ACCEPTED: Chip(_("Accepted"), "go"),
    ReferralStatus.REJECTED: Chip(_("Declined"), "stop"),
    ReferralStatus.IN_PROGRESS: Chip(_("In progress"), "go"),
    ReferralStatus.ON_HOLD: Chip(_("On hold"), "wait"),
    ReferralStatus.COMPLETED: Chip(_("Completed"), "done"),
    ReferralStatus.FAILED: Chip(_("Not completed"), "stop"),
    ReferralStatus.CANCELLED: Chip(_("Cancelled"), "plain"),
    ReferralStatus.ENTERED_IN_ERROR: Chip(_("Sent by mistake"), "plain"),
}
STAGE: Final[dict[Stage, Chip]] = {
    Stage.NO_ANSWER: Chip(_("Nobody answered"), "stop"),
    Stage.UNDELIVERABLE: Chip(_("Message not delivered"), "stop"),
    Stage.CONSENT_NEEDED: Chip(_("Consent needed"), "wait"),
    Stage.MUST_BE_PHONED: Chip(_("Must be phoned"), "wait"),
    Stage.WAITLISTED: Chip(_("On a waiting list"), "wait"),
    Stage.INFORMATION_REQUESTED: Chip(_("Information asked for"), "wait"),
    Stage.CLIENT_REACHED: Chip(_("Client reached"), "go"),
    Stage.APPOINTMENT_MADE: Chip(_("Appointment made"), "go"),
    Stage.REFERRED_ONWARD: Chip(_("Referred onward"), "go"),
}
PRIORITY: Final[dict[Priority, Any]] = {
    Priority.ROUTINE: _("Routine"),
    Priority.URGENT: _("Urgent: answer within a day"),
    Priority.ASAP: _("As soon as possible: answer within four hours"),
    Priority.STAT: _("Immediate: answer within the hour"),
}
PRIORITY_CHIP: Final[dict[Priority, Any]] = {
    Priority.URGENT: _("Urgent"),
    Priority.ASAP: _("As soon as possible"),
    Priority.STAT: _("Immediate"),
}
#  what the running clock waits for, said before the moment it runs out
CLOCK: Final[dict[Clock, Any]] = {
    Clock.FINISH_DRAFT: _("Send by"),
    Clock.ANSWER: _("Answer by"),
    Clock.START: _("Start by"),
    Clock.NEWS: _("Next news by"),
    Clock.REVIEW: _("Review on"),
    Clock.DECIDE: _("Decision by"),
}
#  what happens when a clock runs out, said to whoever must act
SILENCE: Final[dict[Clock, Any]] = {
    Clock.FINISH_DRAFT: _("If it is not sent by then, you are asked again. A draft is shown to nobody else."),
    Clock.ANSWER: _(
        "If nobody answers by then, the sender is told that nobody answered and may send the referral to another "
        "agency. Nothing is declined in your name."
    ),
    Clock.START: _("If nothing is heard by then, the sender is told and decides how to go on."),
    Clock.NEWS: _("If there is no news by then, the sender is told and decides how to go on."),
    Clock.REVIEW: _("If it is not taken up again by then, the sender is told and decides how to go on."),
    Clock.DECIDE: _(
        "If nothing is decided by then, the sender is reminded again. The referral stays open until they decide."
    ),
}
#  the same, said to the sender
SILENCE_FOR_SENDER: Final[dict[Clock, Any]] = SILENCE | {
    Clock.ANSWER: _("If nobody answers by then, you are told, and you may send the referral to another agency."),
    Clock.START: _("If nothing is heard by then, you are told and decide how to go on."),
    Clock.NEWS: _("If there is no news by then, you are told and decide how to go on."),
    Clock.REVIEW: _("If it is not taken up again by then, you are told and decide how to go on."),
    Clock.DECIDE: _("If nothing is decided by then, you are reminded again. The referral stays open until you decide."),
}
#  whose step is next, as each side reads it: (viewer is the sender, next step)
NEXT_STEP: Final[dict[tuple[bool, Side], Any]] = {
    (True, Side.SENDER): _("Your step"),
    (True, Side.RECEIVER): _("The agency's step"),
    (True, Side.CANDIDATE): _("The network's step: it chooses an agency"),
    (False, Side.SENDER): _("The sender's step"),
    (False, Side.RECEIVER): _("Your step"),
    (False, Side.CANDIDATE): _("Your step: claim it, or leave it for others"),
}
#  what the sender does next, by where the referral stands
SENDER_STEP: Final[dict[Stage, Any]] = {
    Stage.NO_ANSWER: _("Nobody answered in time. Send it on to another agency, or cancel it."),
    Stage.UNDELIVERABLE: _("The agency could not be reached by mail. Phone it, send it on, or cancel it."),
    Stage.CONSENT_NEEDED: _("The person's consent is missing: until it is on file, the agency sees nothing."),
    Stage.MUST_BE_PHONED: _("This agency has no e-mail address on file: it must be phoned."),
}
ENDED: Final[dict[ReferralStatus, Any]] = {
    ReferralStatus.REJECTED: _(
        "The agency declined. The request itself is still there: you can send it to another agency."
    ),
    ReferralStatus.CANCELLED: _("This referral was cancelled. Nobody needs to do anything about it any more."),
    ReferralStatus.COMPLETED: _("The service was given and the loop is closed. Thank you."),
    ReferralStatus.FAILED: _(
        "The agency took it on but could not complete it. You can send the request to another agency."
    ),
    ReferralStatus.ENTERED_IN_ERROR: _("This referral was sent by mistake. Please disregard it."),
}
ENDED_FOR_AGENCY: Final[dict[ReferralStatus, Any]] = {
    ReferralStatus.REJECTED: _(
        "You declined this referral. The sender was told and takes it from here; the person's details are closed."
    ),
    ReferralStatus.CANCELLED: _(
        "This referral was cancelled: there is nothing left for you to do, and the person's details are closed."
    ),
    ReferralStatus.COMPLETED: _("You completed this referral and the sender knows. You can read it for 90 more days."),
    ReferralStatus.FAILED: _("You ended this referral and the sender knows why. You can read it for 90 more days."),
    ReferralStatus.ENTERED_IN_ERROR: _("The sender says that this referral was a mistake. Please disregard it."),
}
EVENT: Final[dict[EventKind, Any]] = {
    EventKind.DRAFTED: _("Written as a draft"),
    EventKind.SENT: _("Sent"),
    EventKind.CONSENT_NEEDED: _("Held back: consent is needed"),
    EventKind.MUST_BE_PHONED: _("No e-mail address: the agency must be phoned"),
    EventKind.QUEUED: _("Put into the routing queue of the network"),
    EventKind.ACCEPTED: _("Accepted"),
    EventKind.CLAIMED: _("Claimed and accepted"),
    EventKind.REJECTED: _("Declined"),
    EventKind.STARTED: _("Work started"),
    EventKind.HELD: _("Put on hold"),
    EventKind.RESUMED: _("Taken up again"),
    EventKind.COMPLETED: _("Completed"),
    EventKind.FAILED: _("Ended without completion"),
    EventKind.CANCELLED: _("Cancelled"),
    EventKind.RETRACTED: _("Withdrawn: sent by mistake"),
    EventKind.AMENDED: _("News added"),
    EventKind.REMINDED: _("The agency was reminded"),
    EventKind.NO_ANSWER: _("Nobody answered in time"),
    EventKind.UNDELIVERABLE: _("The message could not be delivered"),
    EventKind.SENDER_REMINDED: _("The sender was reminded to decide"),
    EventKind.SENT_ON: _("Sent on to another agency"),
    EventKind.OPENED: _("Opened"),
}
SOURCE: Final = {"phone": _("by phone"), "paper": _("on paper"), "link": _("by link, without an account")}
REASON: Final[dict[DeclineReason, Any]] = {
    DeclineReason.NO_CAPACITY: _("We have no capacity"),
    DeclineReason.WAITLIST: _("We have a waiting list"),
    DeclineReason.NOT_ELIGIBLE: _("The client is not eligible"),
    DeclineReason.SERVICE_NOT_OFFERED: _("We do not offer this service"),
    DeclineReason.ALREADY_ENROLLED: _("The client is already enrolled with us"),
    DeclineReason.COULD_NOT_REACH: _("We could not reach the client"),
    DeclineReason.CLIENT_DECLINED: _("The client does not want the service"),
    DeclineReason.NEED_MET: _("The need has been met another way"),
    DeclineReason.DUPLICATE: _("This referral was sent twice"),
    DeclineReason.WRONG_CONTACT: _("The contact details are wrong"),
    DeclineReason.WAITING_FOR_CLIENT: _("We are waiting for the client"),
    DeclineReason.WAITING_FOR_INFORMATION: _("We are waiting for information"),
    DeclineReason.SENT_ELSEWHERE: _("The referral was sent to another agency"),
    DeclineReason.OTHER: _("Another reason"),
}
ROLE: Final[dict[Role, Any]] = {
    Role.CASE_WORKER: _("Case worker"),
    Role.COORDINATOR: _("Coordinator: also phones and records for agencies"),
    Role.ADMINISTRATOR: _("Administrator: also invites people"),
}
NEED: Final[dict[str, Any]] = {
    "food-insecurity": _("Food"),
    "housing-instability": _("Housing: staying housed"),
    "homelessness": _("Shelter"),
    "inadequate-housing": _("Housing: unsafe or unfit home"),
    "transportation-insecurity": _("Transportation"),
    "utility-insecurity": _("Utilities"),
    "financial-insecurity": _("Money"),
    "material-hardship": _("Clothing and household goods"),
    "employment-status": _("Work"),
    "educational-attainment": _("Education"),
    "health-insurance-coverage-status": _("Health insurance"),
    "medical-cost-burden": _("Medical costs"),
    "personal-health-literacy": _("Understanding health information"),
    "digital-literacy": _("Using computers and phones"),
    "digital-access": _("Internet and devices"),
    "language-access": _("Language help"),
    "social-connection": _("Company and connection"),
    "stress": _("Stress"),
    "intimate-partner-violence": _("Safety from a partner"),
    "elder-abuse": _("Safety of an older person"),
    "veteran-status": _("Help for veterans"),
    "incarceration-status": _("After prison or jail"),
    "protective-factor": _("Strengths to build on"),
    "sdoh-category-unspecified": _("Another need"),
}


def need_words(code: str | None) -> Any:
    """Return a need in plain words; the display of its code where we have none."""
    return NEED.get(code or "") or SDOH_CATEGORIES.get(code or "") or _("Help")
