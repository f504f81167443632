"""One id space: an organisation is a member, or listed in the directory, or both; the member's own facts come first."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from directory import lookup
from exchange.db.standing import standing
from exchange.domain.actor import OrganizationKind


@dataclass(frozen=True, slots=True)
class OrganizationFacts:
    """What the exchange needs to know of an organisation to send to it, tell it and show it."""

    id: str
    name: str
    email: str | None
    phone: str | None
    kind: OrganizationKind
    is_member: bool
    has_people: bool
    has_clients: bool
    time_zone: str
    network_id: str | None = None
    closed_days: tuple[str, ...] = ()
    consent_rule: str = "attested"
    is_gone: bool = False

    @property
    def can_be_told(self) -> bool:
        """Whether a referral reaches it without a phone call: by mail, in the portal, or by its own program."""
        return bool(self.email) or self.has_people or self.has_clients


def find_organization(session: Session, organization_id: str) -> OrganizationFacts | None:
    """Return what is known of an organisation, or None when it is neither a member nor listed.

    A transaction asks once: a referral names the same two again and again.
    """
    known: dict[str, OrganizationFacts | None] = session.info.setdefault("organizations", {})
    if organization_id not in known:
        known[organization_id] = _facts(session, organization_id)
    return known[organization_id]


def _facts(session: Session, organization_id: str) -> OrganizationFacts | None:
    row = standing(session, organization_id)
    if row is not None and row.email and row.phone:
        return _member(row, row.email, row.phone)
    listing = lookup.organization(session, organization_id)
    listed = listing.record if listing else None
    phone = next((one.number for one in listed.phones), None) if listed else None
    email = listed.email if listed else None
    if row is not None:
        return _member(row, row.email or email, row.phone or phone)
    if listing is None or listed is None:
        return None
    if email is None or phone is None:
        offered = lookup.services_of(session, organization_id)
        email = email or next((one.email for one in offered if one.email), None)
        phone = phone or next((number.number for one in offered for number in one.phones), None)
    return OrganizationFacts(
        organization_id, listed.name, email, phone, OrganizationKind.AGENCY, False, False, False, "America/Chicago",
        is_gone=listing.is_gone,
    )  # fmt: skip


def _member(row: Any, email: str | None, phone: str | None) -> OrganizationFacts:
    return OrganizationFacts(
        row.id, row.name, email, phone, row.kind, True, bool(row.has_people), bool(row.has_clients), row.time_zone,
        row.network_id, tuple(row.closed_days), row.consent_rule,
    )  # fmt: skip


def is_listed(session: Session, type_name: str, document_id: str) -> bool:
    """Return whether an Organization, HealthcareService or Location is one everybody may see."""
    match type_name:
        case "Organization":
            return find_organization(session, document_id) is not None
        case "HealthcareService":
            return lookup.service(session, document_id) is not None
        case "Location":
            return lookup.location(session, document_id) is not None
    return False
