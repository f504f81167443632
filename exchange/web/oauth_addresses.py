"""Where the OAuth endpoints are: told by discovery, and by the deprecated `oauth-uris` of the CapabilityStatement."""

from dataclasses import dataclass

from exchange.config import Config

TOKEN_PATH = "/oauth/token"
INTROSPECT_PATH = "/oauth/introspect"
REVOKE_PATH = "/oauth/revoke"


@dataclass(frozen=True, slots=True)
class OAuthAddresses:
    """Absolute addresses. `token` is also the audience that an assertion must name."""

    token: str
    introspect: str
    revoke: str


def oauth_addresses(config: Config) -> OAuthAddresses:
    """Return the addresses below the base URL that clients see, whatever host a request came to."""
    base = config.base_url
    return OAuthAddresses(base + TOKEN_PATH, base + INTROSPECT_PATH, base + REVOKE_PATH)
