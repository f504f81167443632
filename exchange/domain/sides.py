"""On which side of a referral somebody stands."""

from exchange.domain.actor import Actor, ActorKind
from exchange.domain.errors import Forbidden
from exchange.domain.permissions import Permission, may
from exchange.domain.referral import may_move
from fhir_mapping.case_data.referral import Referral, Side


def sides_of(actor: Actor, referral: Referral) -> tuple[Side, ...]:
    """Return the sides an actor stands on; somebody who records for an agency stands on the agency's."""
    if actor.kind is ActorKind.SYSTEM:
        return (Side.SYSTEM,)
    if actor.source is not None and actor.kind is not ActorKind.LINK:
        return (Side.RECEIVER,) if referral.receiver_id is not None and may(actor, Permission.RECORD_FOR_AGENCY) else ()
    sides = []
    if actor.organization_id == referral.sender_id and actor.kind is not ActorKind.LINK:
        sides.append(Side.SENDER)
    if referral.receiver_id is not None and actor.organization_id == referral.receiver_id:
        sides.append(Side.RECEIVER)
    if (
        referral.receiver_id is None
        and referral.network_id is not None
        and actor.organization_id == referral.network_id
    ):
        sides.append(Side.CANDIDATE)
    return tuple(sides)


def side_for(actor: Actor, referral: Referral, verb: str) -> Side:
    """Return the side on which the actor makes this move. Raises Forbidden when it stands on none.

    Where an organisation stands on both, it is the side that may.
    """
    sides = sides_of(actor, referral)
    if not sides:
        raise Forbidden("Your organisation is no party to this referral.", expression="Task.status")
    return next((side for side in sides if may_move(referral, verb, side)), sides[0])
