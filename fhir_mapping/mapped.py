"""What a tolerant reading returns: the value, and what there was to say about it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Issue:
    """One remark on a document: a whole sentence, and where it applies.

    `severity` is a code of http://hl7.org/fhir/R4/valueset-issue-severity.html (fatal, error, warning, information),
    `code` one of http://hl7.org/fhir/R4/valueset-issue-type.html, `expression` a FHIRPath to the element.
    """

    severity: str
    code: str
    sentence: str
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class Mapped(Generic[T]):
    """A value read from a document, with the remarks made while reading it."""

    value: T
    issues: tuple[Issue, ...] = ()


def errors(issues: tuple[Issue, ...]) -> tuple[Issue, ...]:
    """Return the issues that forbid the document: errors and fatal ones."""
    return tuple(issue for issue in issues if issue.severity in {"error", "fatal"})
