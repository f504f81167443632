"""Who was given which document, by which referral, until when. `visible_document` follows from these rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, and_, bindparam, delete, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, Id, UtcDateTime
from exchange.db.document import HOT, document, is_visible, visible_document
from exchange.db.ids import new_id


class ReleaseRow(Base):
    """A document released to an organisation for a referral; append, then end."""

    __tablename__ = "release"
    __table_args__ = (Index(None, "document_id", "organization_id"), Index(None, "referral_id"))
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("document.id"))
    organization_id: Mapped[str] = mapped_column(Id)
    referral_id: Mapped[str] = mapped_column(Id)
    consent_id: Mapped[str | None] = mapped_column(Id)
    from_version: Mapped[int] = mapped_column(Integer)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


#  Built once, and one question for all documents: a referral releases several at each of its moves.
_SEEN = (
    select(
        document.c.id,
        document.c.type,
        document.c.version,
        document.c.last_updated,
        visible_document.c.is_author,
        visible_document.c.is_reduced,
        visible_document.c.until,
    )
    .outerjoin(
        visible_document,
        and_(visible_document.c.document_id == document.c.id, visible_document.c.viewer_id == bindparam("viewer_id")),
    )
    .where(document.c.id.in_(bindparam("ids", expanding=True)))
)
_RELEASED = select(ReleaseRow.__table__.c.document_id).where(
    ReleaseRow.document_id.in_(bindparam("ids", expanding=True)),
    ReleaseRow.organization_id == bindparam("organization_id"),
    ReleaseRow.referral_id == bindparam("referral_id"),
    ReleaseRow.ended_at.is_(None),
)
_RELEASE, _LET_SEE = insert(Base.metadata.tables["release"]), insert(visible_document)


def release(
    session: Session,
    document_ids: Iterable[str],
    organization_id: str,
    referral_id: str,
    now: datetime,
    *,
    consent_id: str | None = None,
    hot: dict[str, str] | None = None,
    reduced: bool = False,
) -> None:
    """Let an organisation see these documents; what it sees already for this referral stays as it is.

    `hot` are the hot columns of the referral's Task, the only type that has them. `reduced` releases a preview.
    """
    ids = list(dict.fromkeys(document_ids))
    if not ids:
        return
    rows = {row.id: row for row in session.execute(_SEEN, {"ids": ids, "viewer_id": organization_id})}
    others = [rows[document_id] for document_id in ids if not rows[document_id].is_author]
    if not reduced:
        there = released(session, ids, organization_id, referral_id)
        given = {"organization_id": organization_id, "referral_id": referral_id, "consent_id": consent_id}
        fresh = [
            {"id": new_id(), "document_id": row.id, "from_version": row.version, "began_at": now} | given
            for row in others
            if row.id not in there
        ]
        if fresh:
            session.execute(_RELEASE, fresh)
    unseen = [_view(row, organization_id, hot or {}, reduced=reduced) for row in others if row.is_author is None]
    if unseen:
        session.execute(_LET_SEE, unseen)
    for row in others:
        if row.is_author is not None and not reduced and (row.is_reduced or row.until is not None):
            #  what was current between the end of a release and the next one stays unseen
            begins = row.is_reduced or row.until <= now
            again = {"from_version": row.version} if begins else {}
            _show(session, row.id, organization_id, is_reduced=False, until=None, **again)


def released(session: Session, ids: Iterable[str], organization_id: str, referral_id: str) -> set[str]:
    """Return those of the documents that this referral releases to an organisation now."""
    asked = {"ids": list(ids), "organization_id": organization_id, "referral_id": referral_id}
    return set(session.execute(_RELEASED, asked).scalars())


def _view(row: Any, viewer_id: str, hot: dict[str, str], *, reduced: bool) -> dict[str, Any]:
    """Return the row by which a viewer sees a document; only a Task has hot columns."""
    return {
        "viewer_id": viewer_id, "document_id": row.id, "type": row.type, "last_updated": row.last_updated,
        "is_author": False, "is_reduced": reduced, "from_version": row.version,
    } | {name: hot.get(name) if row.type == "Task" else None for name in HOT}  # fmt: skip


def end_releases(
    session: Session, referral_id: str, organization_id: str, now: datetime, *, until: datetime | None = None
) -> None:
    """End what a referral let an organisation see: at once, or at `until`. Its Task stays, without the person.

    A document that another referral still releases to it stays visible.
    """
    rows = list(
        session.scalars(
            select(ReleaseRow).where(
                ReleaseRow.referral_id == referral_id,
                ReleaseRow.organization_id == organization_id,
                ReleaseRow.ended_at.is_(None),
            )
        )
    )
    for row in rows:
        row.until, row.ended_at = (until, None) if until else (row.until, now)
    session.flush()
    for row in rows:
        _follow(session, row.document_id, organization_id, referral_id)


def hide_preview(session: Session, task_id: str, organization_id: str) -> None:
    """Take a preview away from an organisation that did not get the referral."""
    session.execute(
        delete(visible_document).where(
            visible_document.c.document_id == task_id,
            visible_document.c.viewer_id == organization_id,
            visible_document.c.is_reduced.is_(True),
        )
    )


def released_to(session: Session, referral_id: str) -> set[str]:
    """Return the organisations that see something of a referral by release."""
    query = select(ReleaseRow.organization_id).where(
        ReleaseRow.referral_id == referral_id, ReleaseRow.ended_at.is_(None)
    )
    return set(session.scalars(query))


def is_told(session: Session, referral_id: str, organization_id: str, now: datetime) -> bool:
    """Return whether the organisation may be told of this referral now: it sees the Task, whole or as a preview."""
    query = select(visible_document.c.document_id).where(
        is_visible(organization_id, now), visible_document.c.document_id == referral_id
    )
    return session.execute(query).first() is not None


def end_run_out(session: Session, now: datetime, *, limit: int = 500) -> int:
    """End the releases whose last day has passed and return how many: what stays is the Task without the person."""
    rows = session.execute(
        select(ReleaseRow.referral_id, ReleaseRow.organization_id)
        .where(ReleaseRow.until <= now, ReleaseRow.ended_at.is_(None))
        .limit(limit)
    )
    #  told apart here: SQLite would walk all releases in order to do it
    ended = dict.fromkeys((row.referral_id, row.organization_id) for row in rows)
    for referral_id, organization_id in ended:
        end_releases(session, referral_id, organization_id, now)
    return len(ended)


def _follow(session: Session, document_id: str, organization_id: str, referral_id: str) -> None:
    """Set the visible row after what is still released: live without end, live until, or no more."""
    living = session.execute(
        select(ReleaseRow.until).where(
            ReleaseRow.document_id == document_id,
            ReleaseRow.organization_id == organization_id,
            ReleaseRow.ended_at.is_(None),
        )
    ).scalars()
    ends = list(living)
    if ends:
        _show(
            session,
            document_id,
            organization_id,
            is_reduced=False,
            until=None if None in ends else max(filter(None, ends)),
        )
    elif document_id == referral_id:
        _show(session, document_id, organization_id, is_reduced=True, until=None)
    else:
        session.execute(
            delete(visible_document).where(
                visible_document.c.document_id == document_id,
                visible_document.c.viewer_id == organization_id,
                visible_document.c.is_author.is_(False),
            )
        )


def _show(
    session: Session, document_id: str, organization_id: str, *, is_reduced: bool, until: datetime | None, **more: int
) -> None:
    session.execute(
        update(visible_document)
        .where(
            visible_document.c.document_id == document_id,
            visible_document.c.viewer_id == organization_id,
            visible_document.c.is_author.is_(False),
        )
        .values(is_reduced=is_reduced, until=until, **more)
    )
