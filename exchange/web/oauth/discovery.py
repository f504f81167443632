"""`GET /fhir/.well-known/smart-configuration`: what a client must know, always as application/json."""

from typing import Any, Final

from flask import jsonify
from flask.typing import ResponseReturnValue

from exchange.actions.clients.key_set import ALGORITHMS
from exchange.config import Config
from exchange.web.guard import Who, access
from exchange.web.oauth_addresses import oauth_addresses
from exchange.web.transaction import config
from fhir_mapping.resource_types import RESOURCE_TYPES, ResourceType, scope_letter

PATH: Final = "/fhir/.well-known/smart-configuration"
LETTERS: Final = "cruds"
CAPABILITIES: Final = ("client-confidential-asymmetric", "permission-v1", "permission-v2")


@access(Who.PUBLIC)
def smart_configuration() -> ResponseReturnValue:
    """Answer with the configuration, whatever Accept says; any page may read it."""
    response = jsonify(configuration(config()))
    response.headers.update({"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"})
    return response


def configuration(config: Config) -> dict[str, Any]:
    """Return the document of SMART App Launch 2.2, "Conformance", for a server of backend services.

    `code_challenge_methods_supported` stands there because the text requires it of every server, although there is no
    authorization endpoint; `issuer` and `response_types_supported` do not, because there is nothing to say.
    """
    addresses = oauth_addresses(config)
    proofs = {"methods_supported": ["private_key_jwt"], "signing_alg_values_supported": sorted(ALGORITHMS)}
    return {
        "token_endpoint": addresses.token,
        "introspection_endpoint": addresses.introspect,
        "revocation_endpoint": addresses.revoke,
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": scopes_supported(),
        "capabilities": list(CAPABILITIES),
        "code_challenge_methods_supported": ["S256"],
    } | {
        f"{endpoint}_endpoint_auth_{name}": value
        for endpoint in ("token", "introspection", "revocation")
        for name, value in proofs.items()
    }


def scopes_supported() -> list[str]:
    """Return the widest scope of each type, and of all, from the one table of types and interactions."""
    letters = {name: _letters(kind) for name, kind in RESOURCE_TYPES.items()}
    every = "".join(letter for letter in LETTERS if any(letter in held for held in letters.values()))
    return [f"system/*.{every}", *(f"system/{name}.{held}" for name, held in sorted(letters.items()))]


def _letters(kind: ResourceType) -> str:
    held = {scope_letter(interaction) for interaction in kind.interactions}
    return "".join(letter for letter in LETTERS if letter in held)
