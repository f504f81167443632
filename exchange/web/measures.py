"""What is counted of every request: the template of its route, method, kind of answer and time. No address, no id."""

import time
from typing import Final

from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE: Final = "none"


class Measures:
    """The counters of one application. Counting a request costs two additions, each under a lock of its own row."""

    def __init__(self) -> None:
        #  when a row began is of no use to anybody and doubles the answer
        disable_created_metrics()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "exchange_requests", "Requests that were answered.", ("route", "method", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "exchange_request_seconds",
            "Time from a request's arrival in the application to its answer.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        #  looking a row up in the library takes its lock, so each is looked up once
        self._rows: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request. A method that HTTP does not know counts as `other`, so that nobody can add rows."""
        key = (route, method if method in METHODS else "other", status // 100)
        row = self._rows.get(key)
        if row is None:
            labels = self._requests.labels(route, key[1], f"{key[2]}xx")
            row = self._rows[key] = (labels, self._seconds.labels(route))
        row[0].inc()
        row[1].observe(seconds)


def measure(app: Flask) -> None:
    """Count every request of an app that ends."""
    app.extensions["exchange_measures"] = Measures()

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else NO_ROUTE
        began: float = g.get("began", time.perf_counter())
        measures().count(route, request.method, response.status_code, time.perf_counter() - began)
        return response


def measures() -> Measures:
    """Return the counters of this app."""
    found: Measures = current_app.extensions["exchange_measures"]
    return found
