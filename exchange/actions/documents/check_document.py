"""A document is checked before it is kept: outside the transaction, because it needs nothing of the database."""

from dataclasses import dataclass
from typing import Any

from exchange.domain.errors import Invalid
from fhir_mapping.conformance import check
from fhir_mapping.json_text import Json
from fhir_mapping.mapped import Issue, errors


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A document that holds what its type asks, and what else there was to say about it."""

    document: Json
    issues: tuple[Issue, ...] = ()


def check_document(document: Any, *, expected_type: str | None = None) -> CheckedDocument:
    """Return the document as checked. Raises Invalid with every place that is wrong."""
    issues = check(document, expected_type=expected_type)
    wrong = errors(issues)
    if wrong:
        raise Invalid(wrong)
    return CheckedDocument(document, issues)
