"""Read: the current state of a resource, as stored. http://hl7.org/fhir/R4/http.html#read and #cread."""

from sqlalchemy.orm import Session
from werkzeug.datastructures import Headers
from werkzeug.http import parse_date

from exchange.db.base import moment
from exchange.domain.errors import NotFound
from exchange.web.audit_trail import note_read
from exchange.web.fhir.asking import Ask
from exchange.web.fhir.replying import Reply, shown_reply
from exchange.web.fhir.shelves import catalogue
from exchange.web.fhir.shown import Shown, patient_shown
from exchange.web.guard import current_actor


def read(session: Session, ask: Ask) -> Reply:
    """Return the resource, or 304 when the client has it. Raises NotFound for unknown and invisible alike."""
    found = catalogue.read(session, current_actor().organization_id or "", ask.type_name, ask.document_id)
    if found is None:
        raise not_found(ask)
    note_shown("read", found)
    return shown_reply(found, status=304 if is_known(ask.headers, found) else 200)


def not_found(ask: Ask) -> NotFound:
    """Return the refusal that tells nothing about what exists."""
    return NotFound(f"{ask.type_name}/{ask.document_id} does not exist, or your organisation may not see it.")


def note_shown(interaction: str, one: Shown) -> None:
    """Note for the audit that the caller was shown a resource."""
    note_read(
        interaction,
        type_name=one.type,
        document_id=one.id,
        version=one.version,
        author_id=one.author_id,
        patient_id=patient_shown(one),
    )


def is_known(headers: Headers, one: Shown) -> bool:
    """Return whether the conditions of a read say that the client has this version. RFC 9110 §13.1.2, §13.1.3.

    A version without its quotes is understood too: a widely used client (fhirpy) sends it so.
    """
    tags = [_version(tag) for tag in headers.get("If-None-Match", "").split(",") if tag.strip()]
    if tags:
        return one.etag is not None and (_version(one.etag) in tags or "*" in tags)
    since = parse_date(headers.get("If-Modified-Since"))
    return since is not None and moment(one.last_updated).replace(microsecond=0) <= since


def _version(tag: str) -> str:
    return tag.strip().removeprefix("W/").strip('"')
