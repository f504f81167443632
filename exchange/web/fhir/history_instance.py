"""History of one resource, newest version first. http://hl7.org/fhir/R4/http.html#history.

All versions come in one Bundle: a document has few. `_since` is understood; `_count` and the rest are not.
"""

from sqlalchemy.orm import Session

from exchange.actions.documents.keep_document import instant_text
from exchange.domain.errors import Malformed
from exchange.web.fhir.asking import Ask
from exchange.web.fhir.read import not_found, note_shown
from exchange.web.fhir.replying import Reply, address
from exchange.web.fhir.shelves import catalogue
from exchange.web.fhir.shown import Shown
from exchange.web.guard import current_actor
from fhir_mapping.bundle import Version, history
from fhir_mapping.json_text import JsonText, dump
from fhir_mapping.search_parameters import parse_date_range


def history_instance(session: Session, ask: Ask) -> Reply:
    """Return the versions that were current while the caller could see them. Raises NotFound, Malformed."""
    since = _since(ask)
    versions = catalogue.versions(session, current_actor().organization_id or "", ask.type_name, ask.document_id)
    if not versions:
        raise not_found(ask)
    wanted = [one for one in versions if one.last_updated >= since]
    for one in wanted:
        note_shown("history-instance", one)
    link = address(f"{ask.type_name}/{ask.document_id}/_history")
    return Reply(200, dump(history(map(_version, wanted), self_url=link, total=len(wanted))))


def _since(ask: Ask) -> int:
    since = 0
    for name, value in ask.pairs:
        if name == "_since":
            try:
                since = parse_date_range(value.replace(" ", "+"))[0]
            except ValueError as problem:
                raise Malformed(str(problem), expression="_since") from None
        elif ask.wishes.is_strict and name not in ("_format", "_pretty"):
            raise Malformed("A history takes no parameter but _since: leave it out.", expression=name)
    return since


def _version(one: Shown) -> Version:
    is_first = one.version == 1
    return Version(
        full_url=address(one.address),
        resource=JsonText(one.body.decode()),
        method="POST" if is_first else "PUT",
        url=one.type if is_first else one.address,
        status="201 Created" if is_first else "200 OK",
        etag=one.etag or "",
        last_modified=instant_text(one.last_updated),
    )
