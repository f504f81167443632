"""What the tests of `serve` let the web server load: an application that answers, quickly or when it is told to."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def make() -> Callable[..., Iterable[bytes]]:
    """Return a WSGI application that answers every request with its path.

    `/slow` says by a file in the folder IN_FLIGHT that it has begun, and takes a second more.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/slow":
            Path(os.environ["IN_FLIGHT"], "begun").touch()
            time.sleep(1)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]

    return answer
