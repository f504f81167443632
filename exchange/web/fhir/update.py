"""Update by id, and conditionally by criteria. http://hl7.org/fhir/R4/http.html#update and #cond-update.

There is no update-as-create: an unknown id and an invisible one get the same 404.
"""

from sqlalchemy.orm import Session

from exchange.actions.documents.check_document import CheckedDocument, check_document
from exchange.actions.documents.keep_document import Written
from exchange.actions.documents.update_document import update_by_criteria, update_document
from exchange.domain.errors import Invalid, Malformed
from exchange.web.fhir.asking import Ask, version_asked
from exchange.web.fhir.once import once
from exchange.web.fhir.replying import Reply, written_reply
from exchange.web.fhir.scope import permit_interaction
from exchange.web.fhir.search_wish import OF_THE_FORM
from exchange.web.guard import current_actor
from fhir_mapping.resources.reduced_task import LEFT_OUT, is_reduced


def update(ask: Ask) -> Reply:
    """Keep the next version of a document. Raises NotFound, StaleVersion, PreconditionRequired, Forbidden, Invalid."""
    version = version_asked(ask)
    if ask.resource.get("id") != ask.document_id:
        raise Malformed(
            "The resource must carry the id of the address: set it, and send the resource to its own address.",
            expression=f"{ask.type_name}.id",
        )
    checked = _checked(ask)

    def write(session: Session) -> Reply:
        actor = current_actor()
        return written_reply(
            session, ask, update_document(session, actor, ask.type_name, ask.document_id, checked, if_match=version)
        )

    return once(ask, write)


def _checked(ask: Ask) -> CheckedDocument:
    """Return the document as checked; a Task that we showed without the person may come back without it."""
    try:
        return check_document(ask.resource, expected_type=ask.type_name)
    except Invalid as refusal:
        rest = tuple(one for one in refusal.issues if one.code != "required" or one.expression not in LEFT_OUT)
        if not is_reduced(ask.resource) or rest:
            raise
        return CheckedDocument(ask.resource)


def conditional_update(ask: Ask) -> Reply:
    """Keep the next version of the one own document that matches, or create it when none does."""
    version = version_asked(ask)
    criteria = ask.without(OF_THE_FORM).query
    if not criteria:
        raise Malformed("Say which document: PUT to Type/id, or to Type?identifier=system|value.", code="required")
    permit_interaction(ask.type_name, "search-type")
    checked = check_document(ask.resource, expected_type=ask.type_name)
    return once(ask, lambda session: written_reply(session, ask, _write(session, ask, criteria, checked, version)))


def _write(session: Session, ask: Ask, criteria: str, checked: CheckedDocument, version: int | None) -> Written:
    written = update_by_criteria(session, current_actor(), ask.type_name, criteria, checked, if_match=version)
    if written.is_new:
        permit_interaction(ask.type_name, "create")
    return written
