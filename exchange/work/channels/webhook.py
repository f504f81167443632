"""Webhooks by Standard Webhooks 1.0.0: signed, thin, to guarded addresses only.

Source: https://github.com/standard-webhooks/standard-webhooks (spec 1.0.0): 2xx is taken over, everything else is not,
a redirect included; 410 wants nothing more; Retry-After is honoured.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import requests
from standardwebhooks import Webhook

from exchange.domain.errors import ExchangeError
from exchange.work.channels.parcel import Channel, NeverAgain, Parcel, TryAgain

TIMEOUTS: Final = (5.0, 15.0)
LONGEST_WAIT: Final = 24 * 60 * 60


def webhook_channel(outbound: requests.Session) -> Channel:
    """Return what posts a parcel by the guarded session."""

    def send(parcel: Parcel, now: datetime) -> None:
        _judge(_status_of(outbound, parcel, now), now)

    return send


def headers_of(parcel: Parcel, now: datetime) -> dict[str, str]:
    """Return the headers of one try: the id stays, the time and so the signature are this try's."""
    return {
        "Content-Type": "application/json",
        "webhook-id": parcel.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(parcel.secret).sign(parcel.message_id, now.astimezone(UTC), parcel.body),
    }


def _status_of(outbound: requests.Session, parcel: Parcel, now: datetime) -> tuple[int, str]:
    """Post and return the status with Retry-After. The body of the answer is not read: nothing in it matters."""
    try:
        with outbound.post(
            parcel.to,
            data=parcel.body.encode(),
            headers=headers_of(parcel, now),
            timeout=TIMEOUTS,
            allow_redirects=False,
            stream=True,
        ) as response:
            return response.status_code, response.headers.get("Retry-After", "")
    except ExchangeError:
        #  the address guard refused; what a name resolves to may be put right
        raise TryAgain("The address of the webhook is not one that may be connected to.") from None
    except (requests.RequestException, OSError) as error:
        raise TryAgain(f"The receiver could not be reached ({type(error).__name__}).") from None


def _judge(answer: tuple[int, str], now: datetime) -> None:
    status, retry_after = answer
    if 200 <= status < 300:
        return
    if status == requests.codes.gone:
        raise NeverAgain("The receiver wants nothing more (410).", is_gone=True)
    raise TryAgain(f"The receiver answered {status}.", after_seconds=seconds_to_wait(retry_after, now))


def seconds_to_wait(retry_after: str, now: datetime) -> int:
    """Return the seconds of a Retry-After header, given as a number or a date (RFC 9110 §10.2.3); 0 when unreadable."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0
    wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(int(wait.total_seconds()), 0), LONGEST_WAIT)
