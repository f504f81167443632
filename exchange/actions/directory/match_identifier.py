"""An organisation is matched by an identifier (an NPI, a tax number), never by its name."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from exchange.db import organization as organizations
from exchange.domain.errors import Unprocessable


def match_identifier(session: Session, pairs: Iterable[tuple[str, str]], path: str) -> str:
    """Return the id of the one member known by any of these (system, value).

    Raises Unprocessable when there is none, or several.
    """
    found = {one for system, value in pairs for one in organizations.with_identifier(session, system, value)}
    if len(found) == 1:
        return found.pop()
    problem = "is known by several organisations" if found else "is not known here"
    raise Unprocessable(
        f"This organisation {problem} by its identifiers: use the id that the directory search gives.",
        expression=path,
        code="multiple-matches" if found else "not-found",
    )
