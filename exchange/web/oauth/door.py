"""The OAuth door: discovery, tokens, introspection, revocation."""

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException

from exchange.domain.errors import ExchangeError
from exchange.web.oauth import discovery
from exchange.web.oauth.answers import exchange_refusal, http_refusal, protocol_refusal
from exchange.web.oauth.introspect import introspect
from exchange.web.oauth.key_sets import KeySets
from exchange.web.oauth.revoke import revoke
from exchange.web.oauth.token import token
from exchange.web.oauth_addresses import INTROSPECT_PATH, REVOKE_PATH, TOKEN_PATH

VIEWS = (
    ("GET", discovery.PATH, discovery.smart_configuration),
    ("POST", TOKEN_PATH, token),
    ("POST", INTROSPECT_PATH, introspect),
    ("POST", REVOKE_PATH, revoke),
)


def open_door(app: Flask) -> None:
    """Open the OAuth door."""
    app.extensions["exchange_key_sets"] = KeySets(app.extensions["exchange_outbound"])
    blueprint = Blueprint("oauth", __name__)
    for method, path, view in VIEWS:
        blueprint.add_url_rule(path, view_func=view, methods=[method])
    blueprint.register_error_handler(OAuth2Error, protocol_refusal)
    blueprint.register_error_handler(ExchangeError, exchange_refusal)
    blueprint.register_error_handler(HTTPException, http_refusal)
    app.register_blueprint(blueprint)
