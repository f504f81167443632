"""An action that dies in the middle: one of the steps of saving raises, just before or just after it has written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from exchange.db import audit, document, outbox, parameter, referral, release, timeline

#  every step by which an action writes: the document, what it is found by, the decision, the release, audit, telling
STEPS: Final[tuple[tuple[Any, str], ...]] = (
    (document, "add"), (document, "replace"), (parameter, "index"), (audit, "write"), (referral, "insert"),
    (referral, "claim_identifier"), (referral, "save"), (timeline, "write"), (release, "release"),
    (release, "end_releases"), (outbox, "put"),
)  # fmt: skip


class Crash(Exception):
    """The process died here. No ExchangeError: nothing of the product may take it for a refusal."""


@dataclass(frozen=True)
class Point:
    """Where it dies: at which call of which step, and whether the step has written by then."""

    step: int
    call: int
    has_written: bool

    def __repr__(self) -> str:
        module, name = STEPS[self.step]
        place = f"{module.__name__.rpartition('.')[2]}.{name}"
        return f"<{'after' if self.has_written else 'before'} call {self.call} of {place}>"


@contextmanager
def crashing(at: Point) -> Iterator[None]:
    """Let the step fail once until the block ends."""
    module, name = STEPS[at.step]
    real, calls = getattr(module, name), 0

    def fails(session: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != at.call:
            return real(session, *arguments, **named)
        if at.has_written:
            real(session, *arguments, **named)
            session.flush()
        raise Crash

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, fails)
        yield
