"""What the contract says of a referral, in plain dictionaries: written from ARCHITECTURE §3 and §4, not from the code.

The state machine of `test_loop.py` keeps one dictionary per referral and asks here what must happen before it acts.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from exchange.domain.errors import ExchangeError, Forbidden, IllegalTransition, NotFound, Unprocessable

One = dict[str, Any]
READS_ON: Final = timedelta(days=90)
#  status → verb → the status it leads to, and which sides may (ARCHITECTURE §4)
DIAGRAM: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "draft": {"send": ("requested", "sender")},
    "requested": {
        "accept": ("accepted", "receiver"), "claim": ("accepted", "candidate"), "reject": ("rejected", "receiver"),
        "cancel": ("cancelled", "sender receiver"),
    },
    "accepted": {
        "start": ("in-progress", "receiver"), "hold": ("on-hold", "receiver"), "complete": ("completed", "receiver"),
        "fail": ("failed", "receiver"), "cancel": ("cancelled", "sender receiver"),
    },
    "in-progress": {
        "hold": ("on-hold", "receiver"), "complete": ("completed", "receiver"), "fail": ("failed", "receiver"),
        "cancel": ("cancelled", "sender receiver"),
    },
    "on-hold": {
        "resume": ("in-progress", "receiver"), "complete": ("completed", "receiver"), "fail": ("failed", "receiver"),
        "cancel": ("cancelled", "sender receiver"),
    },
    "rejected": {}, "completed": {}, "failed": {}, "cancelled": {}, "entered-in-error": {},
}  # fmt: skip
for _status, _moves in DIAGRAM.items():
    if _status != "entered-in-error":
        _moves["retract"] = ("entered-in-error", "sender")
VERBS: Final = ("send", "accept", "claim", "reject", "start", "hold", "resume", "complete", "fail", "cancel", "retract")
OPEN: Final = frozenset({"draft", "requested", "accepted", "in-progress", "on-hold"})
AT_WORK: Final = frozenset({"accepted", "in-progress", "on-hold"})
NO_LINK: Final = frozenset({"send", "cancel", "retract"})


def is_held(one: One) -> bool:
    """Whether a referral waits for a consent."""
    return bool(one["stage"] == "consent-needed")


def sides(one: One, who: str) -> list[str]:
    """Return the sides an organisation stands on; who answers by phone stands on the agency's."""
    if who == "by phone":
        return ["receiver"] if one["receiver"] else []
    found = ["sender"] if who == one["sender"] else []
    if who == one["receiver"]:
        found.append("receiver")
    return found + (["candidate"] if who == "network" and one["receiver"] is None else [])


def may_open(one: One, who: str) -> bool:
    """Whether an organisation may open a referral: what was never released to it, it does not know of."""
    if who == one["sender"]:
        return True
    if is_held(one) or one["status"] == "draft":
        return False
    if who == "by phone":
        return may_open(one, "network") or (bool(one["receiver"]) and one["receiver"] in one["released"])
    return who in sides_to_tell(one) and who in one["released"]


def sides_to_tell(one: One) -> set[str]:
    """Return who receives it: the receiver or, while it is open to all and wants one, the network."""
    if one["receiver"]:
        return {one["receiver"]}
    return {"network"} if one["status"] == "requested" else set()


def reads(one: One, who: str, now: datetime) -> set[str]:
    """Return how the Task may stand before somebody: `whole`, `reduced` (without the person) or `nothing`."""
    if who == one["sender"]:
        return {"whole"}
    if who not in one["released"] or (who != one["receiver"] and who not in sides_to_tell(one)):
        return {"nothing"}
    if one["receiver"] is None or is_held(one):
        return {"reduced"}
    if one["status"] in OPEN:
        return {"whole"}
    if one["reads_until"] is None:
        return {"reduced"}
    #  after the last day it is gone, until the housekeeping has left the Task without the person
    return {"whole"} if now < one["reads_until"] else {"nothing", "reduced"}


def refusal_of_move(one: One, who: str, verb: str, *, has_output: bool) -> type[ExchangeError] | None:
    """Return what an action must raise, None where the table lets this side make this move."""
    if not may_open(one, who):
        return NotFound
    if not sides(one, who):
        return Forbidden
    rule = DIAGRAM[one["status"]].get(verb)
    if rule is None:
        return IllegalTransition
    if not set(sides(one, who)) & set(rule[1].split()) or (verb == "accept" and one["receiver"] is None):
        return Forbidden
    return Unprocessable if verb == "complete" and not (has_output or one["has_output"]) else None


def verb_of_put(one: One, status: str) -> str | None:
    """Return the one verb that leads from a referral's status to another; `amend` when it stays, None for none."""
    if one["status"] == status:
        return "amend"
    found = [verb for verb, (end, _who) in DIAGRAM[one["status"]].items() if end == status]
    if len(found) > 1:
        return "claim" if one["receiver"] is None else "accept"
    return found[0] if found else None


def moved(one: One, verb: str, who: str, now: datetime) -> None:
    """Change a dictionary as a move changes its referral."""
    was, one["status"] = one["status"], DIAGRAM[one["status"]][verb][0]
    one["version"] += 1
    one["stage"] = None
    if verb == "claim":
        one["receiver"] = who
    if verb == "complete":
        one["has_output"] = True
    if one["status"] in OPEN:
        one["next"] = "receiver"
        one["released"] |= {one["receiver"]}
        return
    one["next"] = None
    if was in OPEN:
        one["reads_until"] = now + READS_ON if one["status"] in ("completed", "failed") else None
    else:
        one["reads_until"] = None


def goes_out(one: One, *, is_given: bool) -> None:
    """Change a dictionary as sending does: consent holds it back, an agency without e-mail must be phoned."""
    one["status"] = "requested"
    if not is_given:
        one["stage"], one["next"] = "consent-needed", "sender"
        return
    one["stage"] = "must-be-phoned" if one["receiver"] == "phoned" else None
    one["next"] = "receiver" if one["receiver"] else "candidate"
    one["released"] |= {one["receiver"] or "network"}


def handed_back(one: One, stage: str) -> None:
    """Change a dictionary as silence does, or what cannot be told: the status stays, the sender decides."""
    one["version"] += 1
    one["stage"], one["next"] = stage, "sender"


def denies(consents: Iterable[dict[str, Any]]) -> bool:
    """Whether one of these consents forbids to send at all."""
    return any(one["active"] and one["denies"] for one in consents)


def is_given(consents: Iterable[dict[str, Any]], sender: str, receiver: str | None) -> bool:
    """Whether a referral may be released: the sender attests, or a consent covers the receiver."""
    if denies(consents):
        return False
    return sender != "clinic" or any(
        one["active"] and (one["recipients"] is None or receiver in one["recipients"]) for one in consents
    )
