"""One function saves the decision and its document, with audit row, timeline and outbox, in one transaction.

Nothing is told that is not stored, nothing stored that is not audited.
"""

from collections.abc import Iterable, Set
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from exchange.actions.documents.body_of import body_of
from exchange.actions.documents.keep_document import keep_document
from exchange.actions.referrals.release_documents import release_documents, release_results
from exchange.actions.referrals.tell import tell
from exchange.db import document, link, referral, release, timeline
from exchange.db.document import Document
from exchange.db.session import now
from exchange.domain.actor import Actor
from exchange.domain.events import Event
from fhir_mapping.case_data.referral import Referral, ReferralStatus, Stage
from fhir_mapping.json_text import Json
from fhir_mapping.resources.task import task_with

READS_ON = timedelta(days=90)
READING_ENDS: dict[ReferralStatus, timedelta | None] = {
    ReferralStatus.COMPLETED: READS_ON,
    ReferralStatus.FAILED: READS_ON,
    ReferralStatus.REJECTED: None,
    ReferralStatus.CANCELLED: None,
    ReferralStatus.ENTERED_IN_ERROR: None,
}


def remember(
    session: Session,
    before: Referral,
    after: Referral,
    events: Iterable[Event],
    actor: Actor,
    *,
    task: Json | None = None,
    also: Set[tuple[str, str]] = frozenset(),
) -> Document:
    """Save a decision over the one before and return the Task's next version.

    `task` is the Task as a client sent it, checked; without it the stored one gets the elements that changed.
    """
    stored = document.stored(session, "Task", after.id)
    assert stored is not None
    body = body_of(session, stored)
    owner = f"Organization/{after.receiver_id}" if after.receiver_id != before.receiver_id else None
    written = task_with(task if task is not None else body, after, owner_reference=owner)
    author = actor_writes_as(before, actor)
    kept = keep_document(session, actor, written, before=stored, author_id=author, checked_before=body, also=also)
    after, written = replace(after, new_outputs=(), new_notes=()), body_of(session, kept)
    referral.save(session, after)
    timeline.write(session, after, events, actor)
    if author == after.receiver_id:
        release_results(session, after, written, body)
    follow_releases(session, before, after, written)
    tell(session, after, events, actor)
    return kept


def actor_writes_as(before: Referral, actor: Actor) -> str:
    """Return in whose name the actor writes: the receiver's when it records for an agency, else its own."""
    if actor.organization_id is None:
        return before.sender_id
    return before.receiver_id or actor.organization_id if actor.source else actor.organization_id


def follow_releases(session: Session, before: Referral, after: Referral, task: Json) -> None:
    """Let the receiver see what the new state releases, and end what it ends."""
    at = now(session)
    if after.status in READING_ENDS:
        if after.receiver_id is not None and before.status not in READING_ENDS:
            wait = READING_ENDS[after.status]
            release.end_releases(session, after.id, after.receiver_id, at, until=at + wait if wait else None)
        elif after.receiver_id is not None and READING_ENDS[after.status] is None:
            release.end_releases(session, after.id, after.receiver_id, at)
        if after.receiver_id is None and after.network_id is not None:
            release.hide_preview(session, after.id, after.network_id)
        link.revoke_links(session, after.id, at)
    elif after.status is not ReferralStatus.DRAFT and after.stage is not Stage.CONSENT_NEEDED:
        release_documents(session, after, task)
        if before.receiver_id is None and after.receiver_id not in (None, after.network_id) and after.network_id:
            release.hide_preview(session, after.id, after.network_id)
