"""Joining: an organisation gets people and clients here, under the id that the directory already lists it by."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from directory import lookup
from exchange.db import audit
from exchange.db.ids import new_id
from exchange.db.organization import OrganizationIdentifierRow, OrganizationRow, member
from exchange.db.session import now
from exchange.domain.actor import Actor, OrganizationKind
from exchange.domain.errors import Conflict, NotFound, Unprocessable


@dataclass(frozen=True, slots=True)
class Joining:
    """What is said of an organisation that joins."""

    name: str
    kind: str
    email: str | None = None
    phone: str | None = None
    directory_id: str | None = None
    network_id: str | None = None
    consent_rule: str = "attested"
    time_zone: str = "America/Chicago"
    identifiers: tuple[tuple[str, str], ...] = field(default=())


def add_organization(session: Session, actor: Actor, joining: Joining) -> str:
    """Let an organisation join and return its id. Raises NotFound, Conflict, Unprocessable with a sentence."""
    _check(session, joining)
    organization_id = joining.directory_id or new_id()
    session.add(
        OrganizationRow(
            id=organization_id,
            name=joining.name.strip(),
            kind=OrganizationKind(joining.kind),
            email=joining.email,
            phone=joining.phone,
            network_id=joining.network_id,
            consent_rule=joining.consent_rule,
            time_zone=joining.time_zone,
            joined_at=now(session),
        )
    )
    session.flush()
    for system, value in joining.identifiers:
        session.add(OrganizationIdentifierRow(organization_id=organization_id, system=system, value=value))
    audit.write(
        session,
        [
            audit.AuditEntry(
                at=now(session), action="C", interaction="join", outcome="0", actor_kind=actor.kind.value,
                actor_name=actor.name, organization_id=actor.organization_id, type="Organization",
                document_id=organization_id, author_id=organization_id, purpose=actor.purpose,
            )
        ],
    )  # fmt: skip
    return organization_id


def _check(session: Session, joining: Joining) -> None:
    if not joining.name.strip():
        raise Unprocessable("Give the organisation a name.", expression="name")
    try:
        ZoneInfo(joining.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Unprocessable(
            f"{joining.time_zone} is no time zone: try America/New_York.", expression="time-zone"
        ) from None
    if joining.email is not None and "@" not in joining.email:
        raise Unprocessable("This is no e-mail address.", expression="email")
    if joining.network_id is not None:
        network = member(session, joining.network_id)
        if network is None or network.kind is not OrganizationKind.NETWORK:
            raise NotFound("There is no network of this id: see `exchange organization list`.")
    if joining.directory_id is not None:
        if lookup.organization(session, joining.directory_id) is None:
            raise NotFound("The directory lists no organisation under this id: see `exchange directory search`.")
        if member(session, joining.directory_id) is not None:
            raise Conflict("This organisation has joined already.")
