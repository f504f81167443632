"""The state machine of a referral, as a table.

Source: SDOHCC 3.0.0, Referral Task State Diagram and the "Set By" column of its Task profile
(http://hl7.org/fhir/us/sdoh-clinicalcare); `received` and `ready` are excluded there. `docs/state-machine.md` is
generated from this file.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from exchange.domain.deadlines import Calendar, Deadline, deadline
from exchange.domain.errors import Forbidden, IllegalTransition, Unprocessable
from fhir_mapping.case_data.referral import (
    Clock,
    Note,
    Output,
    Reason,
    Referral,
    ReferralStatus,
    Side,
    Stage,
)

DRAFT, REQUESTED, ACCEPTED, REJECTED, IN_PROGRESS, ON_HOLD, COMPLETED, FAILED, CANCELLED, ENTERED_IN_ERROR = (
    ReferralStatus
)

SENDER: Final = frozenset({Side.SENDER})
RECEIVER: Final = frozenset({Side.RECEIVER})
EITHER: Final = SENDER | RECEIVER
CANDIDATE: Final = frozenset({Side.CANDIDATE})


@dataclass(frozen=True, slots=True)
class Rule:
    """One arrow of the diagram: from, verb, to, and who may."""

    start: ReferralStatus
    verb: str
    end: ReferralStatus
    who: frozenset[Side]


TRANSITIONS: Final = (
    #    from          verb        to            who may
    Rule(DRAFT,       "send",     REQUESTED,    SENDER),
    Rule(REQUESTED,   "accept",   ACCEPTED,     RECEIVER),
    Rule(REQUESTED,   "claim",    ACCEPTED,     CANDIDATE),
    Rule(REQUESTED,   "reject",   REJECTED,     RECEIVER),
    Rule(REQUESTED,   "cancel",   CANCELLED,    EITHER),
    Rule(ACCEPTED,    "start",    IN_PROGRESS,  RECEIVER),
    Rule(ACCEPTED,    "hold",     ON_HOLD,      RECEIVER),
    Rule(ACCEPTED,    "complete", COMPLETED,    RECEIVER),
    Rule(ACCEPTED,    "fail",     FAILED,       RECEIVER),
    Rule(ACCEPTED,    "cancel",   CANCELLED,    EITHER),
    Rule(IN_PROGRESS, "hold",     ON_HOLD,      RECEIVER),
    Rule(IN_PROGRESS, "complete", COMPLETED,    RECEIVER),
    Rule(IN_PROGRESS, "fail",     FAILED,       RECEIVER),
    Rule(IN_PROGRESS, "cancel",   CANCELLED,    EITHER),
    Rule(ON_HOLD,     "resume",   IN_PROGRESS,  RECEIVER),
    Rule(ON_HOLD,     "complete", COMPLETED,    RECEIVER),
    Rule(ON_HOLD,     "fail",     FAILED,       RECEIVER),
    Rule(ON_HOLD,     "cancel",   CANCELLED,    EITHER),
    *(Rule(status,    "retract",  ENTERED_IN_ERROR, SENDER) for status in ReferralStatus if status != ENTERED_IN_ERROR),
)  # fmt: skip

RULES: Final = {(rule.start, rule.verb): rule for rule in TRANSITIONS}
VERBS: Final = tuple(dict.fromkeys(rule.verb for rule in TRANSITIONS))
WANTS_REASON: Final = frozenset({"reject", "cancel", "hold", "fail"})
ENDED: Final = frozenset({REJECTED, COMPLETED, FAILED, CANCELLED, ENTERED_IN_ERROR})
OPEN: Final = frozenset(ReferralStatus) - ENDED
NO_REASON: Final = Reason("other", "No reason given.")

#  where a referral stands → whose step is next, and the clock that runs
NEXT_STEP: Final[dict[ReferralStatus, tuple[Side, Clock]]] = {
    DRAFT: (Side.SENDER, Clock.FINISH_DRAFT),
    REQUESTED: (Side.RECEIVER, Clock.ANSWER),
    ACCEPTED: (Side.RECEIVER, Clock.START),
    IN_PROGRESS: (Side.RECEIVER, Clock.NEWS),
    ON_HOLD: (Side.RECEIVER, Clock.REVIEW),
}

#  stages a receiver may set by hand; the others are the exchange's own
RECEIVER_STAGES: Final = frozenset(
    {Stage.WAITLISTED, Stage.INFORMATION_REQUESTED, Stage.CLIENT_REACHED, Stage.APPOINTMENT_MADE, Stage.REFERRED_ONWARD}
)

#  what each side may write into a Task without moving it, besides its status (ARCHITECTURE §3)
AMENDABLE: Final[dict[Side, frozenset[str]]] = {
    Side.RECEIVER: frozenset({"businessStatus", "statusReason", "output", "note"}),
    Side.SENDER: frozenset({"statusReason", "note", "input", "priority", "restriction"}),
    Side.CANDIDATE: frozenset({"owner"}),
    Side.SYSTEM: frozenset(),
}


def verb_between(before: Referral, after: ReferralStatus) -> str:
    """Return the one verb that leads from a referral's status to another; `amend` when the status stays.

    Raises IllegalTransition when the diagram has no such arrow.
    """
    if before.status is after:
        return "amend"
    for rule in TRANSITIONS:
        if rule.start is before.status and rule.end is after and (rule.verb == "claim") == _is_claim(before, rule):
            return rule.verb
    raise IllegalTransition(before.status, f"become {after.value}")


def _is_claim(before: Referral, rule: Rule) -> bool:
    return rule.start is REQUESTED and rule.end is ACCEPTED and before.receiver_id is None


def may_move(referral: Referral, verb: str, side: Side) -> bool:
    """Return whether the table lets this side make this move now."""
    rule = RULES.get((referral.status, verb))
    if rule is None or side not in rule.who:
        return False
    return verb != "accept" or referral.receiver_id is not None


def move(
    referral: Referral,
    verb: str,
    side: Side,
    *,
    now: datetime,
    calendar: Calendar,
    reason: Reason | None = None,
    outputs: Iterable[Output] = (),
    notes: Iterable[Note] = (),
    hold_until: datetime | None = None,
    claimed_by: str | None = None,
    has_output: bool = False,
) -> Referral:
    """Return the referral after a move. `has_output` says that its Task already carries one.

    Raises IllegalTransition when the diagram has no such arrow, Forbidden when the other side must make it,
    Unprocessable when a completed referral would have no outcome. A missing reason is stored as "No reason given."
    (SDOHCC: "should be included"); the portal and the CLI ask for one before they come here.
    """
    rule = RULES.get((referral.status, verb))
    if rule is None:
        raise IllegalTransition(referral.status, verb)
    if side not in rule.who:
        raise Forbidden(
            f"Only the {' or the '.join(sorted(rule.who))} may {verb} this referral.", expression="Task.status"
        )
    outputs = tuple(outputs)
    if rule.end is COMPLETED and not outputs and not has_output:
        raise Unprocessable(
            "A completed referral needs an output: add what was done to Task.output, or fail it with a reason.",
            expression="Task.output",
            code="required",
        )
    moved = replace(
        referral,
        status=rule.end,
        stage=None,
        reason=(reason or NO_REASON) if verb in WANTS_REASON else None,
        hold_until=hold_until if verb == "hold" else None,
        receiver_id=claimed_by if verb == "claim" else referral.receiver_id,
        new_outputs=outputs,
        new_notes=tuple(notes),
        changed_at=now,
        version=referral.version + 1,
    )
    return with_clock(moved, now=now, calendar=calendar)


def amend(
    referral: Referral,
    side: Side,
    *,
    now: datetime,
    calendar: Calendar,
    stage: Stage | None = None,
    reason: Reason | None = None,
    outputs: Iterable[Output] = (),
    notes: Iterable[Note] = (),
) -> Referral:
    """Return the referral with news but no move; news from the receiver winds the clock of work again.

    Raises Forbidden when a side sets a stage that is not its own to set.
    """
    if (
        stage is not None
        and stage is not referral.stage
        and (side is not Side.RECEIVER or stage not in RECEIVER_STAGES)
    ):
        raise Forbidden(
            "Only the receiver may set this businessStatus, and only one of its own.", expression="Task.businessStatus"
        )
    amended = replace(
        referral,
        stage=stage or referral.stage,
        reason=reason or referral.reason,
        new_outputs=tuple(outputs),
        new_notes=tuple(notes),
        changed_at=now,
        version=referral.version + 1,
    )
    silent = referral.stage in (Stage.NO_ANSWER, Stage.UNDELIVERABLE)
    if side is Side.RECEIVER and referral.status in (ACCEPTED, IN_PROGRESS, ON_HOLD):
        revived = replace(amended, stage=None) if silent and stage is None else amended
        return with_clock(revived, now=now, calendar=calendar)
    return amended


def with_clock(referral: Referral, *, now: datetime, calendar: Calendar) -> Referral:
    """Return the referral with the next step and the clock that its status asks for; an ended one has neither."""
    if referral.status in ENDED:
        return replace(referral, next_step=None, clock=None, due_at=None, remind_at=None, reminded=False)
    side, clock = NEXT_STEP[referral.status]
    if referral.stage is Stage.CONSENT_NEEDED:
        side, clock = Side.SENDER, Clock.DECIDE
    if referral.status is REQUESTED and referral.receiver_id is None and clock is Clock.ANSWER:
        side = Side.CANDIDATE
    return _wound(
        replace(referral, next_step=side),
        deadline(clock, now, calendar, priority=referral.priority, until=referral.hold_until),
    )


def expire(referral: Referral, *, now: datetime, calendar: Calendar) -> Referral:
    """Return the referral after its clock ran out: silence is not a status.

    The status stays; the businessStatus says `no-answer`, the next step is the sender's, and a clock of its own runs.
    A clock that was the sender's already is wound again, so that it asks once more.
    """
    if referral.next_step is Side.SENDER and referral.clock is not None:
        again = deadline(referral.clock, now, calendar, priority=referral.priority)
        return _wound(
            replace(referral, version=referral.version + 1, changed_at=now, new_outputs=(), new_notes=()), again
        )
    return hand_to_sender(referral, Stage.NO_ANSWER, now=now, calendar=calendar)


def hand_to_sender(referral: Referral, stage: Stage, *, now: datetime, calendar: Calendar) -> Referral:
    """Return the referral with its next step given to the sender: nobody answered, or nobody could be told."""
    handed = replace(
        referral,
        stage=stage,
        next_step=Side.SENDER,
        changed_at=now,
        version=referral.version + 1,
        new_outputs=(),
        new_notes=(),
    )
    return _wound(handed, deadline(Clock.DECIDE, now, calendar))


def remind(referral: Referral) -> Referral:
    """Return the referral with its reminder marked as sent. Nothing a document shows changes, so no new version."""
    return replace(referral, reminded=True)


def _wound(referral: Referral, running: Deadline) -> Referral:
    return replace(referral, clock=running.clock, due_at=running.due_at, remind_at=running.remind_at, reminded=False)
