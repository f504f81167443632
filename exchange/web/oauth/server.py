"""The protocol is Authlib's, without a framework; what it decides by is ours.

One server a request, round the request's own transaction: nothing is global. The caller has been identified before
(`caller.py`), so Authlib's own `private_key_jwt`, which refuses RS384 and ES384, is not used; nor are its default
lifetime of ten days, its dropping of scopes that are not allowed, and its storing of tokens in the clear.
"""

from collections.abc import Iterable
from typing import Any, Final

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from flask import Response, request
from sqlalchemy.orm import Session

from exchange.actions.clients.grant_scope import grant_scope
from exchange.actions.clients.issue_token import issue_token
from exchange.actions.clients.oversight import client_entry
from exchange.db import audit
from exchange.domain.errors import Forbidden
from exchange.web.oauth.answers import answer, protocol_refusal
from exchange.web.oauth.caller import Caller
from exchange.web.transaction import config

METHOD: Final = "private_key_jwt"


class FormRequest(OAuth2Request):
    """The form that came, at the address by which clients know us, whatever proxy it came through."""

    def __init__(self) -> None:
        super().__init__("POST", config().base_url + request.path, headers=request.headers)
        self.payload = BasicOAuth2Payload(request.form.to_dict())

    @property
    def form(self) -> dict[str, str]:
        """The parameters, each once."""
        given: dict[str, str] = self.payload.data
        return given


class IdentifiedClient:
    """What Authlib asks of a client."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Return whether a client may authenticate in a way: in one only."""
        return method == METHOD

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether a client may use a grant: this door knows one only."""
        return grant_type == ClientCredentialsGrant.GRANT_TYPE


class BackendServiceGrant(ClientCredentialsGrant):
    """client_credentials, authenticated by a signed assertion."""

    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD,)


class ToldOnce(dict[str, Any]):
    """A token answer; Authlib writes it into its debug log, where the secret must not be."""

    def __repr__(self) -> str:
        return "<a token>"


class BackendServices(AuthorizationServer):
    """The authorization server of one request."""

    def __init__(self, session: Session, caller: Caller, *endpoints: type) -> None:
        super().__init__()
        self.session, self.caller = session, caller
        self.register_client_auth_method(METHOD, lambda _query, _request: IdentifiedClient(caller))
        self.register_grant(BackendServiceGrant)
        for endpoint in endpoints:
            self.register_endpoint(endpoint)

    def query_client(self, client_id: str) -> None:
        """Return None: the caller has been identified already."""
        return None

    def send_signal(self, name: str, *_: Any, **__: Any) -> None:
        """Nobody listens to signals here."""

    def create_oauth2_request(self, request: Any) -> OAuth2Request:
        """Return the request in Authlib's form."""
        return FormRequest()

    def handle_response(self, status: int, body: dict[str, Any], headers: Iterable[tuple[str, str]]) -> Response:
        """Return Flask's response."""
        return answer(status, body, headers)

    def handle_error_response(self, request: Any, error: OAuth2Error) -> Response:
        """Return Flask's response to an error, its sentence made safe to send."""
        return protocol_refusal(error)

    def validate_requested_scope(self, scope: str | None) -> None:
        """Refuse every excess; Authlib would drop it and issue a token with less, or with nothing. Audited."""
        if not scope or not scope.strip():
            raise InvalidRequestError("The parameter scope is missing: name what the token is for.")
        try:
            grant_scope(scope, self.caller.client.scope)
        except Forbidden as error:
            refused = client_entry(
                self.session, self.caller.actor, self.caller.client, "token", outcome="4", status=400
            )
            audit.write(self.session, [refused])
            plain = error.sentence.encode("ascii", "replace").decode().replace('"', "?").replace("\\", "?")
            raise InvalidScopeError(plain) from None

    def generate_token(self, grant_type: str, client: Any, scope: str | None = None, **_: Any) -> ToldOnce:
        """Issue the token, stored as a hash in the same transaction, and return what the client is told."""
        granted = grant_scope(scope or "", self.caller.client.scope)
        issued = issue_token(self.session, self.caller.actor, self.caller.client, granted)
        return ToldOnce(
            access_token=issued.access_token, token_type="bearer", expires_in=issued.expires_in, scope=issued.scope
        )

    def save_token(self, token: Any, request: Any) -> None:
        """Do nothing: the token was stored when it was made."""
