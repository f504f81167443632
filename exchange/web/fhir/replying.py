"""What is answered to an `Ask`: as a response of its own, or as the answer to an entry of a Bundle."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, g
from sqlalchemy.orm import Session
from werkzeug.http import http_date

from exchange.actions.documents.keep_document import Written, instant_text, patient_of
from exchange.db.base import moment
from exchange.db.document import Document
from exchange.web.audit_trail import note_read
from exchange.web.fhir.asking import MINIMAL, OUTCOME, Ask
from exchange.web.fhir.negotiation import FHIR_JSON
from exchange.web.fhir.shelves import documents
from exchange.web.fhir.shown import Shown
from exchange.web.guard import current_actor
from exchange.web.transaction import config
from fhir_mapping.bundle import Answer, operation_outcome
from fhir_mapping.json_text import JsonText, dump
from fhir_mapping.mapped import Issue


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one interaction. `body` is JSON or empty; `last_modified` is in microseconds."""

    status: int
    body: bytes = b""
    etag: str | None = None
    last_modified: int | None = None
    location: str | None = None
    issues: tuple[Issue, ...] = ()
    is_outcome: bool = False


def address(relative: str) -> str:
    """Return an absolute address below our FHIR base."""
    return f"{config().fhir_base}/{relative}"


def shown_reply(one: Shown, *, status: int = 200) -> Reply:
    """Return the reply that shows a resource."""
    return Reply(status, one.body if status != 304 else b"", one.etag, one.last_updated)


def written_reply(session: Session, ask: Ask, written: Written) -> Reply:
    """Return the reply to a write, with what `Prefer` asks for.

    Its author gets what was kept. Anybody else's is read again: a move may have ended the writer's own release, and
    then it gets no more than that.
    """
    kept, viewer = written.document, current_actor().organization_id or ""
    if not written.is_written:
        _note_reading(kept)
    body, is_outcome = b"", ask.wishes.returns == OUTCOME
    if is_outcome:
        body = dump(operation_outcome(written.issues))
    elif ask.wishes.returns != MINIMAL and kept.author_id == viewer:
        body = kept.body
    elif ask.wishes.returns != MINIMAL:
        seen = documents.read(session, viewer, kept.type, kept.id)
        body = seen.body if seen is not None else b""
    return Reply(
        201 if written.is_new else 200,
        body,
        f'W/"{kept.version}"',
        kept.last_updated,
        address(f"{kept.type}/{kept.id}/_history/{kept.version}"),
        written.issues,
        is_outcome,
    )


def _note_reading(kept: Document) -> None:
    """Note that a document was read by a write that left it as it was."""
    note_read(
        "read",
        type_name=kept.type,
        document_id=kept.id,
        version=kept.version,
        author_id=kept.author_id,
        patient_id=patient_of(json.loads(kept.body)),
    )


def response_of(reply: Reply) -> Response:
    """Return the reply as a response, in the media type that was asked for."""
    modified = None if reply.last_modified is None else http_date(moment(reply.last_modified))
    said = (("ETag", reply.etag), ("Last-Modified", modified), ("Location", reply.location))
    headers = [(name, value) for name, value in said if value is not None]
    if reply.body:
        headers.append(("Content-Type", f"{g.get('fhir_media_type', FHIR_JSON)}; charset=utf-8"))
        return Response(reply.body, reply.status, headers)
    response = Response(None, reply.status, headers)
    response.headers.pop("Content-Type", None)
    return response


def answer_of(reply: Reply) -> Answer:
    """Return the reply as the answer to an entry of a Bundle."""
    text = JsonText(reply.body.decode()) if reply.body else None
    outcome = operation_outcome(reply.issues) if reply.issues else None
    return Answer(
        f"{reply.status} {HTTPStatus(reply.status).phrase}",
        reply.location,
        reply.etag,
        None if reply.last_modified is None else instant_text(reply.last_modified),
        text if reply.is_outcome else outcome,
        None if reply.is_outcome else text,
    )
