"""The refusals of `/api` as `application/problem+json` (RFC 9457): one table, most particular first."""

import json
from typing import Any, Final

from flask import Blueprint, Response, g
from werkzeug.exceptions import HTTPException

from exchange.domain.errors import (
    Busy,
    Conflict,
    ExchangeError,
    Forbidden,
    Malformed,
    NotFound,
    PreconditionRequired,
    StaleVersion,
    StorageFull,
    TooMany,
    Unauthenticated,
    Unprocessable,
)

#  class → status, title, extra headers; found along the refusal's own ancestry
PROBLEMS: Final[dict[type[ExchangeError], tuple[int, str, dict[str, str]]]] = {
    Unauthenticated: (401, "Sign in first", {"WWW-Authenticate": "Bearer"}),
    Forbidden: (403, "Not permitted", {}),
    NotFound: (404, "Not found", {}),
    Malformed: (400, "Cannot be read", {}),
    Unprocessable: (422, "Not possible", {}),
    Conflict: (409, "In conflict", {}),
    StaleVersion: (412, "Changed meanwhile", {}),
    PreconditionRequired: (428, "Say what you have read", {}),
    TooMany: (429, "Too many", {}),
    Busy: (503, "Busy", {"Retry-After": "2"}),
    StorageFull: (507, "No room left", {"Retry-After": "60"}),
    ExchangeError: (500, "Failed", {}),
}


def problem(status: int, title: str, detail: str, *, pointer: str | None = None, **headers: str) -> Response:
    """Return a problem document. `pointer` is the field that is wrong; `headers` come with underscores for dashes."""
    document: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if pointer:
        document["pointer"] = pointer
    if request_id := g.get("request_id"):
        document["request_id"] = request_id
    answer = Response(json.dumps(document), status, content_type="application/problem+json")
    for name, value in headers.items():
        answer.headers[name.replace("_", "-")] = value
    return answer


def refused(error: ExchangeError) -> Response:
    """Return the problem document of a refusal."""
    status, title, headers = next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)
    extra = dict(headers)
    if isinstance(error, TooMany):
        extra["Retry-After"] = str(error.retry_after_seconds)
    return problem(status, title, error.sentence, pointer=error.expression, **extra)


def broken(error: HTTPException) -> Response:
    """Return the problem document of what the framework refused: a method, a size, a content type."""
    status = error.code or 500
    detail = "This address cannot be used in this way: read /api for what there is." if status < 500 else "It failed."
    answer = problem(status, error.name, detail)
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


def answer_problems(blueprint: Blueprint) -> None:
    """Let every refusal of a blueprint's views be answered as a problem document."""
    blueprint.register_error_handler(ExchangeError, refused)
    blueprint.register_error_handler(HTTPException, broken)
