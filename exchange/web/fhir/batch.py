"""Batch: each entry for itself, in its own transaction, with its own answer. http://hl7.org/fhir/R4/http.html#transaction."""

import logging
from http import HTTPStatus

from flask import g
from werkzeug.exceptions import HTTPException

from exchange.db.audit import AuditEntry
from exchange.domain.errors import ExchangeError
from exchange.web.fhir.asking import Ask, Wishes
from exchange.web.fhir.entries import interaction_of, read_entries
from exchange.web.fhir.interactions import carry_out
from exchange.web.fhir.once import once_apart
from exchange.web.fhir.refusals import failure, issues_of, request_issues, status_of
from exchange.web.fhir.replying import Reply, answer_of
from exchange.web.guard import current_actor
from exchange.web.transaction import database
from fhir_mapping.bundle import Answer, Entry, batch_response, operation_outcome, processing_order
from fhir_mapping.json_text import dump
from fhir_mapping.mapped import Issue

log = logging.getLogger("exchange.web")


def batch(ask: Ask) -> Reply:
    """Carry out the entries in the order R4 gives, and answer them in their own. Raises Malformed for the Bundle."""
    entries = read_entries(ask.resource)

    def act() -> Reply:
        answers = {entry.place: _answer(entry, ask.wishes) for entry in processing_order(entries)}
        return Reply(200, dump(batch_response(answers[place] for place in sorted(answers))))

    return once_apart(ask, act)


def _answer(entry: Entry, wishes: Wishes) -> Answer:
    try:
        interaction, ask = interaction_of(entry, wishes)
        return answer_of(carry_out(interaction, ask))
    except ExchangeError as refusal:
        return _refused(entry, status_of(refusal)[0], issues_of(refusal))
    except HTTPException as refusal:
        return _refused(entry, refusal.code or 500, request_issues(refusal))
    except Exception:
        #  what was done for the other entries stands, so the batch is answered all the same
        log.exception("an entry of a batch failed", extra={"request_id": g.get("request_id")})
        return _refused(entry, 500, (failure(),))


def _refused(entry: Entry, status: int, issues: tuple[Issue, ...]) -> Answer:
    _note_refusal(entry, status)
    return Answer(f"{status} {HTTPStatus(status).phrase}", outcome=operation_outcome(issues))


def _note_refusal(entry: Entry, status: int) -> None:
    """The batch as a whole is answered 200, so a refused entry is noted for the audit here."""
    actor = current_actor()
    g.setdefault("audit", []).append(
        AuditEntry(
            at=database().clock(), action="R" if entry.method in ("GET", "HEAD") else "U", interaction=entry.method,
            outcome="4" if status < 500 else "8", status=status, actor_kind=actor.kind.value, actor_name=actor.name,
            organization_id=actor.organization_id, actor_id=actor.id, address=actor.address,
            request_id=actor.request_id,
        )
    )  # fmt: skip
