"""Keeping a version of a document: its references are checked, its id and meta are ours, all else is as it was sent."""

from collections.abc import Set, Sized
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import is_listed
from exchange.db import audit, document, parameter
from exchange.db.base import moment
from exchange.db.document import HOT, LONGEST_HOT, Document
from exchange.db.ids import new_id
from exchange.db.session import fhir_base, now, stamp
from exchange.domain.actor import Actor
from exchange.domain.errors import Unprocessable
from fhir_mapping.json_text import Json, dump
from fhir_mapping.mapped import Issue
from fhir_mapping.references import local_reference, references_in, with_references
from fhir_mapping.resource_types import RESOURCE_TYPES
from fhir_mapping.search_parameters import extract

PROJECTED = frozenset({"Organization", "HealthcareService", "Location"})
#  each is a row written, or an id looked up, while other writers wait
MOST_VALUES = 5_000


@dataclass(frozen=True, slots=True)
class Written:
    """What was kept; `is_new` is False when a conditional create found it already there. `is_written` is False when
    nothing was to be written: then no write is in the audit, and the door notes that it was read."""

    document: Document
    is_new: bool
    issues: tuple[Issue, ...] = ()
    is_written: bool = True


def keep_document(
    session: Session,
    actor: Actor,
    body: Json,
    *,
    before: Document | None = None,
    document_id: str | None = None,
    author_id: str | None = None,
    also: Set[tuple[str, str]] = frozenset(),
    checked_before: Json | None = None,
) -> Document:
    """Keep a document as its next version, with what it is found by and its audit row.

    `also` are (type, id) that the same Bundle is about to write. `author_id` differs from the actor's organisation
    when somebody records for an agency. References that stand in `checked_before` were checked when it was written.
    Raises Unprocessable for a reference the writer cannot see, worded as for an unknown id, and for a document with
    more references or values to be found by than MOST_VALUES.
    """
    type_name = body["resourceType"]
    writer = author_id or actor.organization_id or ""
    body = with_references(body, lambda text: _ours(text, fhir_base(session)))
    known = {text for _path, text in references_in(checked_before)} if checked_before else set()
    _check_references(session, writer, body, also, known)
    own_id = before.id if before else document_id or new_id()
    version = before.version + 1 if before else 1
    body = with_meta(body, own_id, version, stamp(session))
    found = extract(body)
    _refuse_too_many(found, type_name)
    hot = (
        {one.parameter: one.value[:LONGEST_HOT] for one in found if one.parameter in HOT} if type_name == "Task" else {}
    )
    text = dump(body)
    if before is None:
        kept = document.add(session, type_name, own_id, text, author_id=writer, hot=hot)
    else:
        kept = document.replace(session, before, text, hot=hot)
    parameter.index(session, type_name, own_id, found, is_new=before is None)
    audit.write(session, [write_entry(actor, kept, patient_of(body), at=now(session))])
    return kept


def with_meta(body: Json, document_id: str, version: int, last_updated: int) -> Json:
    """Return the document with our id, version and time; profile, tags and labels stay the sender's."""
    meta = dict(body["meta"]) if isinstance(body.get("meta"), dict) else {}
    meta |= {"versionId": str(version), "lastUpdated": instant_text(last_updated)}
    return {"resourceType": body["resourceType"], "id": document_id, "meta": meta} | {
        name: value for name, value in body.items() if name not in ("resourceType", "id", "meta")
    }


def instant_text(stamp_of: int) -> str:
    """Return a `last_updated` as a FHIR instant with microseconds: a poller's `ge` loses nothing to rounding."""
    return moment(stamp_of).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def patient_of(body: Json) -> str | None:
    """Return the id of the Patient a document is about, None where it is about nobody of ours."""
    type_name = str(body["resourceType"])
    path = RESOURCE_TYPES[type_name].patient_path if type_name in RESOURCE_TYPES else None
    if path is None:
        return None
    if path == "id":
        return str(body["id"]) if "id" in body else None
    reference = body.get(path)
    text = reference.get("reference") if isinstance(reference, dict) else None
    kind, _, patient_id = str(text or "").partition("/")
    return patient_id if kind == "Patient" and patient_id else None


def write_entry(actor: Actor, kept: Document, patient_id: str | None, *, at: datetime) -> audit.AuditEntry:
    """Return the audit row of a write."""
    is_new = kept.version == 1
    return audit.AuditEntry(
        at=at, action="C" if is_new else "U", interaction="create" if is_new else "update", outcome="0",
        status=201 if is_new else 200, actor_kind=actor.kind.value, actor_name=actor.name,
        organization_id=actor.organization_id, actor_id=actor.id, type=kept.type, document_id=kept.id,
        version=kept.version, patient_id=patient_id, author_id=kept.author_id, purpose=actor.purpose,
        source=actor.source, address=actor.address, request_id=actor.request_id,
    )  # fmt: skip


def _ours(text: str, base: str) -> str | None:
    """Return an address below our own base as a relative one; None leaves what lies elsewhere."""
    if not text.startswith(base + "/"):
        return None
    return text.removeprefix(base + "/") if local_reference(text, base) else None


def _refuse_too_many(values: Sized, type_name: str) -> None:
    if len(values) > MOST_VALUES:
        raise Unprocessable(
            f"A document may have {MOST_VALUES} references and values that it is found by: divide it.",
            expression=type_name,
            code="too-costly",
        )


def _check_references(session: Session, writer: str, body: Json, also: Set[tuple[str, str]], known: Set[str]) -> None:
    wanted: dict[tuple[str, str], str] = {}
    for path, text in references_in(body):
        if text in known:
            continue
        if text.startswith("urn:"):
            raise Unprocessable(
                "This reference names an entry that is not in the Bundle: send the entry too, or use its address.",
                expression=path,
                code="not-found",
            )
        if "?" in text and "://" not in text:
            raise Unprocessable(
                "A conditional reference is only resolved inside a transaction Bundle, and must match one document.",
                expression=path,
                code="not-found",
            )
        local = local_reference(text, fhir_base(session))
        if local is not None and local not in also:
            wanted.setdefault(local, path)
    _refuse_too_many(wanted, str(body["resourceType"]))
    visible = document.visible_ids(session, wanted, viewer_id=writer)
    for local, path in wanted.items():
        if local not in visible and not (local[0] in PROJECTED and is_listed(session, *local)):
            raise Unprocessable(
                f"{local[0]}/{local[1]} does not exist, or your organisation may not see it: correct the reference.",
                expression=path,
                code="not-found",
            )
