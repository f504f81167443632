"""A body that nobody has read is taken in before a refusal goes out: else a client sees a broken line, not the answer.

The web server closes a connection on which a body was left. Who still sends, or sends the next request, gets a reset
and may lose the answer with it: a 401, or a 503 with its Retry-After. Source: RFC 9112 §9.6.
"""

from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from exchange.web.audit_trail import REFUSED_FROM

CHUNK: Final = 65_536


def take_in_bodies(app: Flask) -> None:
    """Read what is left of a body before a refusal is sent. One that is larger than a request may be is left."""

    @app.after_request
    def take_in(response: Response) -> Response:
        if response.status_code >= REFUSED_FROM:
            try:
                while request.stream.read(CHUNK):
                    pass
            except HTTPException:
                #  too large, or the client has gone: there is nobody to be spared
                return response
        return response
