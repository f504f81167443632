"""`/healthz`: the process answers. `/readyz`: it can serve. `/metrics`: what the operator's monitoring watches."""

from flask import Blueprint, Flask, Response, jsonify
from flask.typing import ResponseReturnValue

from exchange.db.figures import figures
from exchange.domain.errors import ExchangeError, NotFound, Unauthenticated
from exchange.web.guard import Who, access
from exchange.web.health.exposition import TEXT_FORMAT, exposition
from exchange.web.health.readiness import readiness
from exchange.web.measures import measures
from exchange.web.transaction import database

PLAIN = "text/plain; charset=utf-8"
blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@access(Who.PUBLIC)
def healthz() -> ResponseReturnValue:
    """Answer that the process is alive."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@access(Who.PUBLIC)
def readyz() -> ResponseReturnValue:
    """Answer 200 when requests can be served, 503 with the reasons when not."""
    found = readiness(database(), database().clock())
    if found.reasons:
        return jsonify(status="not ready", reason=" ".join(found.reasons), warnings=found.warnings), 503
    return jsonify(status="ready", warnings=found.warnings)


@blueprint.get("/metrics")
@access(Who.MONITOR)
def metrics() -> ResponseReturnValue:
    """Answer with counts and ages, to whoever brings the token of EXCHANGE_METRICS_TOKEN_FILE."""
    try:
        #  not the reading of the request: it would count itself among the connections that are out
        with database().read() as session:
            found = figures(session, database().clock())
    except ExchangeError:
        found = None
    return Response(exposition(measures(), found, database().pools()), content_type=TEXT_FORMAT)


@blueprint.errorhandler(ExchangeError)
def refused(error: ExchangeError) -> ResponseReturnValue:
    """Answer a refusal in plain text: a program reads it, and who watches it should see why."""
    if isinstance(error, Unauthenticated):
        return Response(error.sentence + "\n", 401, {"WWW-Authenticate": "Bearer"}, content_type=PLAIN)
    return Response(error.sentence + "\n", 404 if isinstance(error, NotFound) else 503, content_type=PLAIN)


def open_door(app: Flask) -> None:
    """Open the health door."""
    app.register_blueprint(blueprint)
