"""Extracted columns can be rebuilt from the documents, in batches, online."""

from sqlalchemy.orm import Session

from exchange.db import document, parameter
from fhir_mapping.json_text import parse
from fhir_mapping.search_parameters import extract


def reindex_documents(session: Session, type_name: str | None, *, after: str, limit: int) -> tuple[int, str | None]:
    """Rebuild one batch in the order of ids; return how many, and the last id (None when there are no more)."""
    batch = document.batch(session, type_name, after=after, limit=limit)
    for one in batch:
        parameter.index(session, one.type, one.id, extract(parse(one.body)))
    return len(batch), batch[-1].id if len(batch) == limit else None
