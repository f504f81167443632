"""Single rows about the database itself: the order of writes, whether it is a demo, who holds a lease."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.db.base import Base, UtcDateTime

write_order = Table(
    "write_order",
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("stamp", BigInteger, nullable=False, comment="microseconds; last_updated of the newest committed write"),
)


class SettingRow(Base):
    """A named fact about this database, such as `demo`."""

    __tablename__ = "setting"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class LeaseRow(Base):
    """Work that one process at a time may do: sealing the audit, winding the clocks."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str | None] = mapped_column(String(60))
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)


def setting(session: Session, name: str) -> str | None:
    """Return a setting, or None."""
    return session.scalar(select(SettingRow.value).where(SettingRow.name == name))


def set_setting(session: Session, name: str, value: str) -> None:
    """Write a setting over whatever it was."""
    session.merge(SettingRow(name=name, value=value))


def take_lease(session: Session, name: str, holder: str, now: datetime, until: datetime) -> bool:
    """Return whether the holder now has the lease: it was free, run out, or already its own."""
    if session.get(LeaseRow, name) is None:
        session.add(LeaseRow(name=name, holder=None, until=None))
        session.flush()
    taken = session.execute(
        update(LeaseRow)
        .where(LeaseRow.name == name, or_(LeaseRow.until.is_(None), LeaseRow.until <= now, LeaseRow.holder == holder))
        .values(holder=holder, until=until)
    )
    return bool(getattr(taken, "rowcount", 0))
