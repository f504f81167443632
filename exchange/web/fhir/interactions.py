"""The table of interactions: method, address below the type, who carries it out. It makes routes and reads entries."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session
from werkzeug.exceptions import MethodNotAllowed

from exchange.domain.errors import NotFound
from exchange.web.fhir.asking import Ask
from exchange.web.fhir.create import create
from exchange.web.fhir.history_instance import history_instance
from exchange.web.fhir.read import read
from exchange.web.fhir.replying import Reply
from exchange.web.fhir.scope import permit_interaction
from exchange.web.fhir.search_type import search_type
from exchange.web.fhir.update import conditional_update, update
from exchange.web.fhir.vread import vread
from exchange.web.transaction import reading
from fhir_mapping.resource_types import RESOURCE_TYPES, ResourceType

ID: Final = r"[A-Za-z0-9\-.]{1,64}"
_PLACE: Final = re.compile(r"<fhir_id:(\w+)>")


@dataclass(frozen=True, slots=True)
class Interaction:
    """One row: `code` is FHIR's name, `name` ours; `reads(session, ask)` or `writes(ask)` carries it out."""

    name: str
    code: str
    method: str
    rule: str
    reads: Callable[[Session, Ask], Reply] | None = None
    writes: Callable[[Ask], Reply] | None = None

    def is_for(self, kind: ResourceType) -> bool:
        """Return whether a type has this interaction."""
        return self.code in kind.interactions and (self.name != "conditional_update" or kind.conditional_update)


INTERACTIONS: Final = (
    Interaction("read", "read", "GET", "/<fhir_id:document_id>", reads=read),
    Interaction("vread", "vread", "GET", "/<fhir_id:document_id>/_history/<fhir_id:version>", reads=vread),
    Interaction("history", "history-instance", "GET", "/<fhir_id:document_id>/_history", reads=history_instance),
    Interaction("search", "search-type", "GET", "", reads=search_type),
    Interaction("search_by_form", "search-type", "POST", "/_search", reads=search_type),
    Interaction("create", "create", "POST", "", writes=create),
    Interaction("update", "update", "PUT", "/<fhir_id:document_id>", writes=update),
    Interaction("conditional_update", "update", "PUT", "", writes=conditional_update),
)
_PATTERNS: Final = {
    interaction.name: re.compile(_PLACE.sub(rf"(?P<\1>{ID})", interaction.rule) + r"\Z") for interaction in INTERACTIONS
}


def carry_out(interaction: Interaction, ask: Ask) -> Reply:
    """Carry out an interaction in a transaction of its own. Raises Forbidden when the token's scopes do not reach."""
    permit_interaction(ask.type_name, interaction.code)
    if interaction.writes is not None:
        return interaction.writes(ask)
    assert interaction.reads is not None
    with reading() as session:
        return interaction.reads(session, ask)


def interaction_at(method: str, path: str) -> tuple[Interaction, str, dict[str, str]]:
    """Return the interaction of a method and a path below our base, its type, and the parts of the address.

    Raises NotFound for a type or an address that does not exist, MethodNotAllowed with the methods that do.
    """
    type_name, mark, rest = path.strip("/").partition("/")
    kind = RESOURCE_TYPES.get(type_name)
    if kind is None:
        raise NotFound(
            "This address names no resource type that is kept here: see /fhir/metadata.", code="not-supported"
        )
    methods = set()
    for interaction in INTERACTIONS:
        found = _PATTERNS[interaction.name].match(mark + rest)
        if found is None or not interaction.is_for(kind):
            continue
        if interaction.method == ("GET" if method == "HEAD" else method):
            return interaction, type_name, found.groupdict()
        methods |= {interaction.method} | ({"HEAD"} if interaction.method == "GET" else set())
    if not methods:
        raise NotFound(f"There is nothing at this address of {type_name}: see /fhir/metadata.", code="not-supported")
    allowed = sorted(methods)
    raise MethodNotAllowed(allowed, f"A {method} is not possible here: use {' or '.join(allowed)}.")
