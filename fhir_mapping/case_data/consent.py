"""A consent: what the person agreed may be told, to whom, until when. The rules over it are in exchange/domain."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """What a consent says. References are as written; times are aware UTC, `period_end` is the moment after the end.

    `recipients` are the actors the base provision names (none: it names nobody, so it is not limited to anyone),
    `denied_recipients` those that an exception denies. `has_exceptions` is true where a nested provision is about more
    than recipients, which we do not evaluate.
    """

    status: str
    patient: str | None = None
    scope: str = ""
    denies: bool = False
    period_start: datetime | None = None
    period_end: datetime | None = None
    recipients: tuple[str, ...] = ()
    denied_recipients: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    security_labels: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    given_at: datetime | None = None
    has_exceptions: bool = False
