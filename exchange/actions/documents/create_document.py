"""Keep a new document, or find the one that a conditional create names. A referral Task is sent, not only kept."""

from collections.abc import Set
from urllib.parse import parse_qsl

from sqlalchemy.orm import Session

from exchange.actions.documents.check_document import CheckedDocument
from exchange.actions.documents.keep_document import Written, keep_document
from exchange.actions.documents.read_criteria import read_criteria
from exchange.actions.documents.release_result import release_result
from exchange.actions.referrals.send_referral import send_referral
from exchange.db import document, search
from exchange.db.session import fhir_base
from exchange.domain.actor import Actor
from exchange.domain.errors import Malformed, StaleVersion, Unprocessable
from exchange.domain.patient_task import BIRTH
from fhir_mapping.json_text import Json
from fhir_mapping.resource_types import RESOURCE_TYPES
from fhir_mapping.resources.task import is_referral_task


def create_document(
    session: Session, actor: Actor, checked: CheckedDocument, *, if_none_exist: str | None = None,
    document_id: str | None = None, also: Set[tuple[str, str]] = frozenset(), in_bundle: bool = False,
) -> Written:  # fmt: skip
    """Keep a document as version 1 and return it; with `if_none_exist`, the one already there.

    Raises Malformed for an unknown criterion, StaleVersion when several documents match, Unprocessable.
    """
    type_name = str(checked.document["resourceType"])
    kind = RESOURCE_TYPES.get(type_name)
    if kind is None or not (kind.writable or (in_bundle and kind.stored_in_bundle)):
        raise Unprocessable(f"A {type_name} cannot be created here.", expression=type_name, code="not-supported")
    if if_none_exist is not None:
        found = matching(session, actor, type_name, if_none_exist)
        if found is not None:
            existing = document.read(session, type_name, found, viewer_id=actor.organization_id or "")
            assert existing is not None
            return Written(existing, is_new=False, is_written=False)
    if is_referral_task(checked.document):
        sent = send_referral(session, actor, checked, task_id=document_id, also=also)
        return Written(sent.document, is_new=True, issues=sent.issues)
    if type_name == "Task":
        _refuse_late_birth(checked.document)
    kept = keep_document(session, actor, checked.document, document_id=document_id, also=also)
    release_result(session, actor, kept, checked.document)
    return Written(kept, is_new=True, issues=checked.issues)


def matching(session: Session, actor: Actor, type_name: str, criteria: str) -> str | None:
    """Return the id of the one document of the caller's own organisation that matches, None for none.

    The writing transaction serialises this with the create that follows. Raises Malformed, StaleVersion.
    """
    pairs = parse_qsl(criteria.partition("?")[2] or criteria, keep_blank_values=True)
    read = read_criteria(type_name, pairs, fhir_base=fhir_base(session))
    if read.unknown or not read.criteria:
        named = ", ".join(read.unknown) or "nothing"
        raise Malformed(
            f"A condition must name known search parameters of {type_name}; this one names {named}.",
            expression="If-None-Exist",
        )
    found = search.matching_own(session, type_name, read.criteria, author_id=actor.organization_id or "")
    if len(found) > 1:
        raise StaleVersion(
            "Several documents match this condition: use one that matches a single document.", code="multiple-matches"
        )
    return found[0] if found else None


def _refuse_late_birth(task: Json) -> None:
    if task.get("status") not in BIRTH:
        raise Unprocessable(
            "A new Task for the patient is `draft`, `requested` or `ready`: create it so, then move it.",
            expression="Task.status",
            code="business-rule",
        )
