"""Who calls: a client that signed an assertion, or (beside the token endpoint) one that holds a token.

The proof is read and its key fetched before a transaction opens, because a key may have to come over the network.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from flask import current_app, g, request
from sqlalchemy.orm import Session

from exchange.actions.clients.key_set import Jwk, keys_for, keys_in
from exchange.actions.clients.read_token import living_token
from exchange.db.client import ClientRow, client, use_assertion
from exchange.domain.actor import Actor, ActorKind
from exchange.domain.errors import Unauthenticated
from exchange.web.oauth.assertion import Assertion, BadAssertion, Proof, read_assertion, verify_assertion
from exchange.web.oauth.failures import note_failure, refuse_too_many
from exchange.web.oauth.key_sets import KeySets
from exchange.web.transaction import database, reading

ASSERTION_TYPE: Final = JWTBearerClientAssertion.CLIENT_ASSERTION_TYPE
FORM: Final = "application/x-www-form-urlencoded"
LARGEST_FORM: Final = 64_000


class FailedAuthentication(InvalidClientError):
    """Every failure to authenticate is `invalid_client` with 401 (SMART App Launch 2.2)."""

    def __init__(self, sentence: str) -> None:
        super().__init__(description=sentence, status_code=401)


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that has shown who it is. `proof` is empty for one that came with a token."""

    client: ClientRow
    proof: Proof | None = None

    @property
    def actor(self) -> Actor:
        """The client as an actor."""
        return Actor(
            ActorKind.CLIENT, self.client.organization_id, self.client.id, self.client.name,
            request_id=g.get("request_id"), address=request.remote_addr,
        )  # fmt: skip

    def use_proof(self, session: Session) -> None:
        """Use the assertion up, in the caller's transaction. Raises FailedAuthentication when it was used before."""
        proof = self.proof
        if proof is not None and not use_assertion(session, proof.client_id, proof.jti, proof.expires_at):
            raise FailedAuthentication("This assertion was used before: sign a new one for every request.")


def check_form(*required: str) -> None:
    """Raise InvalidRequestError for a request that is not one plain form, each parameter once (RFC 6749 §3.2)."""
    request.max_content_length = LARGEST_FORM
    if request.mimetype != FORM:
        raise InvalidRequestError(f"Send the parameters as a form: Content-Type {FORM}.")
    if request.args:
        raise InvalidRequestError("Send the parameters in the body: addresses are written into logs.")
    repeated = [name for name, values in request.form.lists() if len(values) > 1]
    if repeated:
        raise InvalidRequestError("Send every parameter once only.")
    for name in required:
        if not request.form.get(name):
            raise InvalidRequestError(f"The parameter {name} is missing: add it.")


@contextmanager
def noted_failures() -> Iterator[None]:
    """Count and audit a failed authentication, in a transaction of its own, before it is answered."""
    try:
        yield
    except FailedAuthentication:
        note_failure(g.get("claimed_client_id"))
        raise


def identify_caller(*, audiences: Collection[str], with_token: bool = False) -> Caller:
    """Return who calls. No transaction may be open.

    `audiences` are the addresses an assertion may be meant for; `with_token` lets an access token do instead.
    Raises FailedAuthentication, InvalidRequestError (two proofs at once), TooMany, Unauthenticated (a dead token).
    """
    g.claimed_client_id = None
    authorization, text = request.headers.get("Authorization"), request.form.get("client_assertion")
    if text is not None and (authorization is not None or "client_secret" in request.form):
        raise InvalidRequestError("Show who you are in one way only: by the client_assertion.")
    if text is None and with_token and authorization is not None:
        return _bearer(authorization)
    if text is None or request.form.get("client_assertion_type") != ASSERTION_TYPE:
        refuse_too_many(None)
        raise FailedAuthentication(
            f"Send a signed JWT as client_assertion, with client_assertion_type {ASSERTION_TYPE} (private_key_jwt)."
        )
    return _signer(text, audiences)


def _signer(text: str, audiences: Collection[str]) -> Caller:
    try:
        assertion = read_assertion(text)
    except BadAssertion as error:
        refuse_too_many(None)
        raise FailedAuthentication(str(error)) from None
    g.claimed_client_id = assertion.client_id
    refuse_too_many(assertion.client_id)
    if request.form.get("client_id", assertion.client_id) != assertion.client_id:
        raise FailedAuthentication("The client_id is not the sub of the assertion: leave the client_id out.")
    with reading() as session:
        row = client(session, assertion.client_id)
    if row is None:
        raise FailedAuthentication("This client is not registered, or was revoked: ask the operator.")
    now = database().clock()
    try:
        keys = _keys(row, assertion)
        proof = verify_assertion(assertion, keys, audiences=audiences, jwks_url=row.jwks_url, now=now)
    except BadAssertion as error:
        raise FailedAuthentication(str(error)) from None
    return Caller(row, proof)


def _keys(row: ClientRow, assertion: Assertion) -> tuple[Jwk, ...]:
    if row.jwks_url is None:
        return keys_for(keys_in(row.jwks), kid=assertion.kid, algorithm=assertion.algorithm)
    key_sets: KeySets = current_app.extensions["exchange_key_sets"]
    return key_sets.keys(row.jwks_url, kid=assertion.kid, algorithm=assertion.algorithm, now=database().clock())


def _bearer(authorization: str) -> Caller:
    kind, _, token = authorization.partition(" ")
    with reading() as session:
        found = living_token(session, token.strip()) if kind.lower() == "bearer" else None
    if found is None:
        raise Unauthenticated("This access token is not known, has expired or was revoked: ask for a new one.")
    return Caller(found[1])
