"""A referral is a decision: one row of what the exchange decides. Its Task document follows from it.

Workflow columns stand in the clear; the text of a reason is sealed.
"""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    and_,
    bindparam,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, Id, UtcDateTime, Words
from exchange.db.document import visible_document
from exchange.db.organization import OrganizationRow
from exchange.db.person import UserRow
from exchange.db.sealing import Sealed
from exchange.db.session import keys, stamp
from exchange.domain.actor import Actor, ActorKind
from exchange.domain.errors import Conflict, NotFound
from exchange.domain.referral import ENDED, OPEN
from fhir_mapping.case_data.referral import Clock, Priority, Reason, Referral, ReferralStatus, Side, Stage


class ReferralRow(Base):
    """One referral; `id` is the id of its Task. `version` counts decisions, not versions of the Task."""

    __tablename__ = "referral"
    __table_args__ = (
        Index(None, "sender_id", "status", "changed", "id"),
        Index(None, "receiver_id", "status", "changed", "id"),
        Index(None, "network_id", "status"),
        Index(None, "due_at"),
        Index(None, "remind_at"),
        Index(None, "service_request_id"),
        Index(None, "patient_id"),
    )
    id: Mapped[str] = mapped_column(ForeignKey("document.id"), primary_key=True)
    status: Mapped[ReferralStatus] = mapped_column(Words(ReferralStatus))
    sender_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))
    receiver_id: Mapped[str | None] = mapped_column(Id, comment="member or listed: no foreign key to the directory")
    service_request_id: Mapped[str] = mapped_column(Id)
    patient_id: Mapped[str] = mapped_column(Id)
    priority: Mapped[Priority] = mapped_column(Words(Priority))
    stage: Mapped[Stage | None] = mapped_column(Words(Stage))
    reason_code: Mapped[str | None] = mapped_column(String(40))
    reason_text: Mapped[bytes | None] = mapped_column(LargeBinary, comment="sealed")
    key_id: Mapped[str | None] = mapped_column(String(20))
    next_step: Mapped[Side | None] = mapped_column(Words(Side))
    clock: Mapped[Clock | None] = mapped_column(Words(Clock))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    remind_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hold_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminded: Mapped[bool] = mapped_column(Boolean, default=False)
    previous_id: Mapped[str | None] = mapped_column(ForeignKey("referral.id"))
    network_id: Mapped[str | None] = mapped_column(
        ForeignKey("organization.id"), comment="whose routing queue, while open"
    )
    need: Mapped[str | None] = mapped_column(String(60), comment="SDOHCC category code")
    zip_code: Mapped[str | None] = mapped_column(String(3), comment="the first three digits only")
    language: Mapped[str | None] = mapped_column(String(20))
    receiver_name: Mapped[str | None] = mapped_column(String(300), comment="snapshot: the directory may change")
    receiver_phone: Mapped[str | None] = mapped_column(String(60))
    consent_id: Mapped[str | None] = mapped_column(Id)
    contact_prohibited: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed: Mapped[int] = mapped_column(BigInteger, comment="stamp of the last decision")
    version: Mapped[int] = mapped_column(Integer)


class ReferralIdentifierRow(Base):
    """A Task.identifier: unique per sender, so that a repeated send is caught (409 naming the first)."""

    __tablename__ = "referral_identifier"
    sender_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    identifier_hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    referral_id: Mapped[str] = mapped_column(ForeignKey("referral.id"), index=True)


_NOT_COLUMNS: Final = frozenset({"reason", "new_outputs", "new_notes"})
_PLAIN: Final = tuple(field.name for field in fields(Referral) if field.name not in _NOT_COLUMNS)


def _referral(session: Session, row: Any) -> Referral:
    reason = None
    if row.reason_code is not None:
        text = keys(session).open(Sealed(row.key_id or "", row.reason_text or b""), f"reason/{row.id}").decode()
        reason = Reason(row.reason_code, text)
    return Referral(reason=reason, **{name: getattr(row, name) for name in _PLAIN})


def _values(session: Session, referral: Referral) -> dict[str, Any]:
    values = {name: getattr(referral, name) for name in _PLAIN}
    values |= {"changed": stamp(session), "reason_code": None, "reason_text": None, "key_id": None}
    if referral.reason is not None:
        sealed = keys(session).seal(referral.reason.text.encode(), f"reason/{referral.id}")
        values |= {"reason_code": referral.reason.code, "reason_text": sealed.body, "key_id": sealed.key_id}
    return values


_ROW: Final = ReferralRow.__table__
_ITS: Final = ReferralRow.__table__.c
_WHO: Final = bindparam("organization_id")


def _ended_unknown_to(organization_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return which referrals their sender ended of which an organisation has not been shown even the Task."""
    was_shown = exists().where(
        visible_document.c.viewer_id == organization_id, visible_document.c.document_id == _ITS.id
    )
    return and_(_ITS.status.in_((ReferralStatus.CANCELLED, ReferralStatus.ENTERED_IN_ERROR)), ~was_shown)


#  A draft is released to nobody, and consent that is needed holds a referral back from its receiver; it stays unknown
#  to whom it was never released when it is cancelled or retracted from there.
_HELD_BACK: Final = or_(
    _ITS.status == ReferralStatus.DRAFT,
    and_(_ITS.stage == Stage.CONSENT_NEEDED, _ITS.stage.is_not(None)),
    _ended_unknown_to(_WHO),
)
#  what an organisation sees: what it sent, what it received, its network's open queue
_SEEN: Final = or_(
    _ITS.sender_id == _WHO,
    and_(_ITS.receiver_id == _WHO, ~_HELD_BACK),
    and_(_ITS.receiver_id.is_(None), _ITS.network_id == _WHO, ~_HELD_BACK),
)
_IN_NETWORK: Final = exists().where(OrganizationRow.id == _ITS.sender_id, OrganizationRow.network_id == _WHO)
_ANSWERS_ITSELF: Final = exists().where(
    UserRow.organization_id == _ITS.receiver_id, UserRow.password_hash.is_not(None), UserRow.disabled_at.is_(None)
)
#  what may be recorded for an agency (phone, paper): of one's own organisation, or sent within one's network
_RECORDABLE: Final = and_(
    or_(_ITS.sender_id == _WHO, _IN_NETWORK),
    _ITS.receiver_id.is_not(None),
    _ITS.status != ReferralStatus.DRAFT,
    or_(_ITS.stage.is_(None), _ITS.stage != Stage.CONSENT_NEEDED),
    ~_ended_unknown_to(_ITS.receiver_id),
)


class _Scope(StrEnum):
    """How far an actor sees."""

    ALL = "all"
    SEEN = "seen"
    BY_LINK = "by link"
    RECORDS = "records"
    RECORDS_FOR_ANYBODY = "records for anybody"


#  an agency whose people sign in answers for itself; only the operator may record for it all the same
_SCOPES: Final[dict[_Scope, ColumnElement[bool]]] = {
    _Scope.ALL: _ITS.id.is_not(None),
    _Scope.SEEN: _SEEN,
    _Scope.BY_LINK: and_(_SEEN, _ITS.id == bindparam("link_referral_id")),
    _Scope.RECORDS: or_(_SEEN, and_(_RECORDABLE, ~_ANSWERS_ITSELF)),
    _Scope.RECORDS_FOR_ANYBODY: or_(_SEEN, _RECORDABLE),
}


def _scope(actor: Actor, *, records: bool = True) -> _Scope:
    """Return how far an actor sees; with a `source` (phone, paper) also what it may record for."""
    if actor.kind in (ActorKind.SYSTEM, ActorKind.OPERATOR) and actor.organization_id is None:
        return _Scope.ALL
    if actor.kind is ActorKind.LINK:
        return _Scope.BY_LINK
    if actor.source is None or not records:
        return _Scope.SEEN
    return _Scope.RECORDS_FOR_ANYBODY if actor.kind is ActorKind.OPERATOR else _Scope.RECORDS


def _by(actor: Actor) -> dict[str, Any]:
    """Return whom the scopes are asked for."""
    return {"organization_id": actor.organization_id, "link_referral_id": actor.referral_id}


#  Each statement is built once for each scope (docs/decisions/0070-what-the-first-profile-said.md).
_FIND: Final = {name: select(_ROW).where(_ITS.id == bindparam("id"), scope) for name, scope in _SCOPES.items()}
_LOCK: Final = {name: query.with_for_update() for name, query in _FIND.items()}
_ATTEMPTS: Final = {
    name: select(_ROW).where(_ITS.service_request_id == bindparam("id"), scope).order_by(_ITS.created_at, _ITS.id)
    for name, scope in _SCOPES.items()
}
_OPEN_FOR_PATIENT: Final = select(_ROW).where(
    _ITS.sender_id == bindparam("sender_id"),
    _ITS.patient_id == bindparam("patient_id"),
    _ITS.need.is_not_distinct_from(bindparam("need")),
    _ITS.status.in_(OPEN),
)
#  two questions, each along its own index: with one `or` between them SQLite looks at every referral
_DUE: Final = (
    select(_ITS.id, _ITS.due_at)
    .where(_ITS.status.in_(OPEN), _ITS.due_at <= bindparam("now"))
    .order_by(_ITS.due_at)
    .limit(bindparam("limit", type_=Integer))
)
_TO_REMIND: Final = (
    select(_ITS.id, _ITS.due_at)
    .where(_ITS.status.in_(OPEN), _ITS.remind_at <= bindparam("now"), _ITS.reminded.is_(False))
    .order_by(_ITS.remind_at)
    .limit(bindparam("limit", type_=Integer))
)
_INSERT: Final = insert(_ROW)
_SAVE: Final = update(_ROW).where(_ITS.id == bindparam("of"), _ITS.version == bindparam("before"))


def find(session: Session, referral_id: str, *, visible_to: Actor) -> Referral | None:
    """Return a referral the actor may see; with a `source` (phone, paper) also what it may record for."""
    row = session.execute(_FIND[_scope(visible_to)], {"id": referral_id} | _by(visible_to)).first()
    return None if row is None else _referral(session, row)


def lock(session: Session, referral_id: str, *, visible_to: Actor) -> Referral:
    """Return a referral held for a change. Raises NotFound for strangers: never Forbidden."""
    row = session.execute(_LOCK[_scope(visible_to)], {"id": referral_id} | _by(visible_to)).first()
    if row is None:
        raise NotFound("There is no such referral, or your organisation may not see it.")
    return _referral(session, row)


def insert(session: Session, referral: Referral) -> None:
    """Write a new referral."""
    session.execute(_INSERT, _values(session, referral))


def save(session: Session, after: Referral, *, decided: bool = True) -> None:
    """Write a decision over the one before: a compare-and-set on its version, so that of two at once one wins."""
    before = after.version - 1 if decided else after.version
    values = _values(session, after)
    #  a database that is told to set the key looks through all referrals for those that name it as their previous one
    del values["id"]
    if not decided:
        del values["changed"]
    changed = session.execute(_SAVE, {"of": after.id, "before": before} | values)
    if getattr(changed, "rowcount", 0) != 1:
        raise Conflict("Somebody else changed this referral just now: read it again and decide anew.")


def claim_identifier(
    session: Session, sender_id: str, referral_id: str, identifiers: Iterable[tuple[str, str]]
) -> None:
    """Write a Task's identifiers. Raises Conflict naming the first referral when its sender used one before."""
    for system, value in identifiers:
        found = keys(session).token("referral-identifier", f"{system}|{value}")
        first = session.get(ReferralIdentifierRow, (sender_id, found))
        if first is not None:
            raise Conflict(
                f"Task/{first.referral_id} already has this identifier: it is the same referral, sent before.",
                expression="Task.identifier",
                code="duplicate",
            )
        session.add(ReferralIdentifierRow(sender_id=sender_id, identifier_hash=found, referral_id=referral_id))
    session.flush()


def inbox(session: Session, actor: Actor, *, ended: bool = False, limit: int = 200) -> list[Referral]:
    """Return the referrals an agency received, what runs out first on top; the ended ones newest first."""
    return _listed(session, actor, _ITS.receiver_id == _WHO, ended=ended, limit=limit)


def queue(session: Session, actor: Actor, *, limit: int = 200) -> list[Referral]:
    """Return the open referrals that wait in the routing queue of a network."""
    return _listed(session, actor, _ITS.receiver_id.is_(None), _ITS.sender_id != _WHO, limit=limit)


def sent(session: Session, actor: Actor, *, ended: bool = False, limit: int = 200) -> list[Referral]:
    """Return the referrals an organisation sent, overdue and nearest deadlines first."""
    return _listed(session, actor, _ITS.sender_id == _WHO, ended=ended, limit=limit)


def to_be_phoned(session: Session, actor: Actor, *, limit: int = 200) -> list[Referral]:
    """Return the open referrals whose agency can only be reached by phone, for a facilitator."""
    answers_itself = () if actor.kind is ActorKind.OPERATOR else (~_ANSWERS_ITSELF,)
    scope = (_RECORDABLE, *answers_itself, _ITS.stage == Stage.MUST_BE_PHONED)
    return _ordered(session, actor, scope, ended=False, limit=limit)


def _listed(
    session: Session, actor: Actor, *conditions: ColumnElement[bool], ended: bool = False, limit: int
) -> list[Referral]:
    scope = _SCOPES[_scope(actor, records=False)]
    return _ordered(session, actor, (scope, *conditions), ended=ended, limit=limit)


def _ordered(
    session: Session, actor: Actor, conditions: Iterable[ColumnElement[bool]], *, ended: bool, limit: int
) -> list[Referral]:
    order = (_ITS.changed.desc(),) if ended else (_ITS.due_at, _ITS.id)
    query = select(_ROW).where(*conditions, _ITS.status.in_(ENDED if ended else OPEN)).order_by(*order).limit(limit)
    return [_referral(session, row) for row in session.execute(query, _by(actor))]


def attempts(session: Session, service_request_id: str, *, visible_to: Actor) -> list[Referral]:
    """Return every attempt on the same ServiceRequest that the actor may see, oldest first."""
    rows = session.execute(_ATTEMPTS[_scope(visible_to)], {"id": service_request_id} | _by(visible_to))
    return [_referral(session, row) for row in rows]


def open_for_patient(session: Session, sender_id: str, patient_id: str, need: str | None) -> list[Referral]:
    """Return a sender's open referrals of the same person and need: possible duplicates."""
    rows = session.execute(_OPEN_FOR_PATIENT, {"sender_id": sender_id, "patient_id": patient_id, "need": need})
    return [_referral(session, row) for row in rows]


def open_for_person(session: Session, sender_id: str, patient_id: str) -> list[Referral]:
    """Return a sender's open referrals of one person."""
    query = select(ReferralRow).where(
        ReferralRow.sender_id == sender_id, ReferralRow.patient_id == patient_id, ReferralRow.status.in_(OPEN)
    )
    return [_referral(session, row) for row in session.scalars(query)]


def open_attempts(session: Session, service_request_id: str) -> list[Referral]:
    """Return the open referrals of a ServiceRequest."""
    query = select(ReferralRow).where(
        ReferralRow.service_request_id == service_request_id, ReferralRow.status.in_(OPEN)
    )
    return [_referral(session, row) for row in session.scalars(query)]


def due(session: Session, now: datetime, *, limit: int = 100) -> list[str]:
    """Return ids of referrals whose reminder or clock is due, the longest overdue first."""
    asked = {"now": now, "limit": limit}
    found = {row.id: row.due_at or now for query in (_DUE, _TO_REMIND) for row in session.execute(query, asked)}
    return sorted(found, key=found.__getitem__)[:limit]


def all_referrals(session: Session, *, limit: int = 200) -> list[Referral]:
    """Return referrals for the operator's list, newest first; it shows no person."""
    query = select(ReferralRow).order_by(ReferralRow.changed.desc()).limit(limit)
    return [_referral(session, row) for row in session.scalars(query)]
