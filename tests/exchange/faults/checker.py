"""What the database holds after the faults, against what clients know: read whole, judged outside the exchange's code.

Every finding names what is wrong; a list that is empty is what the invariant asks for.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.db.audit import audit_event
from exchange.db.document import document, document_version, place, visible_document
from exchange.db.outbox import SENT, MessageRow
from exchange.db.referral import ReferralRow
from exchange.db.release import ReleaseRow
from exchange.db.sealing import Sealed
from exchange.db.session import Database, keys
from exchange.db.timeline import ReferralEventRow
from tests.exchange.faults.history import History
from tests.exchange.faults.sink import Delivery

WRITES: Final = ("create", "update")
#  what tells a receiver, or the network of an open referral, that it is there
TELLS: Final = ("referral.requested", "referral.open")


@dataclass
class Kept:
    """What stands in the database: referrals by id with the key of each, and the sentences about what is not whole."""

    keys: dict[str, str] = field(default_factory=dict)
    messages: dict[str, list[str]] = field(default_factory=dict)
    half: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def lost(self, history: History) -> list[str]:
        """Return the keys that were acknowledged and are not there, or not under the address that was given."""
        return sorted(
            key for key, task in history.acknowledged().items() if self.keys.get(task.removeprefix("Task/")) != key
        )

    def denied(self, history: History) -> list[str]:
        """Return the keys of which the client was told that nothing was stored, and which are there."""
        return sorted(history.refused() & set(self.keys.values()))

    def doubled(self) -> list[str]:
        """Return the keys that became more than one referral."""
        return sorted(key for key, times in Counter(self.keys.values()).items() if times > 1)


def kept_in(database: Database) -> Kept:
    """Read a whole database and return what stands in it; the referrals are those of `Parties.referral`."""
    with database.read() as session:
        return kept_by(session)


def kept_by(session: Session) -> Kept:
    """Return what stands in the database as this session sees it."""
    kept = Kept()
    documents = {row.id: row for row in session.execute(select(document))}
    referrals = {row.id: row for row in session.scalars(select(ReferralRow))}
    kept.half += _paired(documents, referrals)
    for one in referrals.values():
        asked, task = documents.get(one.service_request_id), documents.get(one.id)
        if asked is not None:
            kept.keys[one.id] = _opened(session, asked)["identifier"][0]["value"]
        if task is not None and _opened(session, task)["status"] != one.status:
            kept.half.append(f"referral {one.id} is {one.status} and its Task is not")
    kept.half += _versions(session, documents)
    kept.half += _audited(session, documents)
    kept.half += _beside(session, referrals)
    for message in session.scalars(select(MessageRow).order_by(MessageRow.sequence)):
        if message.kind in TELLS:
            kept.messages.setdefault(message.referral_id or "", []).append(message.id)
        if message.state != SENT:
            kept.waiting.append(f"message {message.id} is {message.state}: {message.last_error}")
    for one in referrals:
        if len(kept.messages.get(one, [])) != 1:
            kept.half.append(f"referral {one} has {len(kept.messages.get(one, []))} messages, not one")
    return kept


def _paired(documents: dict[str, Any], referrals: dict[str, Any]) -> Iterable[str]:
    """Return which referrals miss one of their three documents, and which documents belong to no referral."""
    tasks = {row.id for row in documents.values() if row.type == "Task"}
    yield from (f"Task {one} without its referral, or a referral without its Task" for one in tasks ^ set(referrals))
    about = {one: {row.service_request_id, row.patient_id} for one, row in referrals.items()}
    for one, others in about.items():
        if others - set(documents):
            yield f"referral {one} without its ServiceRequest or Patient"
    known = tasks.union(*about.values())
    yield from (f"{row.type} {row.id} without a referral" for row in documents.values() if row.id not in known)


def _opened(session: Session, row: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(keys(session).open(Sealed(row.key_id, row.body), place(row.id, row.version)))
    return body


def _versions(session: Session, documents: dict[str, Any]) -> Iterable[str]:
    """Return which documents do not have every version from the first to the current one."""
    past = defaultdict(set)
    for row in session.execute(select(document_version.c.id, document_version.c.version)):
        past[row.id].add(row.version)
    for row in documents.values():
        if past.pop(row.id, set()) != set(range(1, row.version)):
            yield f"{row.type} {row.id} misses a version before {row.version}"
    yield from (f"a past version of {one}, which is not there" for one in past)


def _audited(session: Session, documents: dict[str, Any]) -> Iterable[str]:
    """Return which versions have no audit row, or two, and which audit rows tell of a write that is not there."""
    query = select(audit_event.c.document_id, audit_event.c.version, audit_event.c.type).where(
        audit_event.c.interaction.in_(WRITES), audit_event.c.outcome == "0", audit_event.c.version.is_not(None)
    )
    rows = Counter((row.document_id, row.version) for row in session.execute(query) if row.type != "Organization")
    versions = {(row.id, version) for row in documents.values() for version in range(1, row.version + 1)}
    yield from (f"version {version} of {one} is audited {rows[one, version]} times" for one, version in versions
                if rows[one, version] != 1)  # fmt: skip
    yield from (f"an audit row of {one} version {version}, which is not there" for one, version in set(rows) - versions)


def _beside(session: Session, referrals: dict[str, Any]) -> Iterable[str]:
    """Return which referrals miss their timeline or the releases to their receiver, and rows without a referral."""
    told = Counter(session.scalars(select(ReferralEventRow.referral_id).where(ReferralEventRow.kind == "sent")))
    released = defaultdict(set)
    for row in session.execute(select(ReleaseRow.referral_id, ReleaseRow.document_id, ReleaseRow.organization_id)):
        released[row.referral_id].add((row.organization_id, row.document_id))
    seen = {tuple(row) for row in session.execute(select(visible_document.c.viewer_id, visible_document.c.document_id))}
    for one in referrals.values():
        if told[one.id] != 1:
            yield f"referral {one.id} was sent {told[one.id]} times on its timeline"
        reached = {(one.receiver_id, each) for each in (one.id, one.service_request_id, one.patient_id)}
        if one.receiver_id is not None and not (reached <= released[one.id] and reached <= seen):
            yield f"referral {one.id} is not wholly released to its receiver"
    yield from (
        f"a timeline or a release of {one}, which is not there" for one in (set(told) | set(released)) - set(referrals)
    )


@dataclass(frozen=True)
class Told:
    """What arrived, against what stands in the outbox."""

    untold: list[str]
    not_stored: list[str]
    twice: list[str]
    repeats: int


def told_of(kept: Kept, deliveries: Iterable[Delivery]) -> Told:
    """Return which referrals were not told, told under another id than their message's, or told and not stored.

    `repeats` counts deliveries that came again under the same id: at least once is what is promised.
    """
    arrived: dict[str, Counter[str]] = defaultdict(Counter)
    for one in deliveries:
        arrived[one.referral_id][one.message_id] += 1
    return Told(
        untold=sorted(one for one in kept.messages if one not in arrived),
        not_stored=sorted(set(arrived) - set(kept.messages)),
        twice=sorted(one for one, ids in arrived.items() if set(ids) - set(kept.messages.get(one, []))),
        repeats=sum(sum(ids.values()) - len(ids) for ids in arrived.values()),
    )
