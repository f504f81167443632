"""What the tests of `serve` let the web server load: an application that answers, quickly."""

from collections.abc import Callable, Iterable
from typing import Any


def make() -> Callable[..., Iterable[bytes]]:
    """Return a WSGI application that answers every request with its path."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]

    return answer
