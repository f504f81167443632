"""Tasks that are not referrals (for the patient): plain documents with a small table of moves of their own.

Source: SDOHCC 3.0.0, SDOHCC-TaskForPatient, Patient Task State Diagram.
"""

from typing import Final

from exchange.domain.errors import Unprocessable

BIRTH: Final = frozenset({"draft", "requested", "ready", "in-progress", "completed"})
_WORK: Final = frozenset({"in-progress", "on-hold", "completed", "failed", "cancelled", "entered-in-error"})
MOVES: Final[dict[str, frozenset[str]]] = {
    "draft": frozenset({"requested", "ready", "cancelled", "entered-in-error"}),
    "requested": _WORK | {"ready", "received", "accepted", "rejected"},
    "received": _WORK | {"ready", "accepted", "rejected"},
    "accepted": _WORK | {"ready"},
    "ready": _WORK,
    "in-progress": _WORK - {"in-progress"},
    "on-hold": _WORK - {"on-hold"},
    "completed": frozenset({"entered-in-error"}),
    "failed": frozenset({"entered-in-error"}),
    "cancelled": frozenset({"entered-in-error"}),
    "rejected": frozenset({"entered-in-error"}),
    "entered-in-error": frozenset(),
}


def check_move(before: str, after: str) -> None:
    """Raise Unprocessable unless a Task for the patient may go from one status to the other."""
    if before != after and after not in MOVES.get(before, frozenset()):
        raise Unprocessable(
            f"A Task that is {before} cannot become {after}: read its current status and choose a possible move.",
            expression="Task.status",
            code="business-rule",
        )
