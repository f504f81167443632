"""Who may do what: one table, read by a door before it acts.

A client's FHIR rights come from its SMART scopes (`fhir_mapping.resource_types`); this table is for what people,
links, clocks and operators do, and for what a client does to a referral.
"""

from enum import StrEnum
from typing import Final

from exchange.domain.actor import Actor, ActorKind, Role
from exchange.domain.errors import Forbidden


class Permission(StrEnum):
    """A thing that can be permitted; the value completes "You may not …"."""

    READ_REFERRAL = "read this referral"
    SEND_REFERRAL = "send a referral"
    ANSWER_REFERRAL = "answer this referral"
    CANCEL_REFERRAL = "cancel this referral"
    RECORD_FOR_AGENCY = "record an answer for an agency"
    SEE_PHONE_LIST = "see the list of agencies to be phoned"
    SEARCH_DIRECTORY = "search the directory"
    MANAGE_PEOPLE = "manage the people of this organisation"
    MANAGE_WEBHOOKS = "manage webhooks"


ANY_ROLE: Final = frozenset(Role)
COORDINATORS: Final = frozenset({Role.COORDINATOR, Role.ADMINISTRATOR})
ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
NOBODY: Final[frozenset[Role]] = frozenset()

#  permission                       people of these roles   clients  links   clocks and operators
TABLE: Final[dict[Permission, tuple[frozenset[Role], frozenset[ActorKind]]]] = {
    Permission.READ_REFERRAL: (ANY_ROLE, frozenset({ActorKind.CLIENT, ActorKind.LINK, ActorKind.OPERATOR})),
    Permission.SEND_REFERRAL: (ANY_ROLE, frozenset({ActorKind.CLIENT})),
    Permission.ANSWER_REFERRAL: (ANY_ROLE, frozenset({ActorKind.CLIENT, ActorKind.LINK, ActorKind.OPERATOR})),
    Permission.CANCEL_REFERRAL: (ANY_ROLE, frozenset({ActorKind.CLIENT, ActorKind.OPERATOR})),
    Permission.RECORD_FOR_AGENCY: (COORDINATORS, frozenset({ActorKind.OPERATOR})),
    Permission.SEE_PHONE_LIST: (COORDINATORS, frozenset()),
    Permission.SEARCH_DIRECTORY: (ANY_ROLE, frozenset({ActorKind.CLIENT, ActorKind.OPERATOR})),
    Permission.MANAGE_PEOPLE: (ADMINISTRATORS, frozenset({ActorKind.OPERATOR})),
    Permission.MANAGE_WEBHOOKS: (ADMINISTRATORS, frozenset({ActorKind.CLIENT, ActorKind.OPERATOR})),
}


def may(actor: Actor, permission: Permission) -> bool:
    """Return whether the table lets this actor do it, before looking at what it is done to."""
    roles, kinds = TABLE[permission]
    if actor.kind is ActorKind.USER:
        return actor.role in roles
    return actor.kind in kinds


def permit(actor: Actor, permission: Permission) -> None:
    """Raise Forbidden, with a sentence, unless the table lets this actor do it."""
    if not may(actor, permission):
        raise Forbidden(f"You may not {permission.value}: ask an administrator of your organisation.")
