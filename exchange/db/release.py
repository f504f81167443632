"""Who was given which document, by which referral, until when. `visible_document` follows from these rows."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, delete, insert, select, update
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
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


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
    for document_id in dict.fromkeys(document_ids):
        row = session.execute(
            select(document.c.type, document.c.version, document.c.last_updated).where(document.c.id == document_id)
        ).one()
        seen = session.execute(
            select(visible_document.c.is_author, visible_document.c.is_reduced).where(
                visible_document.c.viewer_id == organization_id, visible_document.c.document_id == document_id
            )
        ).first()
        if seen is not None and seen.is_author:
            continue
        if not reduced and not _is_released(session, document_id, organization_id, referral_id):
            session.add(
                ReleaseRow(
                    id=new_id(), document_id=document_id, organization_id=organization_id, referral_id=referral_id,
                    consent_id=consent_id, from_version=row.version, began_at=now,
                )
            )  # fmt: skip
            session.flush()
        if seen is None:
            values = {name: (hot or {}).get(name) if row.type == "Task" else None for name in HOT}
            session.execute(
                insert(visible_document).values(
                    viewer_id=organization_id, document_id=document_id, type=row.type, last_updated=row.last_updated,
                    is_author=False, is_reduced=reduced, from_version=row.version, **values,
                )
            )  # fmt: skip
        elif not reduced:
            _show(session, document_id, organization_id, is_reduced=False, until=None)


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
    if not until:
        hide_preview(session, referral_id, organization_id, keep_reduced=bool(rows))


def hide_preview(session: Session, task_id: str, organization_id: str, *, keep_reduced: bool = False) -> None:
    """Take a preview away from an organisation that did not get the referral."""
    if keep_reduced:
        return
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
        .distinct()
        .limit(limit)
    ).all()
    for referral_id, organization_id in rows:
        end_releases(session, referral_id, organization_id, now)
    return len(rows)


def _is_released(session: Session, document_id: str, organization_id: str, referral_id: str) -> bool:
    query = select(ReleaseRow.id).where(
        ReleaseRow.document_id == document_id,
        ReleaseRow.organization_id == organization_id,
        ReleaseRow.referral_id == referral_id,
        ReleaseRow.ended_at.is_(None),
    )
    return session.scalar(query) is not None


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
    session: Session, document_id: str, organization_id: str, *, is_reduced: bool, until: datetime | None
) -> None:
    session.execute(
        update(visible_document)
        .where(
            visible_document.c.document_id == document_id,
            visible_document.c.viewer_id == organization_id,
            visible_document.c.is_author.is_(False),
        )
        .values(is_reduced=is_reduced, until=until)
    )
