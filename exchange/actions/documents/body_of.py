"""The content of a stored document, parsed once in a transaction: a send looks at the same ones again and again."""

from typing import Any

from sqlalchemy.orm import Session

from exchange.db.document import Document
from fhir_mapping.json_text import Json, parse


def body_of(session: Session, document: Document) -> Json:
    """Return the JSON of a document, shared by all of this transaction: build another from it, never change it."""
    known: dict[tuple[str, int], Any] = session.info.setdefault("contents", {})
    key = (document.id, document.version)
    if key not in known:
        known[key] = parse(document.body)
    found: Json = known[key]
    return found
