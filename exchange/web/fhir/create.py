"""Create, also conditionally (`If-None-Exist`). http://hl7.org/fhir/R4/http.html#create and #ccreate."""

from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.create_document import create_document
from exchange.web.fhir.asking import Ask
from exchange.web.fhir.once import once
from exchange.web.fhir.replying import Reply, written_reply
from exchange.web.fhir.scope import permit_interaction
from exchange.web.guard import current_actor


def create(ask: Ask) -> Reply:
    """Keep a new document, or find the one that the condition names. Raises Invalid, StaleVersion, Unprocessable."""
    condition = ask.headers.get("If-None-Exist")
    if condition is not None:
        permit_interaction(ask.type_name, "search-type")
    checked = check_document(ask.resource, expected_type=ask.type_name)
    return once(
        ask,
        lambda session: written_reply(
            session, ask, create_document(session, current_actor(), checked, if_none_exist=condition)
        ),
    )
