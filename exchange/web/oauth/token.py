"""`POST /oauth/token`: an access token for a signed assertion (SMART App Launch 2.2, Backend Services)."""

from flask.typing import ResponseReturnValue

from exchange.web.guard import Who, access
from exchange.web.oauth.caller import check_form, identify_caller, noted_failures
from exchange.web.oauth.server import BackendServices
from exchange.web.oauth_addresses import oauth_addresses
from exchange.web.transaction import config, transaction


@access(Who.PUBLIC)
def token() -> ResponseReturnValue:
    """Issue a token of 300 seconds; the assertion is used up, whatever the answer."""
    check_form("grant_type")
    with noted_failures():
        caller = identify_caller(audiences=(oauth_addresses(config()).token,))
        with transaction() as session:
            caller.use_proof(session)
            return BackendServices(session, caller).create_token_response()
