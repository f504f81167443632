"""When a message is tried again: one schedule a channel, as gaps between tries.

Source of the webhook schedule: Standard Webhooks 1.0.0 (75.6 hours in all). Mail gives up within the two business days
in which a receiver is expected to answer, so that its sender still has time to choose another agency.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

_MINUTE, _HOUR = 60, 3_600
#  seconds before the first try, the second, …
SCHEDULES: Final[Mapping[str, tuple[int, ...]]] = {
    "webhook": (
        0, 5, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
    ),
    "email": (0, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
}  # fmt: skip
JITTER: Final = 0.1
#  seconds for which a place that has just hung is left alone: what hangs must not keep the threads from the others
RESTS: Final[Mapping[str, int]] = {"webhook": 10 * _MINUTE, "email": 2 * _MINUTE}
#  a failure that took so long was a place that hung: a connection is given up after 5 s, an answer later
HUNG_SECONDS: Final = 4.0


def wait_before_next(channel: str, tries: int, *, jitter: float, asked_seconds: int = 0) -> timedelta | None:
    """Return how long to wait after so many tries, or None when the schedule is exhausted.

    `jitter` (0 to 1) spreads the tries of many messages over a tenth more of the gap; what the receiver asked for
    (Retry-After) is honoured where it is longer.
    """
    schedule = SCHEDULES[channel]
    if tries >= len(schedule):
        return None
    return timedelta(seconds=max(schedule[tries] * (1 + JITTER * jitter), asked_seconds))
