"""What of the scopes a client asks for it is granted: all of it as it was asked, or nothing.

Source: SMART App Launch 2.2, "Backend Services", "Issue access token": what is asked must lie within what was
registered. Words that only a launch by a person gives a meaning are passed over.
"""

from exchange.domain.errors import Forbidden
from exchange.domain.scopes import is_within, parse_scopes


def grant_scope(asked: str, registered: str) -> str:
    """Return the scope to grant, in the form it was asked for (v1 or v2). Raises Forbidden for any excess."""
    held, _ = parse_scopes(registered)
    scopes, unknown = parse_scopes(asked)
    excess = [*unknown, *(scope.written for scope in scopes if not is_within(scope, held))]
    if excess:
        named = " ".join(excess)[:200]
        raise Forbidden(f"This client is not registered for: {named}. Ask for less, or have it registered for more.")
    if not scopes:
        raise Forbidden("None of these scopes can be granted to a program: ask for such as system/Task.rus.")
    return " ".join(scope.written for scope in scopes)
