"""What a channel is given, and the two ways in which it may fail: try again, or never again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message ready to leave. It holds no health data.

    `to` is an address or a URL; `subject` is empty for a program; `secret` signs a webhook. The message id stays the
    same over every try, so that a receiver can tell a repeat.
    """

    message_id: str
    to: str = field(repr=False)
    body: str = field(repr=False)
    subject: str = ""
    secret: str = field(default="", repr=False)


#  sends a parcel at a time (aware UTC); returns when the other side has taken it over, else raises a DeliveryFailure
Channel = Callable[[Parcel, datetime], None]


class DeliveryFailure(Exception):
    """A parcel was not taken over. The text is for the operator: a code or a kind, never an address or a body."""


class TryAgain(DeliveryFailure):
    """It may work later. `after_seconds` is what the receiver asked us to wait, if it did."""

    def __init__(self, why: str, *, after_seconds: int = 0) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class NeverAgain(DeliveryFailure):
    """It will not work as it is. `is_gone` says that the receiver wants nothing more at all (410)."""

    def __init__(self, why: str, *, is_gone: bool = False) -> None:
        super().__init__(why)
        self.is_gone = is_gone
