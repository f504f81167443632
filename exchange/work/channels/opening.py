"""The table of channels, opened once a process with the settings each needs."""

from collections.abc import Callable, Mapping
from typing import Final

import requests

from exchange.config import Config
from exchange.work.channels.email import email_channel
from exchange.work.channels.parcel import Channel
from exchange.work.channels.webhook import webhook_channel

CHANNELS: Final[Mapping[str, Callable[[Config, requests.Session], Channel]]] = {
    "email": lambda config, _outbound: email_channel(config.mail_url, config.mail_from),
    "webhook": lambda _config, outbound: webhook_channel(outbound),
}


def open_channels(config: Config, outbound: requests.Session) -> dict[str, Channel]:
    """Return each channel ready to send. Raises ValueError with a sentence for a mail URL that cannot be used."""
    return {name: make(config, outbound) for name, make in CHANNELS.items()}
