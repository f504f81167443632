"""Entries of a batch or transaction as interactions of this door."""

from typing import Final

from exchange.domain.errors import Malformed
from exchange.web.fhir.asking import MINIMAL, Ask, Wishes, asked_in_entry
from exchange.web.fhir.interactions import Interaction, interaction_at
from exchange.web.transaction import config
from fhir_mapping.bundle import BundleProblem, Entry, entries_of
from fhir_mapping.json_text import Json

MOST: Final = 500


def read_entries(bundle: Json) -> tuple[Entry, ...]:
    """Return the entries of a Bundle. Raises Malformed naming the place."""
    try:
        entries = entries_of(bundle)
    except BundleProblem as problem:
        issue = problem.issue
        raise Malformed(issue.sentence, expression=issue.expression, code=issue.code) from None
    if len(entries) > MOST:
        raise Malformed(
            f"A Bundle may have {MOST} entries: send it in parts.", expression="Bundle.entry", code="too-costly"
        )
    return entries


def interaction_of(entry: Entry, wishes: Wishes) -> tuple[Interaction, Ask]:
    """Return what an entry asks. Raises NotFound, MethodNotAllowed as an address of its own would."""
    path, _, query = entry.url.removeprefix(config().fhir_base + "/").partition("?")
    interaction, type_name, parts = interaction_at(entry.method, path)
    if interaction.name == "search_by_form":
        raise Malformed("Inside a Bundle a search is a GET: put its parameters into the url.", expression="request.url")
    ask = asked_in_entry(entry, type_name, parts.get("document_id", ""), parts.get("version", ""), query, wishes)
    return interaction, ask


def wishes_of_entries(wishes: Wishes, *, is_said: bool) -> Wishes:
    """Return what entries return: a written resource comes back only where `Prefer` says so."""
    return wishes if is_said else Wishes(MINIMAL, wishes.is_strict)
