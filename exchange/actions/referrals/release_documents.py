"""What a referral releases: only what its sender wrote, only about its person, reached by a fixed list of references.

Putting somebody else's id into a Task must not leak it (ARCHITECTURE §3).
"""

from sqlalchemy.orm import Session

from exchange.actions.documents.body_of import body_of
from exchange.actions.documents.keep_document import patient_of
from exchange.db import document, release
from exchange.db.session import now
from exchange.domain.errors import Unprocessable
from fhir_mapping.case_data.referral import Referral
from fhir_mapping.json_text import Json
from fhir_mapping.references import released_references
from fhir_mapping.resources.task import task_to_referral


def release_documents(session: Session, referral: Referral, task: Json) -> None:
    """Release a referral to its receiver, or its preview to the network whose queue it waits in."""
    at = now(session)
    hot = _hot(task)
    if referral.receiver_id is None:
        if referral.network_id is not None:
            release.release(session, [referral.id], referral.network_id, referral.id, at, hot=hot, reduced=True)
        return
    ids = [referral.id, *reached(session, task, author_id=referral.sender_id, patient_id=referral.patient_id)]
    release.release(session, ids, referral.receiver_id, referral.id, at, consent_id=referral.consent_id, hot=hot)


def release_results(session: Session, referral: Referral, task: Json, before: Json) -> None:
    """Release to the sender what its receiver wrote and named as output, now or earlier.

    `before` is the Task before the receiver wrote: what stood there as output and is not released by this referral was
    named by the sender, and a sender cannot release the receiver's documents to itself.
    Raises Unprocessable for an output about somebody else: it would never reach the sender, and nobody would know.
    """
    outputs, stood = _outputs(task), {text for _path, text in _outputs(before)}
    if referral.receiver_id is None or not outputs:
        return
    ids = [text.partition("/")[2] for _path, text in outputs]
    told = release.released(session, ids, referral.sender_id, referral.id)
    outputs = [(path, text) for path, text in outputs if text not in stood or text.partition("/")[2] in told]
    named: Json = {
        "resourceType": "Task", "output": [{"valueReference": {"reference": text}} for _path, text in outputs]
    }  # fmt: skip
    results = reached(session, named, author_id=referral.receiver_id, patient_id=referral.patient_id)
    release.release(session, results, referral.sender_id, referral.id, now(session))
    for path, text in outputs:
        kind, _, document_id = text.partition("/")
        if document_id in results:
            continue
        stored = document.stored(session, kind, document_id)
        if stored is not None and stored.author_id == referral.receiver_id != referral.sender_id:
            raise Unprocessable(
                f"This {kind} is not about the person of the referral, so the sender could not read it: "
                "write it for the Patient that Task.for names.",
                expression=path,
                code="business-rule",
            )


def _outputs(task: Json) -> list[tuple[str, str]]:
    return [(path, text) for path, text in released_references(task) if path.startswith("Task.output")]


def reached(session: Session, start: Json, *, author_id: str, patient_id: str) -> list[str]:
    """Return ids of the documents reached from a Task that this organisation wrote about this person, or nobody."""
    found: dict[str, None] = {}
    waiting = [start]
    while waiting:
        for _path, text in released_references(waiting.pop()):
            kind, _, document_id = text.partition("/")
            stored = document.stored(session, kind, document_id.partition("/")[0])
            if stored is None or stored.author_id != author_id or stored.id in found:
                continue
            body = body_of(session, stored)
            if patient_of(body) not in (None, patient_id):
                continue
            found[stored.id] = None
            waiting.append(body)
    return list(found)


def _hot(task: Json) -> dict[str, str]:
    content = task_to_referral(task).value
    owner = content.owner.reference if content.owner else None
    requester = content.requester.reference if content.requester else None
    found = {"status": content.status, "owner": owner, "requester": requester}
    return {name: value for name, value in found.items() if value}
