"""What must hold after every step of the loop, whatever happened: read from the tables, compared with the model."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.db import document, referral
from exchange.db.audit import audit_event
from exchange.db.document import is_visible, visible_document
from exchange.db.outbox import MessageRow
from exchange.db.referral import ReferralIdentifierRow, ReferralRow
from exchange.db.timeline import ReferralEventRow
from exchange.domain.events import EventKind, MessageKind
from fhir_mapping.json_text import parse
from tests.exchange.conftest import House
from tests.exchange.loop.expected import OPEN, One, may_open, reads

ENDS: Final = frozenset(
    {EventKind.REJECTED, EventKind.COMPLETED, EventKind.FAILED, EventKind.CANCELLED, EventKind.RETRACTED}
)
#  what somebody hears of only when the referral was released to it
TO_RECEIVERS: Final = frozenset(
    {MessageKind.NEW_REFERRAL, MessageKind.NEW_OPEN_REFERRAL, MessageKind.REMINDER, MessageKind.WITHDRAWN}
)
CANARIES: Final = ("Canaryname", "Zoelle", "1980-01-02", "A food box", "food-insecurity")


def look(house: House, model: Mapping[str, One]) -> None:
    """Fail unless everything stands as the model says and the rules of the house demand."""
    with house.database.read() as session:
        stands = {row.id: row for row in session.scalars(select(ReferralRow))}
        assert set(stands) == set(model), "a referral is there that nobody sent, or one is gone"
        for referral_id, one in model.items():
            _a_row_is_what_was_decided(house, stands[referral_id], one)
            _a_task_says_the_same(session, house, stands[referral_id])
        _everybody_sees_what_was_released(session, house, model)
        _every_version_is_there_once_and_audited(session)
        _every_decision_is_on_the_timeline(session, stands)
        _messages_go_to_parties_and_say_nothing(session, house, model)
        _an_identifier_is_of_one_referral(session, model)


def _a_row_is_what_was_decided(house: House, row: ReferralRow, one: One) -> None:
    said = (row.status.value, row.stage and row.stage.value, row.next_step and row.next_step.value, row.version)
    assert said == (one["status"], one["stage"], one["next"], one["version"]), row.id
    assert row.receiver_id == (house.ids[one["receiver"]] if one["receiver"] else None)
    runs = [row.next_step, row.clock, row.due_at]
    if one["status"] in OPEN:
        assert None not in runs, "an open referral has an owner of its next step and a running clock"
    else:
        assert [*runs, row.remind_at] == [None] * 4, "an ended referral waits for nobody"


def _a_task_says_the_same(session: Session, house: House, row: ReferralRow) -> None:
    stored = document.stored(session, "Task", row.id)
    assert stored is not None
    task = parse(stored.body)
    codings = task.get("businessStatus", {}).get("coding", [])
    assert task["status"] == row.status.value
    assert [one["code"] for one in codings] == ([row.stage.value] if row.stage else [])
    assert task.get("owner", {}).get("reference") == (f"Organization/{row.receiver_id}" if row.receiver_id else None)
    assert (stored.version, task["meta"]["versionId"]) == (row.version, str(row.version))


def _everybody_sees_what_was_released(session: Session, house: House, model: Mapping[str, One]) -> None:
    """The visibility predicate itself, asked once for each organisation: whole, without the person, or nothing."""
    about = defaultdict(list)
    for one in model.values():
        about[one["patient"]].append(one)
    seen = visible_document.c
    for who, organization_id in house.ids.items():
        now = house.clock()
        query = select(seen.document_id, seen.is_reduced).where(is_visible(organization_id, now))
        shown = {row.document_id: "reduced" if row.is_reduced else "whole" for row in session.execute(query)}
        person = house.person(who)
        opens = {one for one in model if referral.find(session, one, visible_to=person) is not None}
        for referral_id, one in model.items():
            stands = shown.get(referral_id, "nothing")
            assert stands in reads(one, who, now), f"{who} sees the Task: {stands}; {one}"
            assert (referral_id in opens) == may_open(one, who), f"{who} can open it or not; {one}"
        for patient_id, several in about.items():
            released = any(reads(one, who, now) == {"whole"} for one in several)
            assert (patient_id in shown) == released, f"{who} sees the person or not; {several}"


def _every_version_is_there_once_and_audited(session: Session) -> None:
    current = {row.id: row.version for row in session.execute(select(document.document))}
    past = Counter(row.id for row in session.execute(select(document.document_version)))
    assert past == Counter({one: version - 1 for one, version in current.items() if version > 1})
    written = [
        (row.document_id, row.version)
        for row in session.execute(select(audit_event).where(audit_event.c.outcome == "0"))
        if row.interaction in ("create", "update")
    ]
    assert Counter(written) == Counter((one, n) for one, last in current.items() for n in range(1, last + 1))


def _every_decision_is_on_the_timeline(session: Session, stands: Mapping[str, ReferralRow]) -> None:
    lines = defaultdict(list)
    for line in session.scalars(select(ReferralEventRow).order_by(ReferralEventRow.id)):
        lines[line.referral_id].append(line)
    for referral_id, row in stands.items():
        versions = [line.version for line in lines[referral_id]]
        assert versions == sorted(versions)
        assert set(versions) == set(range(1, row.version + 1)), "each version has its line, and no line is for nothing"
        ended = [line for line in lines[referral_id] if line.kind in ENDS]
        assert len(ended) <= 2, "an end is final; only a retraction may follow it"
        assert [line.kind for line in ended[1:]] in ([], [EventKind.RETRACTED])


def _messages_go_to_parties_and_say_nothing(session: Session, house: House, model: Mapping[str, One]) -> None:
    labels = {organization_id: label for label, organization_id in house.ids.items()}
    for row in session.scalars(select(MessageRow)):
        assert row.referral_id is not None
        assert row.referral_id in model, "what is told was stored"
        one, who = model[row.referral_id], labels[row.organization_id or ""]
        assert who in {one["sender"], one["receiver"], "network"}, (who, row.kind)
        if row.kind in TO_RECEIVERS or who == one["receiver"]:
            assert who in one["released"], f"{who} is told ({row.kind}) of what was never released to it"
        said = repr([row.kind, row.destination, row.lane, row.data, row.last_error])
        assert not [canary for canary in CANARIES if canary in said]


def _an_identifier_is_of_one_referral(session: Session, model: Mapping[str, One]) -> None:
    kept = session.scalars(select(ReferralIdentifierRow.referral_id))
    assert sorted(kept) == sorted(referral_id for referral_id, one in model.items() if one["identifier"])
    used = Counter((one["sender"], one["identifier"]) for one in model.values() if one["identifier"])
    assert [pair for pair, times in used.items() if times > 1] == []


def nothing_private(mails: list[Any]) -> None:
    """Fail when a mail that left holds anything of a person."""
    for parcel in mails:
        said = f"{parcel.to} {parcel.subject} {parcel.body}"
        assert not [canary for canary in CANARIES if canary in said]
