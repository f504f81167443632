"""Vread: one version of a resource. http://hl7.org/fhir/R4/http.html#vread."""

from sqlalchemy.orm import Session

from exchange.domain.errors import NotFound
from exchange.web.fhir.asking import Ask
from exchange.web.fhir.read import note_shown
from exchange.web.fhir.replying import Reply, shown_reply
from exchange.web.fhir.shelves import documents
from exchange.web.guard import current_actor


def vread(session: Session, ask: Ask) -> Reply:
    """Return the version, when it was current while the caller could see it. Raises NotFound."""
    versions = documents.versions(session, current_actor().organization_id or "", ask.type_name, ask.document_id)
    found = next((one for one in versions if str(one.version) == ask.version), None)
    if found is None:
        raise NotFound(
            f"There is no version {ask.version} of {ask.type_name}/{ask.document_id} that your organisation may see."
        )
    note_shown("vread", found)
    return shown_reply(found)
