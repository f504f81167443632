"""How this door says no: `error` and `error_description` of RFC 6749 §5.2, never kept by anybody on the way."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from flask import Response, g, jsonify
from werkzeug.exceptions import HTTPException

from exchange.domain.errors import (
    Busy,
    ExchangeError,
    Forbidden,
    NotFound,
    StorageFull,
    TooMany,
    Unauthenticated,
)

#  SMART App Launch 2.2, "Access token response": both headers
NEVER_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
#  most particular first along the class's own ancestry
ERRORS: Final[dict[type[ExchangeError], tuple[int, str]]] = {
    Unauthenticated: (401, "invalid_token"),
    Forbidden: (403, "access_denied"),
    NotFound: (404, "invalid_request"),
    TooMany: (429, "temporarily_unavailable"),
    Busy: (503, "temporarily_unavailable"),
    StorageFull: (507, "temporarily_unavailable"),
    ExchangeError: (400, "invalid_request"),
}
RETRY_SECONDS: Final = {503: 2, 507: 60}
REALM: Final = "Referral Exchange"


def answer(
    status: int, body: Mapping[str, Any], headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()
) -> Response:
    """Return a JSON answer that nobody keeps."""
    response = jsonify(dict(body))
    response.status_code = status
    response.headers.update(dict(headers) | NEVER_KEPT | {"Content-Type": "application/json"})
    return response


def refusal(status: int, error: str, sentence: str, *, retry_after: int | None = None) -> Response:
    """Return an error answer. A 401 says by which scheme a token is sent (RFC 6750 §3)."""
    #  RFC 6749 §5.2: what a sentence may hold; it may quote what was sent
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "?" for letter in sentence)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = f'Bearer realm="{REALM}", error="{error}", error_description="{plain}"'
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return answer(status, {"error": error, "error_description": plain}, headers)


def protocol_refusal(error: OAuth2Error) -> Response:
    """Answer an error of the protocol."""
    sentence = error.get_error_description() or "The request cannot be answered: compare it with the documentation."
    return refusal(error.status_code, error.error, sentence)


def exchange_refusal(error: ExchangeError) -> Response:
    """Answer a refusal of the house by the table."""
    status, code = next(ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS)
    waiting = RETRY_SECONDS.get(status)
    return refusal(status, code, error.sentence, retry_after=getattr(error, "retry_after_seconds", waiting))


def http_refusal(error: HTTPException) -> Response:
    """Answer what Flask itself refuses, and a fault of ours, of which nothing is told but the request id."""
    if (error.code or 500) < 500:
        sentence = "The request is too large or not readable: send a short form."
        return refusal(error.code or 400, "invalid_request", sentence)
    sentence = f"Something went wrong here. Tell the operator the request id {g.get('request_id', '')}."
    return refusal(error.code or 500, "server_error", sentence)
