"""The door for programs that are not FHIR clients: JSON, and problem documents (RFC 9457) for what is refused."""

from flask import Flask

from exchange.web.api import directory_search, webhooks

BLUEPRINTS = (directory_search.blueprint, webhooks.blueprint)


def open_door(app: Flask) -> None:
    """Open the `/api` door."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
