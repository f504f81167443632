"""The validator's own cases through every door that writes: what is wrong is refused, what is right comes back."""

import json
from typing import Any, Final

import pytest

from fhir_mapping.conformance import check
from fhir_mapping.json_text import JSONProblem, dump, parse
from fhir_mapping.references import with_references
from fhir_mapping.resource_types import RESOURCE_TYPES
from tests.exchange.strict_input.conftest import Watch, issue_of
from tests.exchange.strict_input.corpus import ABSENT, Line, content, files, label
from tests.exchange.web.fhir.conftest import Caller, Json, a_patient, json_of
from tests.reliability import Reached, sizes

ELSEWHERE: Final = "https://elsewhere.example/fhir/"
#  where a verdict is another than the validator's, and why (docs/divergences.md, "The check of documents")
TERMINOLOGY: Final = "terminology servers, displays and vital signs are not asked (decision 0020)"
DEFINITIONS: Final = "whether an extension or a canonical is defined, and where, is not asked"
OTHER_BUNDLES: Final = "only batch and transaction Bundles are taken; no other is kept, so the door refuses it"
WHAT_WE_TAKE: Final = {
    "bundle-document-versioned-references-bad.json": OTHER_BUNDLES,
    "bundle-duplicate-id.json": OTHER_BUNDLES,
    "bundle-id-search-2.json": OTHER_BUNDLES,
    "bundle-id-search-3.json": OTHER_BUNDLES,
    "bundle-id-search-4.json": OTHER_BUNDLES,
    "bundle-id-collection.json": OTHER_BUNDLES,
    "uk-msg.json": OTHER_BUNDLES,
    "PulseOxBundle_25Oct2022.json": OTHER_BUNDLES,
    "signatures__example-2.json": OTHER_BUNDLES,
    "dr-example-org.json": "an address below example.org is an address",
    "pat-security-bad-string.json": "text is text: what looks like markup is escaped where it is shown",
    "obs-temp-bad.json": TERMINOLOGY,
    "sdoh-type-slice.json": TERMINOLOGY,
    "obs-vs-1.json": TERMINOLOGY,
    "obs-temp-code2.json": TERMINOLOGY,
    "qr-bad-ref2.json": DEFINITIONS,
    "pat-example-ext.json": DEFINITIONS,
    "nested-questionnaire-nested-valueset.json": DEFINITIONS,
    "maiden-name.json": DEFINITIONS,
    "patient-with-turvakielto.json": DEFINITIONS,
}
WHAT_WE_REFUSE: Final = {
    "parameters-reference.json": "Parameters are not kept; a reference to a part of them is read as one to a contained",
    "shc.json": "a card's `resource:0` is no address of a document; Bundles of type collection are not kept",
    "shc-bundle.json": "a byte order mark (RFC 8259 §8.1 leaves it to us)",
}


def name_of(line: Line) -> str:
    return str(line["file"]).rpartition("/")[2]


def cases() -> list[Line]:
    return [line for line in files("fhir", "r4-example") if line["file"].endswith(".json")]


def expected(line: Line) -> str:
    """Return `valid`, `invalid`, or `open` where a profile or package decides that nobody has here."""
    if line.get("expect_errors", 0) == 0:
        return "valid"
    return "open" if line["needs_profile_or_package"] else "invalid"


def read(line: Line) -> Any:
    try:
        return parse(content(line))
    except JSONProblem:
        return None


def kept(document: Any) -> bool:
    """Return whether clients may create documents of this type at all."""
    kind = RESOURCE_TYPES.get(str(document.get("resourceType"))) if isinstance(document, dict) else None
    return kind is not None and kind.writable


def apart(document: Json) -> Json:
    """Return a document without its id, its references made to name what lies elsewhere: nothing here is named."""

    def elsewhere(text: str) -> str | None:
        if text.startswith("#") or "://" in text:
            return None
        return "https://elsewhere.example/entry" if text.startswith("urn:") or "?" in text else f"{ELSEWHERE}{text}"

    return {name: value for name, value in with_references(document, elsewhere).items() if name != "id"}


def content_of(document: Json) -> Json:
    """Return what must come back as it went in: all but id and what is ours in meta."""
    meta = {name: one for name, one in document.get("meta", {}).items() if name not in ("versionId", "lastUpdated")}
    return {name: one for name, one in document.items() if name not in ("id", "meta")} | (
        {"meta": meta} if meta else {}
    )


@ABSENT
def test_the_check_agrees_with_the_validator_or_says_why_not() -> None:
    taken, refused = set(), set()
    for line in cases():
        document = read(line)
        is_right = document is not None and not [one for one in check(document) if one.severity == "error"]
        if is_right and expected(line) == "invalid":
            taken.add(name_of(line))
        if not is_right and expected(line) == "valid":
            refused.add(name_of(line))

    assert taken == WHAT_WE_TAKE.keys()
    assert refused == WHAT_WE_REFUSE.keys()


@ABSENT
@pytest.mark.invariant(
    "strict-fhir-corpus",
    "Of the validator's cases the wrong ones are refused or explained, the right ones are kept and come back equal.",
)
@pytest.mark.parametrize("count", sizes(60, 300))
def test_what_is_wrong_is_refused_and_what_is_right_comes_back(
    count: int, sender: Caller, watch: Watch, reached: Reached
) -> None:
    lines, differing, stored = cases()[:: max(1, len(cases()) // count)], [], 0
    for line in lines:
        document = read(line)
        path = f"/{document['resourceType']}" if kept(document) else "/Patient"
        asked = watch.fhir(name_of(line), sender.post(path, content(line)))
        if expected(line) == "invalid" and name_of(line) not in WHAT_WE_TAKE and asked.status_code not in (400, 422):
            differing.append((name_of(line), asked.status_code))
        if not kept(document):
            continue
        for answer in everywhere(sender, watch, name_of(line), apart(document)):
            if answer is None and expected(line) == "valid":
                differing.append((name_of(line), "a valid document is refused"))
            if answer is not None:
                stored += 1
                if content_of(parse(dump(answer))) != content_of(apart(document)):
                    differing.append((name_of(line), "what came back is not what was sent"))

    assert watch.broken == []
    assert differing == [], label(differing)
    reached(files=len(lines), requests=watch.sent, stored=stored, faults=0)


def everywhere(sender: Caller, watch: Watch, case: str, document: Json) -> list[Json | None]:
    """Send a document through each door that writes; return what was kept at each, None where it was refused."""
    kind = str(document["resourceType"])
    made = watch.fhir(case, sender.post(f"/{kind}", dump(document)))
    found: list[Json | None] = [read_back(sender, made.headers["Location"]) if made.status_code == 201 else None]
    if found[0] is not None:
        again = watch.fhir(case, sender.put(f"/{kind}/{found[0]['id']}", dump(found[0])))
        found.append(read_back(sender, again.headers["Location"]) if again.status_code == 200 else None)
    entry = {"fullUrl": "urn:uuid:1", "resource": document, "request": {"method": "POST", "url": kind}}
    for bundle_type in ("batch", "transaction"):
        bundle = {"resourceType": "Bundle", "type": bundle_type, "entry": [entry]}
        answer = watch.fhir(case, sender.post("", dump(bundle)))
        said = json_of(answer)["entry"][0]["response"] if answer.status_code == 200 else {}
        if str(said.get("status", "")).startswith("5"):
            watch.broken.append((case, 500, bundle_type))
        found.append(read_back(sender, said["location"]) if said.get("location") else None)
    return found


def read_back(sender: Caller, location: str) -> Json:
    """Return a document with its numbers as they are written."""
    found: Json = parse(sender.get(location.partition("/_history")[0]).data)
    return found


@ABSENT
@pytest.mark.parametrize("path", ["/Patient", "/Patient/some-id", ""])
def test_xml_is_refused_unread_whatever_it_says_it_is(path: str, sender: Caller, watch: Watch) -> None:
    written = [*files("xml"), *(line for line in files("fhir") if line["file"].endswith(".xml"))]
    method = "PUT" if path.endswith("id") else "POST"

    said = set()
    for line in written:
        for media in ("application/fhir+xml", "application/xml", "text/xml; charset=utf-16", "text/plain"):
            answer = watch.fhir(name_of(line), sender.ask(method, path, content(line), Content_Type=media))
            said.add((answer.status_code, issue_of(answer)["code"]))
        answer = watch.fhir(name_of(line), sender.ask(method, path, content(line)))
        said.add((answer.status_code, issue_of(answer)["code"]))

    assert watch.broken == []
    assert len(written) > 10
    assert said == {(415, "not-supported"), (400, "structure")}


@ABSENT
def test_a_narrative_of_the_corpus_is_kept_as_it_is_or_refused(sender: Caller, watch: Watch) -> None:
    kept_back = []
    for line in files("fhir-xhtml"):
        text = content(line).decode("utf-8", "replace").replace("\0", "")
        for div in (text, f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'):
            patient = a_patient(text={"status": "generated", "div": div})
            answer = watch.fhir(name_of(line), sender.post("/Patient", json.dumps(patient)))
            if answer.status_code == 201:
                kept_back.append(json_of(answer)["text"]["div"] == div and "<script" not in div)
            else:
                assert answer.status_code == 422

    assert watch.broken == []
    assert False not in kept_back
