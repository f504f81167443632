"""`POST /oauth/introspect`: what a token is worth (RFC 7662), told of one's own organisation's tokens only."""

from typing import Any

from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask.typing import ResponseReturnValue

from exchange.actions.clients.read_token import told_token
from exchange.db.client import AccessTokenRow, ClientRow
from exchange.web.guard import Who, access
from exchange.web.oauth.caller import check_form, identify_caller, noted_failures
from exchange.web.oauth.server import METHOD, BackendServices
from exchange.web.oauth_addresses import oauth_addresses
from exchange.web.transaction import config, transaction


class LivingToken:
    """What Authlib asks of a token that is known to be alive."""

    def __init__(self, row: AccessTokenRow, client: ClientRow) -> None:
        self.row, self.client = row, client

    def is_expired(self) -> bool:
        """Return False: an expired one is not found."""
        return False

    def is_revoked(self) -> bool:
        """Return False: a revoked one is not found."""
        return False


class Introspection(IntrospectionEndpoint):
    """The endpoint over our tokens."""

    CLIENT_AUTH_METHODS = (METHOD,)
    server: BackendServices

    def query_token(self, token_string: str, token_type_hint: str | None) -> LivingToken | None:
        """Return a living token of the caller's organisation; the hint is not needed."""
        organization_id = self.server.caller.client.organization_id
        found = told_token(self.server.session, token_string, organization_id)
        return LivingToken(*found) if found is not None else None

    def check_permission(self, token: LivingToken, client: Any, request: Any) -> bool:
        """Return True: another organisation's token was not found."""
        return True

    def introspect_token(self, token: LivingToken) -> dict[str, Any]:
        """Return what is told of a token."""
        return {
            "active": True,
            "scope": token.row.scope,
            "client_id": token.client.id,
            "sub": token.client.id,
            "token_type": "bearer",
            "exp": int(token.row.expires_at.timestamp()),
            "iat": int(token.row.issued_at.timestamp()),
        }


@access(Who.PUBLIC)
def introspect() -> ResponseReturnValue:
    """Tell a client, known by its assertion or its own token, what a token is worth."""
    check_form("token")
    addresses = oauth_addresses(config())
    with noted_failures():
        caller = identify_caller(audiences=(addresses.token, addresses.introspect), with_token=True)
        with transaction() as session:
            caller.use_proof(session)
            return BackendServices(session, caller, Introspection).create_endpoint_response("introspection")
