"""Where messages arrive: a receiver of webhooks on this machine, and the folder into which mail is delivered."""

import email
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.loopback import served

REFERRAL: Final = re.compile(r"/referrals/([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that arrived: its own id, which a repeat bears too, and the referral of which it tells."""

    message_id: str
    referral_id: str


@dataclass
class Sink:
    """A receiver that notes every delivery. While it `holds`, it has noted a delivery and does not answer yet."""

    port: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    _open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._open.set()

    @property
    def address(self) -> str:
        """Where it listens, as EXCHANGE_ALLOWED_ADDRESSES names it."""
        return f"127.0.0.1:{self.port}"

    def hold(self) -> None:
        """Let deliveries wait for their answer."""
        self._open.clear()

    def let_go(self) -> None:
        """Answer what waits, and what comes."""
        self._open.set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        event = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        self.deliveries.append(Delivery(environ["HTTP_WEBHOOK_ID"], event["data"]["id"]))
        self._open.wait(60)
        start_response("204 No Content", [])
        return []


@contextmanager
def sink() -> Iterator[Sink]:
    """Give a receiver of webhooks until the block ends."""
    made = Sink()
    with served(made) as server:
        made.port = server.port
        yield made
        made.let_go()


def letters(folder: Path) -> list[Delivery]:
    """Return the mails in a folder that tell of a referral. A repeat of one lands on the file of the first."""
    found = []
    for path in folder.glob("*.eml"):
        letter = email.message_from_bytes(path.read_bytes())
        referral = REFERRAL.search(letter.get_payload(decode=True).decode())
        assert referral is not None, "A letter of these parties names its referral."
        found.append(Delivery(letter["Message-ID"].strip("<>").partition("@")[0], referral[1]))
    return found
