"""Headers on every answer: a strict content policy, no framing, no sniffing, no caching of what people see."""

import logging
import time

from flask import Flask, Response, g, request

from exchange.web.transaction import config

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
log = logging.getLogger("exchange.web")


def set_headers(app: Flask) -> None:
    """Put the headers on every answer of an app, and one line into the log."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("X-Request-Id", g.get("request_id", ""))
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith("/static"):
            headers.setdefault("Cache-Control", "no-store")
        if config().is_https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
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
