"""A PUT on a referral Task compares meaning, not bytes: what changed, whether that side may, which one verb it is.

`id`, `meta`, `text` and `lastModified` are ignored; a read-only element that is absent is kept, equal is ignored,
different is 422 naming its path (ARCHITECTURE §3).
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import find_organization
from exchange.actions.documents.body_of import body_of
from exchange.actions.documents.check_document import CheckedDocument
from exchange.actions.referrals.calendar_of import calendar_of
from exchange.actions.referrals.consent_for import refuse_claim_without_consent
from exchange.actions.referrals.remember import remember
from exchange.actions.referrals.resolve_receiver import organization_named
from exchange.actions.referrals.send_referral import decide, ready_to_go, sending_events, what_is_asked
from exchange.db import document, referral
from exchange.db.document import Document
from exchange.db.session import fhir_base, now
from exchange.domain.actor import Actor
from exchange.domain.deadlines import Calendar
from exchange.domain.errors import NotFound, Unprocessable
from exchange.domain.events import BY_VERB, Event
from exchange.domain.permissions import Permission, permit
from exchange.domain.referral import AMENDABLE, RECEIVER_STAGES, amend, move, verb_between, with_clock
from exchange.domain.sides import side_for
from fhir_mapping import systems
from fhir_mapping.case_data.referral import Referral, ReferralStatus, Side, Stage
from fhir_mapping.json_text import Json
from fhir_mapping.mapped import Issue
from fhir_mapping.resources.task import TaskContent, changed_elements, task_to_referral

#  while a referral is a draft its sender may still change all of it, but not what it is
FIXED_IN_A_DRAFT = frozenset({"resourceType", "code", "intent", "identifier"})
ALWAYS = frozenset({"status"})


@dataclass(frozen=True, slots=True)
class Changed:
    """The Task after the change, and what there was to say about it."""

    document: Document
    issues: tuple[Issue, ...] = ()


def change_task(session: Session, actor: Actor, task_id: str, checked: CheckedDocument) -> Changed:
    """Apply what a client changed in a referral Task: a move, a claim, or news.

    Raises NotFound for strangers, Forbidden, IllegalTransition, Unprocessable naming the element.
    """
    before = referral.lock(session, task_id, visible_to=actor)
    stored = document.stored(session, "Task", task_id)
    assert stored is not None
    old, new = body_of(session, stored), checked.document
    changes = changed_elements(old, new, base_url=fhir_base(session))
    mapped = task_to_referral(new)
    verb = verb_between(before, _status(mapped.value))
    permit(actor, Permission.ANSWER_REFERRAL)
    side = side_for(actor, before, verb)
    task = _allowed(before, side, verb, old, new, changes)
    if verb == "amend" and not _differs(old, task, fhir_base(session)):
        return Changed(stored, checked.issues)
    at = now(session)
    facts = find_organization(session, before.receiver_id or before.sender_id)
    after = _decide(session, actor, before, side, verb, mapped.value, task, calendar_of(facts, at.year), at)
    events = [Event(BY_VERB[verb], at, side)]
    if verb == "send":
        events = sending_events(after, at)
    elif side is Side.SENDER and before.stage is Stage.CONSENT_NEEDED:
        after, events = _released(session, before, after, task, at, events)
    kept = remember(session, before, after, events, actor, task=task)
    reasons = mapped.issues if verb != "amend" else ()
    return Changed(kept, (*checked.issues, *reasons))


def _status(content: TaskContent) -> ReferralStatus:
    try:
        return ReferralStatus(content.status)
    except ValueError:
        raise Unprocessable(
            "A referral Task has no such status: see docs/state-machine.md.",
            expression="Task.status",
            code="code-invalid",
        ) from None


def _allowed(
    before: Referral, side: Side, verb: str, old: Json, new: Json, changes: dict[str, tuple[object, object]]
) -> Json:
    """Return the Task to store: the writer's own elements as sent, the others as they stood."""
    if before.status is ReferralStatus.DRAFT and side is Side.SENDER:
        may = (frozenset(old) | frozenset(new)) - FIXED_IN_A_DRAFT
    else:
        may = AMENDABLE[side] | ALWAYS | (frozenset({"owner"}) if verb == "claim" else frozenset())
    for name, (_was, becomes) in changes.items():
        if name not in may and becomes is not None:
            raise Unprocessable(
                f"Task.{name} is not yours to change here: send it as it was, or leave it out.",
                expression=f"Task.{name}",
                code="business-rule",
            )
    kept = {name: value for name, value in old.items() if name not in new or name not in may}
    mine = {name: value for name, value in new.items() if name in may}
    removed = {name for name, (_was, becomes) in changes.items() if becomes is None and name in may}
    if "output" in removed or "note" in removed:
        removed -= {"output", "note"}  # what one side was told is not taken back by leaving it out
        kept |= {name: old[name] for name in ("output", "note") if name in old}
    return {name: value for name, value in (kept | mine).items() if name not in removed}


def _differs(old: Json, task: Json, base: str) -> bool:
    return bool(changed_elements(old, task, base_url=base))


def _decide(
    session: Session, actor: Actor, before: Referral, side: Side, verb: str, content: TaskContent, task: Json,
    calendar: Calendar, at: datetime,
) -> Referral:  # fmt: skip
    if before.status is ReferralStatus.DRAFT and verb in ("amend", "send"):
        return _draft(session, actor, before, side, content, task)
    if verb == "amend":
        stage = _stage(content, before)
        after = amend(
            before, side, now=at, calendar=calendar, stage=stage, reason=content.reason if before.reason else None
        )
        if side is not Side.SENDER or content.priority is before.priority:
            return after
        hurried = replace(after, priority=content.priority)
        return with_clock(hurried, now=at, calendar=calendar) if before.next_step is Side.RECEIVER else hurried
    claimed_by = None
    if verb == "claim":
        claimed_by = _claimant(session, actor, content)
    moved = move(
        before, verb, side, now=at, calendar=calendar, reason=content.reason, claimed_by=claimed_by,
        has_output=bool(task.get("output")),
    )  # fmt: skip
    if verb == "claim":
        refuse_claim_without_consent(session, moved, task)
    return moved


def _draft(session: Session, actor: Actor, before: Referral, side: Side, content: TaskContent, task: Json) -> Referral:
    """Return a draft as its sender has changed it, or as it goes out now: everything is decided anew."""
    sender = find_organization(session, before.sender_id)
    if sender is None or side is not Side.SENDER:
        raise NotFound("There is no such referral, or your organisation may not see it.")
    asked = what_is_asked(session, actor, content)
    fresh, _issues = decide(session, sender, task, content, asked, before.id, before.previous_id)
    return replace(fresh, version=before.version + 1, created_at=before.created_at)


def _stage(content: TaskContent, before: Referral) -> Stage | None:
    """Return the stage a client set; a businessStatus of another code system stays in the document alone."""
    said = content.business_status
    if said is None or said.system != systems.REFERRAL_STAGE or said.value == before.stage:
        return None
    if said.value not in set(RECEIVER_STAGES):
        raise Unprocessable(
            "This businessStatus is none that a receiver sets: see docs/state-machine.md.",
            expression="Task.businessStatus",
            code="code-invalid",
        )
    return Stage(said.value)


def _claimant(session: Session, actor: Actor, content: TaskContent) -> str:
    owner = content.owner
    named = organization_named(session, actor.organization_id or "", owner, "Task.owner").id if owner else None
    if named != actor.organization_id:
        raise Unprocessable(
            "To claim an open referral, set Task.owner to your own organisation and Task.status to accepted.",
            expression="Task.owner",
            code="required",
        )
    return named or ""


def _released(
    session: Session, before: Referral, after: Referral, task: Json, at: datetime, events: list[Event]
) -> tuple[Referral, list[Event]]:
    """Ask again whether the referral may go out: a consent that was needed may have come."""
    sender = find_organization(session, before.sender_id)
    receiver = find_organization(session, after.receiver_id) if after.receiver_id else None
    assert sender is not None
    if after.status is not ReferralStatus.REQUESTED:
        return after, events
    ready, _issues = ready_to_go(session, sender, receiver, replace(after, stage=None), task)
    ready = with_clock(ready, now=at, calendar=calendar_of(receiver or sender, at.year))
    if ready.stage is Stage.CONSENT_NEEDED:
        return ready, events
    return ready, sending_events(ready, at)
