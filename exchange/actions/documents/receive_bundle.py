"""A transaction Bundle: every entry or none, in one transaction, in the order R4 gives (http.html#trules)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy.orm import Session

from exchange.actions.documents.check_document import check_document
from exchange.actions.documents.create_document import create_document, matching
from exchange.actions.documents.keep_document import Written
from exchange.actions.documents.update_document import update_by_criteria, update_document
from exchange.db import document
from exchange.db.ids import new_id
from exchange.domain.actor import Actor
from exchange.domain.errors import ExchangeError, Invalid, Malformed, Unprocessable
from fhir_mapping.bundle import Entry, processing_order, resolve
from fhir_mapping.references import references_in
from fhir_mapping.resources.task import is_referral_task

T = TypeVar("T")
Permit = Callable[[str, str], None]
_TARGET = re.compile(r"(?P<type>[A-Z][A-Za-z]+)(?:/(?P<id>[A-Za-z0-9\-.]{1,64}))?(?:\?(?P<criteria>.*))?\Z", re.DOTALL)
_ETAG = re.compile(r'(?:W/)?"(\d+)"\Z')


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an entry of the Bundle, at its place."""

    place: int
    written: Written


@dataclass(frozen=True, slots=True)
class _Plan:
    """An entry with its target taken apart, and the id it will have when it is new."""

    entry: Entry
    type: str
    id: str | None
    criteria: str | None
    found: str | None = None


def receive_bundle(session: Session, actor: Actor, entries: Sequence[Entry], *, permit: Permit) -> list[Done]:
    """Carry out the writing entries of a transaction and return what became of each, in the order of their places.

    `permit(type, interaction)` raises Forbidden where the caller's scopes do not reach. Any refusal names its entry and
    leaves nothing behind: the caller's transaction rolls back.
    """
    plans = [
        _in_entry(entry, lambda entry=entry: _plan(session, actor, entry, permit))
        for entry in processing_order(entries)
    ]
    assigned = {plan.entry.full_url: f"{plan.type}/{plan.found or plan.id}" for plan in plans if plan.entry.full_url}
    assigned |= _conditional_references(session, actor, entries, permit)
    resolved = {entry.place: entry for entry in resolve([plan.entry for plan in plans], assigned)}
    also = {(plan.type, plan.id) for plan in plans if plan.id and plan.entry.method == "POST"}
    done = []
    for plan in sorted(plans, key=_referrals_last):
        ready = replace(plan, entry=resolved[plan.entry.place])
        done.append(_in_entry(plan.entry, lambda ready=ready: _carry_out(session, actor, ready, also)))
    return sorted(done, key=lambda one: one.place)


def _referrals_last(plan: _Plan) -> tuple[int, int]:
    """A referral needs its documents stored before it: POSTs first, referral Tasks behind them, then PUTs."""
    is_referral = plan.entry.resource is not None and is_referral_task(plan.entry.resource)
    return (plan.entry.method != "POST") + is_referral, plan.entry.place


def _plan(session: Session, actor: Actor, entry: Entry, permit: Permit) -> _Plan:
    target = _TARGET.match(entry.url)
    if target is None:
        raise Malformed("The address of this entry must be Type, Type/id or Type?condition.", expression="request.url")
    type_name, document_id, criteria = target["type"], target["id"], target["criteria"]
    if entry.method == "POST":
        permit(type_name, "create")
        if document_id or criteria:
            raise Malformed("A POST goes to a type: put a condition into ifNoneExist.", expression="request.url")
        if entry.if_none_exist is not None:
            permit(type_name, "search-type")
            return _Plan(entry, type_name, new_id(), None, matching(session, actor, type_name, entry.if_none_exist))
        return _Plan(entry, type_name, new_id(), None)
    if entry.method != "PUT":
        raise Unprocessable(
            f"A {entry.method} is not possible inside a transaction here.",
            expression="request.method",
            code="not-supported",
        )
    permit(type_name, "update")
    if criteria is not None:
        permit(type_name, "search-type")
        found = matching(session, actor, type_name, criteria)
        if found is None:
            permit(type_name, "create")
        return _Plan(entry, type_name, found or new_id(), criteria, found)
    if document_id is None:
        raise Malformed("A PUT needs the id of the document, or a condition.", expression="request.url")
    return _Plan(entry, type_name, document_id, None, document_id)


def _carry_out(session: Session, actor: Actor, plan: _Plan, also: set[tuple[str, str]]) -> Done:
    entry = plan.entry
    if entry.method == "POST" and plan.found is not None:
        kept = document.read(session, plan.type, plan.found, viewer_id=actor.organization_id or "")
        assert kept is not None
        return Done(entry.place, Written(kept, is_new=False, is_written=False))
    checked = check_document(entry.resource, expected_type=plan.type)
    if entry.method == "POST":
        return Done(
            entry.place, create_document(session, actor, checked, document_id=plan.id, also=also, in_bundle=True)
        )
    if_match = _version(entry.if_match)
    if plan.criteria is not None and plan.found is None:
        return Done(entry.place, create_document(session, actor, checked, document_id=plan.id, also=also))
    if plan.criteria is not None:
        return Done(
            entry.place, update_by_criteria(session, actor, plan.type, plan.criteria, checked, if_match=if_match)
        )
    assert plan.id is not None
    return Done(entry.place, update_document(session, actor, plan.type, plan.id, checked, if_match=if_match))


def _version(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    found = _ETAG.match(if_match)
    if found is None:
        raise Malformed('ifMatch must be an ETag, such as W/"3".', expression="request.ifMatch")
    return int(found[1])


def _conditional_references(session: Session, actor: Actor, entries: Sequence[Entry], permit: Permit) -> dict[str, str]:
    """Return what the conditional references of a transaction (`Patient?identifier=…`) stand for."""
    found: dict[str, str] = {}
    for entry in entries:
        for path, text in references_in(entry.resource) if entry.resource else ():
            target = _TARGET.match(text)
            if target is None or target["criteria"] is None or text in found:
                continue
            permit(target["type"], "search-type")
            one = matching(session, actor, target["type"], target["criteria"])
            if one is None:
                raise Unprocessable(
                    "This condition matches no document of your organisation: send the document in the Bundle.",
                    expression=path,
                    code="not-found",
                )
            found[text] = f"{target['type']}/{one}"
    return found


def _in_entry(entry: Entry, act: Callable[[], T]) -> T:
    """Run one step of an entry; a refusal says in which entry it lies."""
    try:
        return act()
    except ExchangeError as refusal:
        refusal.expression = (
            f"{entry.expression}.{_below(refusal.expression)}" if refusal.expression else entry.expression
        )
        if isinstance(refusal, Invalid):
            refusal.issues = tuple(
                replace(issue, expression=f"{entry.expression}.{_below(issue.expression or 'resource')}")
                for issue in refusal.issues
            )
        raise


def _below(expression: str) -> str:
    """Return where in an entry something lies: in its request as it is, else in its resource."""
    if expression.startswith(("request", "resource")):
        return expression
    return f"resource.{expression.partition('.')[2]}".rstrip(".")
