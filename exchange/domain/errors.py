"""The one family of refusals. Lower rooms know no HTTP: each door has one table from these classes to its answers.

    ExchangeError
    ├── Unauthenticated          nobody, or a dead token
    ├── Forbidden                your scope or your side may not (on something you can see)
    ├── NotFound                 unknown, or not visible to you: told in one and the same way
    ├── Malformed                the input cannot be read
    ├── Unprocessable            readable and visible, but this move, reason or field is not possible
    │   ├── IllegalTransition    the table of moves has no such row
    │   └── Invalid              a document breaks the rules of its type or profile
    ├── Conflict                 another referral or document already stands there
    ├── StaleVersion             a precondition did not hold
    ├── PreconditionRequired     a precondition was not given
    ├── TooMany                  wait, then try again
    ├── Busy                     the store is busy, try again
    └── StorageFull              the disk is full

A sentence names the remedy and holds no name, date of birth or note of a person.
"""

from typing import Any

from fhir_mapping.case_data.referral import ReferralStatus


class ExchangeError(Exception):
    """A refusal with a whole sentence, and where in the input it lies (a FHIRPath, or a form field)."""

    def __init__(self, sentence: str, *, expression: str | None = None, code: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.expression = expression
        self.code = code


class Unauthenticated(ExchangeError):
    """No credential, or one that is dead."""


class Forbidden(ExchangeError):
    """The scope, role or side of the caller may not do this to something it can see."""


class NotFound(ExchangeError):
    """Unknown, or invisible to the caller."""


class Malformed(ExchangeError):
    """The input cannot be read as what it claims to be."""


class Unprocessable(ExchangeError):
    """The input can be read, but what it asks is not possible."""


class IllegalTransition(Unprocessable):
    """The state machine has no row for this status and verb."""

    def __init__(self, status: ReferralStatus, verb: str) -> None:
        super().__init__(
            f"A referral that is {status.value} cannot {verb}: read its current status and choose a possible move.",
            expression="Task.status",
            code="business-rule",
        )


class Conflict(ExchangeError):
    """Another document or referral already holds this place."""


class StaleVersion(ExchangeError):
    """The version or condition the caller named is not the current one."""


class PreconditionRequired(ExchangeError):
    """The caller must say which version it has read."""


class TooMany(ExchangeError):
    """The caller must wait `retry_after_seconds` before the next try."""

    def __init__(self, sentence: str, *, retry_after_seconds: int) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class Busy(ExchangeError):
    """The store could not be reached in time; nothing was done."""


class StorageFull(ExchangeError):
    """There is no room left to write; nothing was done."""


class Invalid(Unprocessable):
    """A document that does not hold what its type or profile asks; `issues` name each place."""

    def __init__(self, issues: tuple[Any, ...]) -> None:
        first = issues[0]
        super().__init__(first.sentence, expression=first.expression, code=first.code)
        self.issues = issues
