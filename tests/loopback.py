"""Any WSGI application, served on this machine for the length of a block."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


@contextmanager
def served(application: Callable[..., Iterable[bytes]]) -> Iterator[BaseWSGIServer]:
    """Serve a WSGI application on a free port of this machine, in threads, until the block ends."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    """Writes no line for each request: who is served notes what it needs."""

    def log(self, *_arguments: Any) -> None:
        """Say nothing."""
