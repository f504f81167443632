"""Is a database whole? Every decision with its document, its audit, its timeline and its message, and nothing else."""

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.db.audit import audit_event
from exchange.db.document import document, document_version
from exchange.db.outbox import MessageRow
from exchange.db.referral import ReferralRow
from exchange.db.setting import write_order
from exchange.db.timeline import ReferralEventRow
from fhir_mapping.case_data.referral import ReferralStatus


def faults_of(session: Session) -> list[str]:
    """Return what is half of something, as sentences; empty when the database is whole."""
    return list(_faults(session))


def _faults(session: Session) -> Iterator[str]:
    current = {row.id: row for row in session.execute(select(document))}
    older = session.execute(select(document_version.c.id, document_version.c.version)).all()
    versions = {(row.id, row.version) for row in older} | {(row.id, row.version) for row in current.values()}
    expected = {(row.id, version) for row in current.values() for version in range(1, row.version + 1)}
    if versions != expected:
        yield f"{len(expected ^ versions)} versions are missing, or there without their document."
    written = select(audit_event.c.document_id, audit_event.c.version).where(
        audit_event.c.interaction.in_(("create", "update")), audit_event.c.outcome == "0"
    )
    audited = {(row.document_id, row.version) for row in session.execute(written)}
    if audited != versions:
        yield f"{len(versions - audited)} versions are not audited, {len(audited - versions)} are audited but gone."
    referrals = {row.id: row for row in session.scalars(select(ReferralRow))}
    tasks = {row.id for row in current.values() if row.type == "Task"}
    if tasks != set(referrals):
        yield f"{len(tasks ^ set(referrals))} referrals have no Task, or Tasks no referral."
    for part, column in (("timeline", ReferralEventRow.referral_id), ("message", MessageRow.referral_id)):
        told = set(session.scalars(select(column).distinct()))
        sent = {row.id for row in referrals.values() if row.status is not ReferralStatus.DRAFT}
        if not sent <= told:
            yield f"{len(sent - told)} referrals have no {part}."
    newest = session.execute(select(func.max(document.c.last_updated))).scalar() or 0
    if session.execute(select(write_order.c.stamp)).scalar_one() < newest:
        yield "A document is stamped later than the last commit."


def digest_of(path: Path) -> str:
    """Return a hash of every row of every table of an SQLite file, as it is now."""
    connection = sqlite3.connect(path)
    try:
        digest = hashlib.sha256()
        connection.execute("BEGIN")
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        for (name,) in connection.execute(tables).fetchall():
            digest.update(name.encode())
            for row in sorted(repr(row) for row in connection.execute(f'SELECT * FROM "{name}"')):
                digest.update(row.encode())
        return digest.hexdigest()
    finally:
        connection.close()
