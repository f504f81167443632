"""`/healthz`: the process answers. `/readyz`: the database answers and the audit is sealed in time."""

from flask import Blueprint, Flask, jsonify
from flask.typing import ResponseReturnValue

from exchange.db.audit import oldest_unsealed
from exchange.db.base import microseconds
from exchange.domain.errors import ExchangeError
from exchange.web.guard import Who, access
from exchange.web.transaction import database, reading

UNSEALED_SECONDS = 60
blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@access(Who.PUBLIC)
def healthz() -> ResponseReturnValue:
    """Answer that the process is alive."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@access(Who.PUBLIC)
def readyz() -> ResponseReturnValue:
    """Answer 200 when requests can be served, 503 with the reason when not."""
    try:
        with reading() as session:
            oldest = oldest_unsealed(session)
    except ExchangeError:
        return jsonify(status="not ready", reason="The database does not answer."), 503
    if oldest is not None and microseconds(database().clock()) - oldest > UNSEALED_SECONDS * 1_000_000:
        return jsonify(status="not ready", reason="The audit is not sealed in time: is a worker running?"), 503
    return jsonify(status="ready")


def open_door(app: Flask) -> None:
    """Open the health door."""
    app.register_blueprint(blueprint)
