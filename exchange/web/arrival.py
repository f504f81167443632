"""A body has to arrive: a client that stops in the middle of one gives its thread of the server back after a while.

Granian hands a request over once its headers are there, and a thread that reads the body waits for ever: sixteen clients
that vanish would be the end of a server with sixteen threads. RFC 9110 §15.5.9 (408). Against many that stop on purpose
only a proxy helps that waits for whole requests, as the one of docker-compose.yml does.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from werkzeug.exceptions import RequestTimeout

LONGEST_SECONDS: Final = 15.0
_Application = Callable[..., Iterable[bytes]]


class BodyInTime:
    """A WSGI application whose requests have so many seconds, from the first look at their body, to bring all of it.

    What comes later raises RequestTimeout where the body is read, so each door answers in its own form.
    """

    def __init__(self, application: _Application, seconds: float = LONGEST_SECONDS) -> None:
        self._application = application
        self._seconds = seconds

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        environ["wsgi.input"] = _Body(environ["wsgi.input"], self._seconds)
        return self._application(environ, start_response)


class _Body:
    """A body that is read by another thread, because the server's own way of reading has no limit of time."""

    def __init__(self, raw: Any, seconds: float) -> None:
        self._raw = raw
        self._seconds = seconds
        self._until: float | None = None

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or all. Raises RequestTimeout."""
        if self._until is None:
            self._until = time.monotonic() + self._seconds
        brought: list[bytes] = []
        failed: list[Exception] = []

        def bring() -> None:
            try:
                brought.append(self._raw.read() if size < 0 else self._raw.read(size))
            except Exception as error:
                failed.append(error)

        #  it ends with the connection, which the server closes when a request is answered before it was read
        reader = threading.Thread(target=bring, daemon=True)
        reader.start()
        reader.join(max(0.0, self._until - time.monotonic()))
        if failed:
            raise failed[0]
        if not brought:
            raise RequestTimeout("The request did not arrive in time: send it again.")
        return brought[0]
