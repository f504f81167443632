"""Page tokens: what continues a search, sealed, so that neither the query nor the place can be read or changed.

A token is of one organisation and one type, for a day; the search it continues is authorised again on each page.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exchange.db.base import microseconds
from exchange.db.sealing import KeyRing, SealBroken, Sealed
from exchange.domain.errors import Forbidden, Malformed

LASTS: Final = timedelta(days=1)
LONGEST: Final = 8_000


@dataclass(frozen=True, slots=True)
class PlaceInSearch:
    """Where a search goes on: its parameters, the key behind which, and the watermark of its first page."""

    pairs: tuple[tuple[str, str], ...]
    after: tuple[int, str]
    watermark: int


def page_token(keys: KeyRing, place: PlaceInSearch, *, organization_id: str, type_name: str, now: datetime) -> str:
    """Return the token that continues a search."""
    content = {
        "query": place.pairs,
        "after": place.after,
        "watermark": place.watermark,
        "organization": organization_id,
        "expires": microseconds(now + LASTS),
    }
    sealed = keys.seal(json.dumps(content).encode(), f"page/{type_name}")
    return f"{sealed.key_id}.{urlsafe_b64encode(sealed.body).decode().rstrip('=')}"


def place_of(keys: KeyRing, token: str, *, organization_id: str, type_name: str, now: datetime) -> PlaceInSearch:
    """Return what a token continues. Raises Malformed when it is broken or has run out, Forbidden when it is another
    organisation's."""
    key_id, _, body = token.partition(".")
    try:
        sealed = Sealed(key_id, urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        content = json.loads(keys.open(sealed, f"page/{type_name}"))
    except (SealBroken, NotBase64, ValueError):
        raise Malformed("This page cannot be continued: start the search again.", expression="_page") from None
    if content["organization"] != organization_id:
        raise Forbidden("This page belongs to another organisation's search: start your own.", expression="_page")
    if content["expires"] <= microseconds(now):
        raise Malformed("This page has expired: start the search again.", expression="_page", code="expired")
    stamp, document_id = content["after"]
    pairs = tuple((name, value) for name, value in content["query"])
    return PlaceInSearch(pairs, (stamp, document_id), content["watermark"])
