"""Bundles: taking a batch or transaction apart, and building those that we answer with.

Source: http://hl7.org/fhir/R4/http.html#transaction and http://hl7.org/fhir/R4/bundle.html#references.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fhir_mapping.json_text import Json, JsonText
from fhir_mapping.mapped import Issue
from fhir_mapping.references import with_references

_ORDER: Final = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
_WITH_RESOURCE: Final = frozenset({"POST", "PUT", "PATCH"})
_RESTFUL: Final = re.compile(r"(https?://.+/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})\Z")
_RELATIVE: Final = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?\Z")
_CONDITIONS: Final = {"ifNoneExist": "if_none_exist", "ifMatch": "if_match", "ifNoneMatch": "if_none_match"}


class BundleProblem(ValueError):
    """The Bundle cannot be taken apart; `issue` says why and where."""

    def __init__(self, sentence: str, expression: str, code: str = "invalid") -> None:
        super().__init__(sentence)
        self.issue = Issue("error", code, sentence, expression)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of a batch or transaction. `place` counts from 0 and is where its answer goes."""

    place: int
    method: str
    url: str
    full_url: str | None = None
    resource: Json | None = None
    if_none_exist: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None

    @property
    def expression(self) -> str:
        """The FHIRPath of the entry."""
        return f"Bundle.entry[{self.place}]"


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of a searchset. `mode` is match, include or outcome; `resource` may be stored text."""

    full_url: str | None
    resource: Json | JsonText
    mode: str = "match"


@dataclass(frozen=True, slots=True)
class Version:
    """An entry of a history: the version (None once deleted), and the request that made it."""

    full_url: str
    resource: Json | JsonText | None
    method: str
    url: str
    status: str
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one entry. `status` is an HTTP status with its phrase, `201 Created`."""

    status: str
    location: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    outcome: Json | JsonText | None = None
    resource: Json | JsonText | None = None


def entries_of(bundle: Json) -> tuple[Entry, ...]:
    """Return the requests of a batch or transaction Bundle, in the order they were written.

    Raises BundleProblem for another type, a wrong shape, an unknown method or a `fullUrl` that occurs twice.
    """
    if bundle.get("type") not in {"batch", "transaction"}:
        raise BundleProblem("Only a batch or a transaction can be posted here; set Bundle.type.", "Bundle.type")
    written = bundle.get("entry", [])
    if not isinstance(written, list):
        raise BundleProblem("Bundle.entry must be an array; put each entry into it.", "Bundle.entry")
    entries = tuple(_entry(place, item) for place, item in enumerate(written))
    _refuse_repeated_addresses(entries)
    return entries


def _entry(place: int, item: Any) -> Entry:
    path = f"Bundle.entry[{place}]"
    request = item.get("request") if isinstance(item, dict) else None
    if not isinstance(request, dict):
        raise BundleProblem(
            "The entry has no request; add request.method and request.url.", f"{path}.request", "required"
        )
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or method not in _ORDER:
        raise BundleProblem(
            "The method is none of GET, HEAD, POST, PUT, PATCH and DELETE; correct it.",
            f"{path}.request.method",
            "code-invalid",
        )
    if not isinstance(url, str) or not url or url[0].isspace():
        raise BundleProblem(
            "The entry does not say what it asks for; add request.url.", f"{path}.request.url", "required"
        )
    full_url, resource = item.get("fullUrl"), item.get("resource")
    if full_url is not None and not isinstance(full_url, str):
        raise BundleProblem("The fullUrl must be a text; correct it or leave it out.", f"{path}.fullUrl")
    if method in _WITH_RESOURCE and not isinstance(resource, dict):
        raise BundleProblem(f"A {method} needs the resource it writes; add it.", f"{path}.resource", "required")
    if method not in _WITH_RESOURCE and resource is not None:
        raise BundleProblem(f"A {method} carries no resource; leave it out.", f"{path}.resource")
    if method in {"POST", "PUT"}:
        _refuse_another_type(path, url, resource)
    return Entry(place, method, url, full_url, resource, **_conditions(path, request))


def _conditions(path: str, request: Json) -> dict[str, str]:
    found = {}
    for name, field in _CONDITIONS.items():
        value = request.get(name)
        if value is not None and not isinstance(value, str):
            raise BundleProblem(f"The condition {name} must be a text; correct it.", f"{path}.request.{name}")
        if value is not None:
            found[field] = value
    return found


def _refuse_another_type(path: str, url: str, resource: Json) -> None:
    asked = re.split(r"[/?]", url, maxsplit=1)[0]
    if resource.get("resourceType") != asked and "://" not in url:
        raise BundleProblem(
            "The resource is of another type than the address it is sent to; make them the same.",
            f"{path}.resource",
        )


def _refuse_repeated_addresses(entries: Sequence[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.full_url is not None and entry.full_url in seen:
            raise BundleProblem(
                "The same fullUrl stands on two entries; give each entry its own.",
                f"{entry.expression}.fullUrl",
                "duplicate",
            )
        seen.add(entry.full_url or "")


def resolve(entries: Iterable[Entry], assigned: Mapping[str, str]) -> tuple[Entry, ...]:
    """Return the entries with every reference to another entry replaced by the address it was assigned.

    `assigned` maps a fullUrl (or a conditional reference, `Patient?identifier=…`) to `Type/id`. A `urn:` is looked up
    as it is; a relative reference in an entry with an http fullUrl is first completed with that address's base; a
    version (`/_history/n`) is dropped when the document is part of the Bundle. All else stays as written.
    """
    return tuple(
        entry if entry.resource is None else replace(entry, resource=_resolved(entry, entry.resource, assigned))
        for entry in entries
    )


def _resolved(entry: Entry, resource: Json, assigned: Mapping[str, str]) -> Json:
    restful = _RESTFUL.match(entry.full_url or "")
    base = restful[1] if restful else ""

    def change(text: str) -> str | None:
        address = base + text if base and _RELATIVE.match(text) else text
        address, mark, fragment = address.partition("#")
        found = assigned.get(address) or assigned.get(address.partition("/_history/")[0])
        return f"{found}{mark}{fragment}" if found else None

    return with_references(resource, change)


def processing_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries as a transaction works through them: DELETE, POST, PUT and PATCH, then GET and HEAD."""
    return tuple(sorted(entries, key=lambda entry: _ORDER[entry.method]))


def searchset(
    found: Iterable[Found],
    *,
    self_url: str,
    last_updated: str,
    next_url: str | None = None,
    total: int | None = None,
) -> Json:
    """Return a searchset. `last_updated` is the watermark: a poller that asks from there misses nothing."""
    bundle = _bundle("searchset", self_url, next_url, total)
    bundle["meta"] = {"lastUpdated": last_updated}
    entries = [
        _without_nothing({"fullUrl": item.full_url, "resource": item.resource, "search": {"mode": item.mode}})
        for item in found
    ]
    return bundle | ({"entry": entries} if entries else {})


def history(
    versions: Iterable[Version], *, self_url: str, next_url: str | None = None, total: int | None = None
) -> Json:
    """Return a history Bundle, newest version first as given."""
    entries = [
        _without_nothing(
            {
                "fullUrl": version.full_url,
                "resource": version.resource,
                "request": {"method": version.method, "url": version.url},
                "response": {
                    "status": version.status,
                    "etag": version.etag,
                    "lastModified": version.last_modified,
                },
            }
        )
        for version in versions
    ]
    return _bundle("history", self_url, next_url, total) | ({"entry": entries} if entries else {})


def transaction_response(answers: Iterable[Answer]) -> Json:
    """Return the answer to a transaction, in the order of its entries."""
    return _responses("transaction-response", answers)


def batch_response(answers: Iterable[Answer]) -> Json:
    """Return the answer to a batch, in the order of its entries."""
    return _responses("batch-response", answers)


def operation_outcome(issues: Iterable[Issue]) -> Json:
    """Return an OperationOutcome of the issues; without any, one that says that all went well."""
    listed = tuple(issues) or (Issue("information", "informational", "All went well."),)
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in listed]}


def _issue(issue: Issue) -> Json:
    written = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.sentence}
    return written | ({"expression": [issue.expression]} if issue.expression else {})


def _responses(kind: str, answers: Iterable[Answer]) -> Json:
    entries = [
        _without_nothing(
            {
                "resource": answer.resource,
                "response": _without_nothing(
                    {
                        "status": answer.status,
                        "location": answer.location,
                        "etag": answer.etag,
                        "lastModified": answer.last_modified,
                        "outcome": answer.outcome,
                    }
                ),
            }
        )
        for answer in answers
    ]
    return {"resourceType": "Bundle", "type": kind} | ({"entry": entries} if entries else {})


def _bundle(kind: str, self_url: str, next_url: str | None, total: int | None) -> Json:
    links = [{"relation": "self", "url": self_url}]
    if next_url is not None:
        links.append({"relation": "next", "url": next_url})
    bundle: Json = {"resourceType": "Bundle", "type": kind, "link": links}
    return bundle if total is None else bundle | {"total": total}


def _without_nothing(written: Json) -> Json:
    return {name: value for name, value in written.items() if value is not None}
