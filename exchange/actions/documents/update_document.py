"""Keep the next version of a document that the caller's organisation wrote, or move a referral by its Task."""

from sqlalchemy.orm import Session

from exchange.actions.documents.body_of import body_of
from exchange.actions.documents.check_document import CheckedDocument
from exchange.actions.documents.create_document import create_document, matching
from exchange.actions.documents.keep_document import Written, keep_document
from exchange.actions.documents.release_result import release_result
from exchange.actions.referrals.change_task import change_task
from exchange.actions.referrals.reconsider_release import reconsider_release
from exchange.db import document
from exchange.db.document import Document
from exchange.domain.actor import Actor
from exchange.domain.errors import Forbidden, Malformed, NotFound, PreconditionRequired, StaleVersion, Unprocessable
from exchange.domain.patient_task import check_move
from fhir_mapping.json_text import Json
from fhir_mapping.resources.reduced_task import task_without_person
from fhir_mapping.resources.task import changed_elements, is_referral_task


def update_document(
    session: Session,
    actor: Actor,
    type_name: str,
    document_id: str,
    checked: CheckedDocument,
    *,
    if_match: int | None = None,
) -> Written:
    """Keep the next version and return it. `if_match` is the version the caller has read.

    Raises NotFound in one and the same way for an unknown and an invisible id, StaleVersion, PreconditionRequired for
    a Task without precondition, Forbidden for somebody else's document.
    """
    said = checked.document.get("id")
    if said is not None and said != document_id:
        raise Malformed(
            "The id in the resource is not the id in the address: make them the same.", expression=f"{type_name}.id"
        )
    before = document.read(session, type_name, document_id, viewer_id=actor.organization_id or "")
    if before is None or (before.is_reduced and type_name != "Task"):
        raise NotFound(f"{type_name}/{document_id} does not exist, or your organisation may not see it.")
    _hold_precondition(before, _version_read(checked.document, type_name) if if_match is None else if_match, type_name)
    old = body_of(session, before)
    if type_name == "Task" and is_referral_task(old):
        if before.is_reduced:
            checked = _whole(old, checked)
        changed = change_task(session, actor, document_id, checked)
        is_written = changed.document.version != before.version
        return Written(changed.document, is_new=False, issues=changed.issues, is_written=is_written)
    return _own_document(session, actor, before, old, checked)


def update_by_criteria(
    session: Session,
    actor: Actor,
    type_name: str,
    criteria: str,
    checked: CheckedDocument,
    *,
    if_match: int | None = None,
) -> Written:
    """Update the one document of the caller's own that matches, or create it when none does (R4 §3.1.0.4.3)."""
    found = matching(session, actor, type_name, criteria)
    if found is None:
        if checked.document.get("id") is not None:
            raise Unprocessable("Ids are given here: leave the id out.", expression=f"{type_name}.id", code="value")
        return create_document(session, actor, checked)
    said = checked.document.get("id")
    if said is not None and said != found:
        raise Malformed(
            "The id in the resource is not that of the document that matches.", expression=f"{type_name}.id"
        )
    return update_document(session, actor, type_name, found, checked, if_match=if_match)


def _whole(old: Json, checked: CheckedDocument) -> CheckedDocument:
    """Return a Task that came back in its reduced form as a whole: what the writer was not shown stays as it stands."""
    changes = changed_elements(task_without_person(old), checked.document)
    said = {name: becomes for name, (_was, becomes) in changes.items() if becomes is not None}
    meta = {name: checked.document[name] for name in ("id", "meta") if name in checked.document}
    return CheckedDocument(old | said | meta, checked.issues)


def _version_read(body: Json, type_name: str) -> int | None:
    """Return the version in `meta.versionId`: the precondition of common clients, which send no If-Match."""
    version = body.get("meta", {}).get("versionId") if type_name == "Task" else None
    return int(version) if isinstance(version, str) and version.isdigit() else None


def _hold_precondition(before: Document, version: int | None, type_name: str) -> None:
    if version is None and type_name == "Task":
        raise PreconditionRequired(
            "Say which version of the Task you have read: send If-Match with its ETag, or its meta.versionId.",
            expression="Task.meta.versionId",
        )
    if version is not None and version != before.version:
        raise StaleVersion(
            f"{type_name}/{before.id} is now at version {before.version}: read it again and decide anew.",
            code="conflict",
        )


def _own_document(session: Session, actor: Actor, before: Document, old: Json, checked: CheckedDocument) -> Written:
    body = checked.document
    if before.author_id != actor.organization_id:
        raise Forbidden(f"{before.type}/{before.id} was written by another organisation: only that one may change it.")
    if before.type == "Task":
        if is_referral_task(body):
            raise Unprocessable(
                "A Task cannot become a referral: send a new one.", expression="Task.code", code="business-rule"
            )
        check_move(str(old.get("status")), str(body.get("status")))
    if not changed_elements(old, body) and old.get("text") == body.get("text") and _tags(old) == _tags(body):
        return Written(before, is_new=False, issues=checked.issues, is_written=False)
    kept = keep_document(session, actor, body, before=before, checked_before=old)
    release_result(session, actor, kept, body)
    if kept.type in ("ServiceRequest", "Consent"):
        reconsider_release(session, actor, kept, body)
    return Written(kept, is_new=False, issues=checked.issues)


def _tags(body: Json) -> object:
    meta = body.get("meta")
    return (
        {name: meta[name] for name in ("profile", "security", "tag") if name in meta} if isinstance(meta, dict) else {}
    )
