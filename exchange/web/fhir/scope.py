"""The scope that an interaction needs, asked of the token that came with the request."""

from exchange.domain.errors import Forbidden
from exchange.domain.scopes import allows
from exchange.web.guard import current_scopes
from fhir_mapping.resource_types import scope_letter


def permit_interaction(type_name: str, interaction: str) -> None:
    """Raise Forbidden unless the token's scopes reach this interaction on this type."""
    letter = scope_letter(interaction)
    if not allows(current_scopes(), type_name, letter):
        raise Forbidden(
            f"This token does not reach that: ask for a token with the scope system/{type_name}.{letter}.",
            code="forbidden",
        )
