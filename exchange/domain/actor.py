"""Who acts: an organisation plus a user or a client, with scopes; or a link, a clock, the operator."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """In whose name something is done."""

    CLIENT = "client"
    USER = "user"
    LINK = "link"
    SYSTEM = "system"
    OPERATOR = "operator"


class Role(StrEnum):
    """What a person is in an organisation; each role may all that the one before it may."""

    CASE_WORKER = "case_worker"
    COORDINATOR = "coordinator"
    ADMINISTRATOR = "administrator"


class OrganizationKind(StrEnum):
    """What an organisation is to the exchange."""

    HOSPITAL = "hospital"
    AGENCY = "agency"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Actor:
    """`organization_id` is empty only for the system and for an operator who acts for nobody.

    `referral_id` is set for a link: it opens one referral and no other. `source` says how an answer reached
    somebody who recorded it for an agency ("phone", "paper"); `purpose` is the reason an operator gave.
    """

    kind: ActorKind
    organization_id: str | None = None
    id: str | None = None
    name: str = ""
    scopes: frozenset[str] = frozenset()
    role: Role | None = None
    organization_kind: OrganizationKind | None = None
    network_id: str | None = None
    referral_id: str | None = None
    source: str | None = None
    purpose: str | None = None
    request_id: str | None = None
    address: str | None = None


SYSTEM = Actor(ActorKind.SYSTEM, name="the exchange")
