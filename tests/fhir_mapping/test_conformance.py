"""The check: official and self-written documents pass, each kind of fault is refused with its place and a remedy."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.conformance import check
from fhir_mapping.json_text import JsonNumber, JSONProblem, parse
from fhir_mapping.mapped import Issue, errors
from fhir_mapping.resource_types import RESOURCE_TYPES
from tests.fhir_mapping.edits import OWN, both, change, document, drop, put

SHARED = Path(__file__).parents[3] / "shared" / "data"
EXAMPLES = SHARED / "sdohcc" / "examples"
BAD_INPUT = SHARED / "badinput"


OWN_NAMES = sorted(path.stem for path in OWN.glob("*.json"))


@pytest.mark.parametrize("name", OWN_NAMES)
def test_our_own_documents_pass_without_a_remark(name: str) -> None:
    assert check(document(name)) == ()


def test_our_own_documents_are_of_every_type_we_keep() -> None:
    kept = {name for name, kind in RESOURCE_TYPES.items() if name != "AuditEvent"}

    assert {document(name)["resourceType"] for name in OWN_NAMES} == kept | {"Bundle"}


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the official SDOHCC examples are not here")
def test_the_official_examples_pass_without_an_error() -> None:
    files = sorted(EXAMPLES.glob("*.json"))

    wrong = {path.name: found for path in files if (found := errors(check(parse(path.read_bytes()))))}

    assert wrong == {}
    assert len(files) >= 71


def test_a_task_that_failed_without_a_reason_is_kept_with_a_warning() -> None:
    issues = check(change("task", put("status", "failed")))

    assert [(issue.severity, issue.expression) for issue in issues] == [("warning", "Task.statusReason")]


def test_a_referral_task_that_claims_no_profile_is_still_held_to_what_the_exchange_needs() -> None:
    unclaimed = change("task", drop("meta", "focus", "authoredOn"))

    found = {(issue.severity, issue.expression) for issue in check(unclaimed)}

    assert found == {("error", "Task.focus"), ("warning", "Task.authoredOn")}


def test_a_profile_is_claimed_with_or_without_its_version() -> None:
    versioned = change("goal", put("subject.reference", "Group/1"))
    versioned["meta"]["profile"] = [versioned["meta"]["profile"][0] + "|3.0.0"]

    assert [issue.expression for issue in check(versioned)] == ["Goal.subject"]


def test_an_element_may_be_missing_where_an_extension_says_why() -> None:
    why = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}

    assert check(change("observation", both(drop("status"), put("_status", why)))) == ()
    assert check(change("patient", put("_gender", {"id": "a"}))) == ()
    assert check(change("patient", both(put("name.1.given", ["Rosa", None]), put("name.1._given", [None, why])))) == ()


def test_a_contained_document_may_be_named_and_may_name_its_container() -> None:
    device = {"resourceType": "Device", "id": "d1", "patient": {"reference": "#"}}
    holder = change("observation", both(put("contained", [device]), put("device", {"reference": "#d1"})))

    assert check(holder) == ()


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        1,
        {},
        {"resourceType": "Tusk"},
        {"resourceType": ["Task"]},
        {"resourceType": "Resource"},
        {"resourceType": "HumanName"},
    ],
)
def test_what_is_no_resource_is_refused(value: Any) -> None:
    (issue,) = check(value)

    assert (issue.severity, issue.expression) == ("error", "resourceType")


def test_a_document_of_another_type_than_the_address_is_refused() -> None:
    (issue,) = check(document("patient"), expected_type="Task")

    assert issue == Issue(
        "error", "invalid", "The document is a Patient, but this address takes Task; send it there.", "resourceType"
    )


def test_no_sentence_repeats_a_value_of_the_document() -> None:
    secret = "Zebulon-1931-04-05"
    spoilt = json.loads((OWN / "patient.json").read_text().replace('"1984-07-09"', f'"{secret}"'))
    spoilt |= {"gender": secret, "telecom": [{"system": secret, "value": secret}], "name": secret, "link": secret}

    issues = check(spoilt)

    assert len(issues) >= 4
    assert not any(secret in f"{issue.sentence}{issue.expression}" for issue in issues)


def test_the_list_of_issues_has_an_end() -> None:
    flood = change("patient", put("name", [{"use": "bogus"}] * 5000))

    assert len(check(flood)) == 100


def test_the_check_leaves_the_document_as_it_was() -> None:
    value = document("task")

    check(value)

    assert value == document("task")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers().map(lambda n: JsonNumber(str(n))) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["reference", "coding", "code", "system", "value", "url", "div"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(OWN_NAMES), st.data())
def test_whatever_stands_in_an_element_the_check_never_raises(name: str, data: st.DataObject) -> None:
    value = document(name)
    element = data.draw(st.sampled_from(sorted(value)))
    value[element] = data.draw(json_values)

    for issue in check(value):
        assert issue.severity in {"error", "warning"}
        assert issue.sentence[0].isupper()
        assert issue.sentence.endswith((".", ")"))


# What HL7's validator refuses and we keep, and why.
KEPT_ALL_THE_SAME = {
    "dr-example-org.json": "an address at example.org is an address",
    "pat-example-ext.json": "an extension we do not know is handed on",
    "maiden-name.json": "an extension we do not know is handed on",
    "patient-with-turvakielto.json": "an extension we do not know is handed on",
    "pat-security-bad-string.json": "text with tags is text; pages escape it",
    "obs-temp-bad.json": "the vital signs profile is not ours",
    "obs-vs-1.json": "the vital signs profile is not ours",
    "obs-temp-code2.json": "a code of a terminology we do not have",
    "qr-bad-ref2.json": "a canonical is not resolved",
    "sdoh-type-slice.json": "a display of a terminology we do not have",
    "nested-questionnaire-nested-valueset.json": "an extension we do not know is handed on",
}


@pytest.mark.skipif(not BAD_INPUT.is_dir(), reason="the shared corpus of malformed FHIR is not here")
def test_the_corpus_of_fhir_documents_is_judged_as_its_index_says() -> None:
    rows = [json.loads(line) for line in (BAD_INPUT / "INDEX.jsonl").read_text().splitlines()]
    judged = 0

    for row in rows:
        if row["set"] not in {"fhir", "r4-example"} or not row["file"].endswith(".json"):
            continue
        try:
            value = parse((BAD_INPUT / row["file"]).read_bytes())
        except JSONProblem:
            continue
        refused = bool(errors(check(value)))
        name = Path(row["file"]).name
        if not isinstance(value, dict) or value.get("resourceType") not in RESOURCE_TYPES:
            continue
        judged += 1
        if not row.get("expect_errors"):
            assert not refused, name
        elif not row["needs_profile_or_package"]:
            assert refused != (name in KEPT_ALL_THE_SAME), name

    assert judged > 100
