"""The CapabilityStatement, made once from the tables that route and search. http://hl7.org/fhir/R4/http.html#capabilities."""

from datetime import UTC, datetime
from functools import cache
from typing import Final

from flask import Response

from exchange.web.fhir.replying import Reply, response_of
from exchange.web.guard import Who, access
from exchange.web.oauth_addresses import OAuthAddresses, oauth_addresses
from exchange.web.transaction import config
from fhir_mapping.capability import capability_statement
from fhir_mapping.json_text import dump

VERSION: Final = "0.1.0"
PUBLISHED: Final = datetime(2026, 11, 23, tzinfo=UTC)


@access(Who.PUBLIC)
def metadata() -> Response:
    """Answer the CapabilityStatement: to anybody, whatever the token."""
    return response_of(Reply(200, statement(config().fhir_base, oauth_addresses(config()))))


@cache
def statement(fhir_base: str, oauth: OAuthAddresses) -> bytes:
    """Return the CapabilityStatement of a base address, as JSON."""
    return dump(
        capability_statement(
            base_url=fhir_base,
            oauth_token_url=oauth.token,
            oauth_introspect_url=oauth.introspect,
            oauth_revoke_url=oauth.revoke,
            published_at=PUBLISHED,
            version=VERSION,
        )
    )
