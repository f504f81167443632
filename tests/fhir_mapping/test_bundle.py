"""Bundles: taken apart with a clear refusal, resolved as R4 says, and built well-formed."""

from pathlib import Path
from typing import Any

import pytest

from fhir_mapping import bundle as bundles
from fhir_mapping.bundle import Answer, BundleProblem, Found, Version, entries_of, processing_order, resolve
from fhir_mapping.conformance import check
from fhir_mapping.json_text import JsonText, dump, parse
from fhir_mapping.mapped import Issue
from fhir_mapping.references import references_in

OWN = Path(__file__).parents[1] / "data" / "fhir"
AT = "2026-11-23T10:00:00.000Z"


def a_bundle() -> dict[str, Any]:
    value: dict[str, Any] = parse((OWN / "referral_bundle.json").read_bytes())
    return value


def with_entry(**parts: Any) -> dict[str, Any]:
    entry = {
        "fullUrl": "urn:uuid:1",
        "resource": {"resourceType": "Patient"},
        "request": {"method": "POST", "url": "Patient"},
    }
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry | parts]}


def test_a_referral_is_taken_apart_in_its_order() -> None:
    entries = entries_of(a_bundle())

    assert [(entry.method, entry.url) for entry in entries] == [
        ("POST", name) for name in ("Patient", "Condition", "Consent", "ServiceRequest", "Task")
    ]
    assert entries[0].if_none_exist == "identifier=https://mercy-hospital.example/mrn|MRN-20417"
    assert [entry.expression for entry in entries] == [f"Bundle.entry[{place}]" for place in range(5)]


@pytest.mark.parametrize(
    ("bundle", "expression", "words"),
    [
        (with_entry() | {"type": "collection"}, "Bundle.type", "batch or a transaction"),
        (with_entry() | {"entry": {}}, "Bundle.entry", "must be an array"),
        (with_entry() | {"entry": ["x"]}, "Bundle.entry[0].request", "no request"),
        (with_entry(request=None), "Bundle.entry[0].request", "no request"),
        (with_entry(request={"method": "MERGE", "url": "Patient"}), "Bundle.entry[0].request.method", "none of GET"),
        (with_entry(request={"method": ["POST"], "url": "Patient"}), "Bundle.entry[0].request.method", "none of GET"),
        (with_entry(request={"method": "POST"}), "Bundle.entry[0].request.url", "add request.url"),
        (with_entry(request={"method": "POST", "url": ""}), "Bundle.entry[0].request.url", "add request.url"),
        (with_entry(resource=None), "Bundle.entry[0].resource", "add it"),
        (with_entry(request={"method": "GET", "url": "Patient"}), "Bundle.entry[0].resource", "leave it out"),
        (with_entry(resource={"resourceType": "Task"}), "Bundle.entry[0].resource", "another type"),
        (with_entry(fullUrl=7), "Bundle.entry[0].fullUrl", "must be a text"),
        (
            with_entry(request={"method": "POST", "url": "Patient", "ifNoneExist": 1}),
            "Bundle.entry[0].request.ifNoneExist",
            "must be a text",
        ),
        (
            {"resourceType": "Bundle", "type": "batch", "entry": with_entry()["entry"] * 2},
            "Bundle.entry[1].fullUrl",
            "stands on two entries",
        ),
    ],
)
def test_a_bundle_of_the_wrong_shape_is_refused_with_its_place(bundle: Any, expression: str, words: str) -> None:
    with pytest.raises(BundleProblem, match=words) as problem:
        entries_of(bundle)

    assert (problem.value.issue.severity, problem.value.issue.expression) == ("error", expression)


def test_entries_without_a_full_url_may_repeat() -> None:
    entry = {"request": {"method": "GET", "url": "Task?status=requested"}}

    assert len(entries_of({"type": "batch", "entry": [entry, entry]})) == 2
    assert entries_of({"type": "batch"}) == ()


def test_urns_become_the_assigned_addresses_and_narrative_follows() -> None:
    entries = entries_of(a_bundle())
    assigned = {entry.full_url or "": f"{entry.url}/id-{entry.place}" for entry in entries}

    resolved = resolve(entries, assigned)

    patient, *_, order, task = (entry.resource for entry in resolved)
    assert task is not None
    assert order is not None
    assert patient is not None
    assert dict(references_in(task)) == {
        "Task.focus": "ServiceRequest/id-3",
        "Task.for": "Patient/id-0",
        "Task.requester": "Organization/org-hospital",
        "Task.owner": "Organization/org-pantry",
    }
    assert order["supportingInfo"] == [{"reference": "Consent/id-2"}]
    assert 'href="Condition/id-1"' in patient["text"]["div"]
    assert not any("urn:uuid" in dump(entry.resource).decode() for entry in resolved)


def test_a_relative_reference_is_completed_with_the_base_of_its_own_entry() -> None:
    entries = entries_of(
        {
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": "https://a.example/fhir/Patient/1",
                    "resource": {"resourceType": "Patient"},
                    "request": {"method": "POST", "url": "Patient"},
                },
                *(
                    {
                        "fullUrl": full_url,
                        "resource": {"resourceType": "Task", "for": {"reference": text}},
                        "request": {"method": "POST", "url": "Task"},
                    }
                    for full_url, text in (
                        ("https://a.example/fhir/Task/1", "Patient/1"),
                        ("https://b.example/fhir/Task/2", "Patient/1"),
                        ("urn:uuid:3", "Patient/1"),
                        ("urn:uuid:4", "https://a.example/fhir/Patient/1/_history/2"),
                    )
                ),
            ],
        }
    )

    resolved = resolve(entries, {"https://a.example/fhir/Patient/1": "Patient/new"})

    targets = [entry.resource["for"]["reference"] for entry in resolved[1:] if entry.resource]
    assert targets == ["Patient/new", "Patient/1", "Patient/1", "Patient/new"]


def test_conditional_references_are_assigned_like_addresses() -> None:
    entries = entries_of(
        with_entry(resource={"resourceType": "Patient", "link": [{"other": {"reference": "Patient?x=1"}}]})
    )

    (entry,) = resolve(entries, {"Patient?x=1": "Patient/7"})

    assert entry.resource is not None
    assert entry.resource["link"][0]["other"]["reference"] == "Patient/7"


def test_a_transaction_is_worked_through_in_the_order_of_r4() -> None:
    requests = [("GET", "Task"), ("PUT", "Task/1"), ("POST", "Task"), ("DELETE", "Task/2"), ("POST", "Patient")]
    entries = entries_of(
        {
            "type": "transaction",
            "entry": [
                {"request": {"method": method, "url": url}}
                | ({"resource": {"resourceType": url.partition("/")[0]}} if method in {"PUT", "POST"} else {})
                for method, url in requests
            ],
        }
    )

    assert [entry.place for entry in processing_order(entries)] == [3, 2, 4, 1, 0]


OUTCOME = bundles.operation_outcome([Issue("warning", "required", "Something is missing.", "Task.statusReason")])


@pytest.mark.parametrize(
    "built",
    [
        bundles.searchset([], self_url="https://x.example/Task", last_updated=AT),
        bundles.searchset(
            [
                Found("https://x.example/Patient/1", {"resourceType": "Patient", "id": "1"}),
                Found("https://x.example/Patient/2", {"resourceType": "Patient", "id": "2"}, "include"),
                Found(None, OUTCOME, "outcome"),
            ],
            self_url="https://x.example/Patient",
            last_updated=AT,
            next_url="https://x.example/Patient?page=2",
            total=0,
        ),
        bundles.history(
            [
                Version(
                    "https://x.example/Patient/1",
                    {"resourceType": "Patient", "id": "1"},
                    "POST",
                    "Patient",
                    "201 Created",
                    'W/"1"',
                    AT,
                )
            ],
            self_url="https://x.example/Patient/1/_history",
            total=1,
        ),
        bundles.transaction_response([Answer("201 Created", "Patient/1/_history/1", 'W/"1"', AT)]),
        bundles.batch_response([Answer("404 Not Found", outcome=OUTCOME), Answer("200 OK", resource=OUTCOME)]),
        bundles.operation_outcome([]),
        OUTCOME,
    ],
)
def test_what_we_build_passes_our_own_check(built: dict[str, Any]) -> None:
    assert check(built) == ()


def test_an_outcome_says_severity_code_sentence_and_place() -> None:
    assert OUTCOME["issue"] == [
        {
            "severity": "warning",
            "code": "required",
            "diagnostics": "Something is missing.",
            "expression": ["Task.statusReason"],
        }
    ]


def test_a_total_is_given_only_when_asked_for() -> None:
    assert "total" not in bundles.searchset([], self_url="u", last_updated=AT)
    assert bundles.searchset([], self_url="u", last_updated=AT, total=0)["total"] == 0


def test_stored_text_goes_into_a_searchset_as_it_is() -> None:
    text = '{"resourceType":"Patient","id":"1","extension":[{"url":"u","valueDecimal":1.50}]}'

    written = dump(bundles.searchset([Found("u", JsonText(text))], self_url="s", last_updated=AT)).decode()

    assert text in written
