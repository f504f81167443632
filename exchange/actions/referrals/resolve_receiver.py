"""Who gets it: Task.owner, else ServiceRequest.performer, else the routing queue of the sender's home network.

A receiver is named by id, by an identifier, or as an Organization document of the sender's own; it is matched by
identifier and never by name (ARCHITECTURE §4).
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from directory import lookup
from exchange.actions.directory.find_organization import OrganizationFacts, find_organization
from exchange.actions.directory.match_identifier import match_identifier
from exchange.actions.documents.body_of import body_of
from exchange.db import document
from exchange.db.session import fhir_base
from exchange.domain.errors import Unprocessable
from fhir_mapping.datatypes import Ref, identifiers_of, ref_of
from fhir_mapping.references import local_reference

NOT_RECEIVERS: Final = frozenset({"Practitioner", "CareTeam", "Patient", "Device", "RelatedPerson"})


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who receives a referral; `facts` is None when it is open, and `network_id` says whose queue it waits in."""

    facts: OrganizationFacts | None
    network_id: str | None = None


def resolve_receiver(
    session: Session, sender: OrganizationFacts, owner: Ref | None, performers: tuple[Ref, ...]
) -> Receiver:
    """Return who receives it. Raises Unprocessable naming the element that cannot be resolved."""
    named = (
        [(owner, "Task.owner")]
        if owner
        else [(ref, f"ServiceRequest.performer[{n}]") for n, ref in enumerate(performers)]
    )
    found: dict[str, OrganizationFacts] = {}
    for ref, path in named:
        facts = organization_named(session, sender.id, ref, path)
        found[facts.id] = facts
    if len(found) > 1:
        raise Unprocessable(
            "The ServiceRequest names several performers: say in Task.owner which one receives this referral.",
            expression="Task.owner",
            code="required",
        )
    if found:
        return Receiver(next(iter(found.values())), sender.network_id)
    if sender.network_id is None:
        raise Unprocessable(
            "Nobody is named to receive this referral and your organisation has no network: name one in Task.owner.",
            expression="Task.owner",
            code="required",
        )
    return Receiver(None, sender.network_id)


def organization_named(session: Session, reader_id: str, ref: Ref, path: str) -> OrganizationFacts:
    """Return the organisation that a reference names. Raises Unprocessable when it is none, or one that has left."""
    found = _by_reference(session, reader_id, ref, path) if ref.reference else _by_identifier(session, ref, path)
    facts = find_organization(session, found) if found else None
    if facts is None or facts.is_gone:
        raise Unprocessable(
            "This reference names no organisation of the exchange or its directory: search the directory for its id.",
            expression=path,
            code="not-found",
        )
    return facts


def _by_identifier(session: Session, ref: Ref, path: str) -> str | None:
    return match_identifier(session, [(ref.system or "", ref.value)], path) if ref.value else None


def _by_reference(session: Session, reader_id: str, ref: Ref, path: str) -> str | None:
    local = local_reference(ref.reference or "", fhir_base(session))
    if local is None:
        return _by_identifier(session, ref, path)
    kind, document_id = local
    if kind in NOT_RECEIVERS:
        raise Unprocessable(
            f"A {kind} cannot receive a referral: name an Organization, HealthcareService or PractitionerRole.",
            expression=path,
            code="value",
        )
    if kind == "HealthcareService":
        listing = lookup.service(session, document_id)
        return listing.record.organization_id if listing else None
    own = document.read(session, kind, document_id, viewer_id=reader_id)
    if own is None:
        return document_id if kind == "Organization" else None
    body = body_of(session, own)
    if kind == "Organization":
        pairs = [(token.system, token.value) for token in identifiers_of(body)]
        return match_identifier(session, pairs, path)
    if kind == "PractitionerRole":
        employer = ref_of(body.get("organization"))
        return organization_named(session, reader_id, employer, path).id if employer else None
    return None
