"""One interaction that a client asks for: on its own address, or as an entry of a Bundle. Both become an `Ask`."""

import re
from collections.abc import Set
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from flask import request
from werkzeug.datastructures import Headers

from exchange.domain.errors import Malformed
from exchange.web.fhir.negotiation import refuse_other_than_form, refuse_other_than_json
from fhir_mapping.bundle import Entry
from fhir_mapping.json_text import Json, JSONProblem, parse

REPRESENTATION: Final = "representation"
MINIMAL: Final = "minimal"
OUTCOME: Final = "OperationOutcome"
_RETURNS: Final = {name.lower(): name for name in (REPRESENTATION, MINIMAL, OUTCOME)}
_ETAG: Final = re.compile(r'(?:W/)?"(\d{1,9})"\Z')


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `Prefer` says: what a write returns, and whether an unknown parameter is refused. RFC 7240."""

    returns: str
    is_strict: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked, taken apart. `pairs` are the decoded parameters; `headers` hold the conditions."""

    type_name: str = ""
    document_id: str = ""
    version: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    resource: Json = field(default_factory=dict)
    headers: Headers = field(default_factory=Headers)
    wishes: Wishes = Wishes(REPRESENTATION)

    @property
    def query(self) -> str:
        """The parameters as a query string."""
        return urlencode(self.pairs)

    def without(self, names: Set[str]) -> "Ask":
        """Return the same ask without some parameters."""
        return replace(self, pairs=tuple(pair for pair in self.pairs if pair[0] not in names))


def wishes_of(prefer: list[str], *, returns: str = REPRESENTATION) -> Wishes:
    """Return what the `Prefer` headers say; `returns` holds where they say nothing."""
    said = dict(
        (name.strip().lower(), value.strip().strip('"').lower())
        for line in prefer
        for part in re.split("[,;]", line)
        for name, _, value in [part.partition("=")]
    )
    return Wishes(_RETURNS.get(said.get("return", ""), returns), said.get("handling") == "strict")


def asked_on_its_own(type_name: str = "", document_id: str = "", version: str = "") -> Ask:
    """Return what the current request asks. Raises UnsupportedMediaType, Malformed."""
    pairs = tuple(request.args.items(multi=True))
    resource: Json = {}
    if request.path.endswith("/_search"):
        refuse_other_than_form(request.content_type or "")
        pairs += tuple(request.form.items(multi=True))
    elif request.method in ("POST", "PUT"):
        resource = read_body()
    wishes = wishes_of(request.headers.getlist("Prefer"))
    return Ask(type_name, document_id, version, pairs, resource, request.headers, wishes)


def read_body() -> Json:
    """Return the JSON object of the request's body. Raises UnsupportedMediaType, Malformed with line and column."""
    refuse_other_than_json(request.content_type or "", request.headers.get("Content-Encoding", ""))
    try:
        resource = parse(request.get_data())
    except JSONProblem as problem:
        raise Malformed(problem.sentence, code="structure") from None
    if not isinstance(resource, dict):
        raise Malformed("The body is JSON but no resource: send one object with its resourceType.", code="structure")
    return resource


def version_asked(ask: Ask) -> int | None:
    """Return the version that If-Match names; None without one, or for `*`. Raises Malformed."""
    written = ask.headers.get("If-Match", "").strip()
    if written in ("", "*"):
        return None
    found = _ETAG.match(written)
    if found is None:
        raise Malformed('If-Match must hold one ETag of ours, such as W/"3".', expression="If-Match")
    return int(found[1])


def asked_in_entry(entry: Entry, type_name: str, document_id: str, version: str, query: str, wishes: Wishes) -> Ask:
    """Return what an entry of a Bundle asks."""
    conditions = {
        "If-Match": entry.if_match,
        "If-None-Match": entry.if_none_match,
        "If-None-Exist": entry.if_none_exist,
    }
    headers = Headers([(name, value) for name, value in conditions.items() if value is not None])
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return Ask(type_name, document_id, version, pairs, entry.resource or {}, headers, wishes)
