"""`POST /oauth/revoke`: a client gives one of its tokens back before its time (RFC 7009)."""

from typing import Any

from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask.typing import ResponseReturnValue

from exchange.actions.clients.revoke_token import revoke_token
from exchange.web.guard import Who, access
from exchange.web.oauth.caller import check_form, identify_caller, noted_failures
from exchange.web.oauth.server import METHOD, BackendServices
from exchange.web.oauth_addresses import oauth_addresses
from exchange.web.transaction import config, transaction


class Revocation(RevocationEndpoint):
    """The endpoint over our tokens. What is not the caller's own is answered as unknown is: nothing is told of it."""

    CLIENT_AUTH_METHODS = (METHOD,)
    server: BackendServices

    def authenticate_token(self, request: Any, client: Any) -> str:
        """Return the token as it was sent."""
        self.check_params(request, client)
        return str(request.form["token"])

    def revoke_token(self, token: str, request: Any) -> None:
        """Revoke it if it is a living one of the caller's own."""
        caller = self.server.caller
        revoke_token(self.server.session, caller.actor, caller.client, token)


@access(Who.PUBLIC)
def revoke() -> ResponseReturnValue:
    """Revoke a token; 200 whether or not there was one (RFC 7009 §2.2). It stops at once, in every process."""
    check_form("token")
    addresses = oauth_addresses(config())
    with noted_failures():
        caller = identify_caller(audiences=(addresses.token, addresses.revoke), with_token=True)
        with transaction() as session:
            caller.use_proof(session)
            return BackendServices(session, caller, Revocation).create_endpoint_response("revocation")
