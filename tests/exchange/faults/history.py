"""What clients invoked and what came back: ok, fail or unknown, as Jepsen's histories tell them apart.

An operation is known by its key. `ok`: it was acknowledged, so it must be there. `fail`: it was refused with the word
that nothing was stored, or never left, so it must not be there. `unknown`: the answer was lost, or said that nobody
knows; it may be there, once.
"""

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What a client knows of one try."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Try:
    """One try of an operation: how it ended for the client, and the status it was answered with, 0 for none.

    `place` is the address of what was acknowledged, or how an answer was lost.
    """

    key: str
    outcome: Outcome
    status: int = 0
    place: str = ""


@dataclass
class History:
    """All tries of all clients, which may note at once."""

    tries: list[Try] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, key: str, outcome: Outcome, status: int = 0, place: str = "") -> None:
        """Note how a try ended."""
        with self._lock:
            self.tries.append(Try(key, outcome, status, place))

    def acknowledged(self) -> dict[str, str]:
        """Return the keys that were acknowledged, each with what the client was told is there."""
        return {one.key: one.place for one in self.tries if one.outcome is Outcome.OK}

    def refused(self) -> set[str]:
        """Return the keys of which every try failed."""
        outcomes = defaultdict(set)
        for one in self.tries:
            outcomes[one.key].add(one.outcome)
        return {key for key, found in outcomes.items() if found == {Outcome.FAIL}}

    def contradictions(self) -> list[str]:
        """Return the keys that were acknowledged as two different things."""
        places = defaultdict(set)
        for one in self.tries:
            if one.outcome is Outcome.OK:
                places[one.key].add(one.place)
        return sorted(key for key, found in places.items() if len(found) > 1)

    def unanswered(self) -> Counter[str]:
        """Return how often an answer was lost, by the kind of the loss."""
        return Counter(one.place for one in self.tries if one.outcome is Outcome.UNKNOWN and not one.status)

    def count(self, outcome: Outcome) -> int:
        """Return how many tries ended so."""
        return sum(one.outcome is outcome for one in self.tries)

    def statuses(self) -> Counter[int]:
        """Return how often each status was answered; 0 stands for no answer."""
        return Counter(one.status for one in self.tries)
