"""Headers on every answer: a strict content policy, no framing, no sniffing, no caching of what people see."""

import logging
import time

from flask import Flask, Response, g, request

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", CONTENT_POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)
NOT_KEPT = ("Cache-Control", "no-store")
OVER_TLS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
log = logging.getLogger("exchange.web")


def set_headers(app: Flask) -> None:
    """Put the headers on every answer of an app, and one line into the log."""
    fixed = (*ALWAYS, OVER_TLS) if app.extensions["exchange_config"].is_https else ALWAYS

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        headers = response.headers
        #  asked once: each setdefault would look through all of them again
        given = {name.lower() for name, _value in headers}
        for name, value in fixed if request.path.startswith("/static") else (*fixed, NOT_KEPT):
            if name.lower() not in given:
                headers.add(name, value)
        if "x-request-id" not in given:
            headers.add("X-Request-Id", g.get("request_id", ""))
        _write_line(response)
        return response


def _write_line(response: Response) -> None:
    actor = g.get("actor")
    #  the route's template, never the address: an address may hold what somebody searched for
    log.info(
        "answered",
        extra={
            "request_id": g.get("request_id"),
            "method": request.method,
            "route": request.url_rule.rule if request.url_rule else "none",
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
            "organization_id": actor.organization_id if actor else None,
            "actor_kind": actor.kind.value if actor else None,
        },
    )
