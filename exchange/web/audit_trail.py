"""Reads and refusals are audited by the mechanism, not by memory: a door notes what was read, the answer waits for it.

A write's audit row is in its own transaction (`exchange/actions`). A refused request is audited in one of its own.
Directory, metadata and health reads are counted, not audited.
"""

from flask import Flask, Response, current_app, g, request

from exchange.db.audit import AuditEntry
from exchange.domain.errors import ExchangeError
from exchange.web.guard import Access, Who
from exchange.web.transaction import database, end_reading

REFUSED_FROM = 400
UNAVAILABLE = 503
INTERACTIONS = {"GET": "read", "HEAD": "read", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def note_read(
    interaction: str,
    *,
    type_name: str | None = None,
    document_id: str | None = None,
    version: int | None = None,
    author_id: str | None = None,
    patient_id: str | None = None,
    referral_id: str | None = None,
    query: str | None = None,
) -> None:
    """Note that the current caller read something; the row is committed before the answer goes out."""
    actor = g.actor
    g.setdefault("audit", []).append(
        AuditEntry(
            at=database().clock(), action="E" if interaction.startswith("search") else "R", interaction=interaction,
            outcome="0", status=200, actor_kind=actor.kind.value, actor_name=actor.name,
            organization_id=actor.organization_id, actor_id=actor.id, type=type_name, document_id=document_id,
            version=version, author_id=author_id, patient_id=patient_id, referral_id=referral_id, query=query,
            source=actor.source, address=actor.address, request_id=actor.request_id,
        )
    )  # fmt: skip


def keep_audit_trail(app: Flask) -> None:
    """Write what was noted, and every refusal of a guarded view, when a request ends."""

    @app.after_request
    def keep(response: Response) -> Response:
        entries = _refusal(response) if response.status_code >= REFUSED_FROM else g.get("audit", [])
        #  while the answer waits for its audit row, somebody else may read
        end_reading()
        if not entries:
            return response
        #  who is told that the store does not answer need not wait until it does not answer the audit either
        wait = response.status_code != UNAVAILABLE
        try:
            current_app.extensions["exchange_audit"].keep(*entries, wait=wait)
        except ExchangeError as failure:
            #  what could not be audited is not shown: the door words the refusal
            return current_app.make_response(current_app.handle_user_exception(failure))
        return response


def _refusal(response: Response) -> list[AuditEntry]:
    view = current_app.view_functions.get(request.endpoint or "")
    mark: Access | None = getattr(view, "access", None)
    if mark is None or mark.who is Who.PUBLIC:
        return []
    actor, arguments = g.get("actor"), request.view_args or {}
    return [
        AuditEntry(
            at=database().clock(), action="R" if request.method in ("GET", "HEAD") else "U",
            interaction=INTERACTIONS.get(request.method, "operation"),
            outcome="4" if response.status_code < 500 else "8", status=response.status_code,
            actor_kind=actor.kind.value if actor else "unknown", actor_name=actor.name if actor else "unknown",
            organization_id=actor.organization_id if actor else None, actor_id=actor.id if actor else None,
            type=str(arguments.get("type_name", ""))[:40] or None,
            document_id=str(arguments.get("document_id", ""))[:64] or None,
            referral_id=str(arguments["referral_id"]) if "referral_id" in arguments else None,
            address=request.remote_addr, request_id=g.get("request_id"),
        )
    ]  # fmt: skip
