"""A directory arrives: read, staged in committed batches, compared, and applied in one transaction of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from directory.applying import apply
from directory.changes import Changes, compare, refuse_if_too_much_is_gone
from directory.errors import NothingRead, TooManyGone
from directory.formats.registry import choose
from directory.identity import CHUNK, Identities
from directory.indexing import place_of
from directory.record_json import content_hash, to_json
from directory.records import KINDS, LOCATION, ORGANIZATION, Location, Problem, Read, Service, kind_of
from directory.tables import ImportRunRow, SourceRow, StagedRow

Transaction = Callable[[], AbstractContextManager[Session]]
Progress = Callable[[str, int, int], None]
MOST_PROBLEMS_KEPT = 1000  # in the run's row; the caller's report holds all


@dataclass
class Counts:
    """What became of the records of one kind; added + changed + unchanged + refused is what was read."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    refused: int = 0


@dataclass
class ImportReport:
    """What an import did."""

    source: str
    format: str
    counts: dict[str, Counts]
    problems: list[Problem] = field(default_factory=list)

    def as_json(self, most_problems: int | None = None) -> dict[str, Any]:
        """Return the document that `exchange directory import --json` prints."""
        shown = ("file", "row", "field", "found", "done")
        document: dict[str, Any] = {f"{kind}s": asdict(self.counts[kind]) for kind in KINDS}
        problems = self.problems[:most_problems]
        document["problems"] = [{name: getattr(problem, name) for name in shown} for problem in problems]
        return document

    def lines(self) -> Iterator[str]:
        """Return the same for a person: a line per kind, then each sort of problem once with where it first stands."""
        yield f"{self.source} ({self.format})"
        for kind in KINDS:
            counts = asdict(self.counts[kind])
            yield f"  {kind + 's:':15}" + ", ".join(f"{number} {what}" for what, number in counts.items())
        alike: dict[tuple[str, str | None, str], list[Problem]] = {}
        for problem in self.problems:
            alike.setdefault((problem.file, problem.field, problem.done), []).append(problem)
        for (file, name, done), problems in alike.items():
            row = f", row {problems[0].row}" if problems[0].row is not None else ""
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            yield f"  {file}{row}{more}, {name or 'whole row'}: {done}"


def import_source(
    transaction: Transaction,
    path: Path,
    *,
    now: datetime,
    format: str | None = None,
    source: str | None = None,
    allow_removals: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a directory and return what that did. The same files a second time change nothing.

    `transaction` returns a context manager that yields a Session and commits at its end. `source` names the publisher
    and defaults to the path's own name; only its records can change. Raises UnknownFormat, NothingRead, TooManyGone:
    then nothing has changed.
    """
    path = path.resolve()
    chosen = choose(path, format)
    name = (source or _own_name(path))[:100]
    problems: list[Problem] = []
    reads = list(chosen.read(path, problems))
    if not reads:
        raise NothingRead(
            f"No organisation, service or location could be read from {path.name} as {chosen.name}: nothing was "
            "changed. Check the path, or name another format with --format."
        )
    report = ImportReport(name, chosen.name, {kind: Counts() for kind in KINDS}, problems)
    run_id = _begin(transaction, name, chosen.name, now)
    _stage(transaction, run_id, name, reads, problems, progress or (lambda stage, done, total: None))
    try:
        with transaction() as session:
            changes = compare(session, run_id, name)
            if not allow_removals:
                refuse_if_too_much_is_gone(changes, name)
            apply(session, run_id, name, changes, now)
            _count(report, changes)
            _end(session, run_id, report, now)
    except TooManyGone:
        _give_up(transaction, run_id, now)
        raise
    return report


def _own_name(path: Path) -> str:
    if path.name == "datapackage.json":
        return path.parent.name
    return path.name if path.is_dir() else path.stem


def _begin(transaction: Transaction, source: str, format: str, now: datetime) -> str:
    """Open a run; what an interrupted run of the source left behind is removed."""
    run_id = str(uuid4())
    with transaction() as session:
        left = select(ImportRunRow.id).where(ImportRunRow.source == source, ImportRunRow.status == "staging")
        for stale in list(session.scalars(left)):
            _close(session, stale, now)
        row = {"id": run_id, "source": source, "format": format, "status": "staging", "started_at": now}
        session.execute(insert(ImportRunRow).values(**row))
    return run_id


def _close(session: Session, run_id: str, now: datetime) -> None:
    session.execute(delete(StagedRow).where(StagedRow.run_id == run_id))
    session.execute(update(ImportRunRow).where(ImportRunRow.id == run_id).values(status="refused", finished_at=now))


def _give_up(transaction: Transaction, run_id: str, now: datetime) -> None:
    with transaction() as session:
        _close(session, run_id, now)


def _stage(
    transaction: Transaction,
    run_id: str,
    source: str,
    reads: list[Read],
    problems: list[Problem],
    progress: Progress,
) -> None:
    """Write the records that can be kept into the staging table, a committed batch at a time."""
    with transaction() as session:
        identities = Identities(session, source, reads)
    rows: list[dict[str, Any]] = []
    kept: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for number, read in enumerate(reads, 1):
        row = _staged(read, identities, kept, problems)
        if row is not None:
            rows.append(row | {"run_id": run_id})
        if len(rows) == CHUNK or (number == len(reads) and rows):
            with transaction() as session:
                session.execute(insert(StagedRow), rows)
            rows = []
        if number % CHUNK == 0 or number == len(reads):
            progress("read", number, len(reads))


def _staged(
    read: Read, identities: Identities, kept: dict[str, set[str]], problems: list[Problem]
) -> dict[str, Any] | None:
    """Return the staging row of a record, None where it must be refused. Formats give organisations first."""
    record, kind = identities.rewrite(read.record), kind_of(read.record)
    if record.id in kept[kind]:
        done = f"Refused: another {kind} of this source has the same id."
        problems.append(Problem(read.file, read.row, "id", read.record.id, done, kind))
        return None
    if isinstance(record, Location | Service) and record.organization_id not in (None, *kept[ORGANIZATION]):
        done = "Left out: the organisation that this location names is not among the files; the location was kept."
        refused = None
        if isinstance(record, Service):
            done = "Refused: the organisation that this service names is not among the files, or was refused."
            refused = kind
        given = getattr(read.record, "organization_id", None)
        problems.append(Problem(read.file, read.row, "organization_id", given, done, refused))
        if isinstance(record, Service):
            return None
        record = replace(record, organization_id=None)
    if isinstance(record, Service):
        record = _without_lost_places(record, read, kept[LOCATION], problems)
    if isinstance(record, Location) and place_of(record).is_approximate:
        done = "Filled in: the centre of the address's ZIP code stands for the missing coordinates."
        problems.append(Problem(read.file, read.row, "latitude", None, done))
    kept[kind].add(record.id)
    document = to_json(record)
    return {
        "kind": kind,
        "id": record.id,
        "source_id": read.record.id[:200],
        "content_hash": content_hash(document),
        "document": document,
    }


def _without_lost_places(service: Service, read: Read, locations: set[str], problems: list[Problem]) -> Service:
    links = tuple(link for link in service.service_at_locations if link.location_id in locations)
    for _ in range(len(service.service_at_locations) - len(links)):
        done = "Left out: the location that this service names is not among the files; the service was kept."
        problems.append(Problem(read.file, read.row, "location_id", None, done))
    return replace(service, service_at_locations=links)


def _count(report: ImportReport, changes: Changes) -> None:
    for kind, counts in report.counts.items():
        counts.added, counts.changed = len(changes.added[kind]), len(changes.changed[kind])
        counts.unchanged, counts.gone = len(changes.unchanged[kind]), len(changes.gone[kind])
        counts.refused = sum(problem.refused == kind for problem in report.problems)


def _end(session: Session, run_id: str, report: ImportReport, now: datetime) -> None:
    session.execute(delete(StagedRow).where(StagedRow.run_id == run_id))
    done = {"status": "applied", "finished_at": now, "report": report.as_json(MOST_PROBLEMS_KEPT)}
    session.execute(update(ImportRunRow).where(ImportRunRow.id == run_id).values(**done))
    source = session.get(SourceRow, report.source)
    if source is None:
        source = SourceRow(name=report.source, format=report.format, first_imported_at=now, last_imported_at=now)
        session.add(source)
    source.format, source.last_imported_at = report.format, now
    session.flush()
