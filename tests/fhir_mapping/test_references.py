"""References: found, changed in a copy, told local from foreign, and released by a fixed list only."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.json_text import parse
from fhir_mapping.references import local_reference, references_in, released_references, with_references

OWN = Path(__file__).parents[1] / "data" / "fhir"
NAMES = sorted(path.stem for path in OWN.glob("*.json"))
BASE = "https://exchange.example/fhir"


def document(name: str) -> dict[str, Any]:
    value: dict[str, Any] = parse((OWN / f"{name}.json").read_bytes())
    return value


def test_every_reference_is_found_with_its_path() -> None:
    assert dict(references_in(document("task"))) == {
        "Task.focus": "ServiceRequest/sr-1",
        "Task.for": "Patient/pat-1",
        "Task.requester": "Organization/org-hospital",
        "Task.owner": "Organization/org-pantry",
        "Task.input[0].valueReference": "Observation/obs-1",
    }


def test_references_to_contained_documents_are_left_out() -> None:
    holder = {"resourceType": "Task", "owner": {"reference": "#a"}, "for": {"reference": "Patient/1"}}

    assert list(references_in(holder)) == [("Task.for", "Patient/1")]


@pytest.mark.parametrize("name", NAMES)
def test_a_change_that_answers_nothing_gives_an_equal_copy(name: str) -> None:
    value = document(name)

    copy = with_references(value, lambda text: None)

    assert copy == value
    assert all(copy[key] is not value[key] for key in value if isinstance(value[key], (dict, list)))


json_values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["reference", "div", "url", "contentType", "valueUri", "x"]), inner)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["a", "text", "reference", "div"]), json_values))
def test_any_document_survives_a_change_that_gives_back_what_it_was_given(value: dict[str, Any]) -> None:
    assert with_references(value, lambda text: None) == value
    assert with_references(value, lambda text: text) == with_references(value, lambda text: text)


def test_references_links_in_narrative_and_attachments_follow() -> None:
    old, new = "urn:uuid:1", "Patient/1?a=1&b=2"
    value = {
        "text": {"div": f"<div><a href=\"{old}\">x</a> <img src='{old}'/> {old}</div>"},
        "for": {"reference": old, "display": old},
        "content": [{"attachment": {"contentType": "text/plain", "url": old}}],
        "extension": [{"url": old, "valueUri": old}],
    }

    changed = with_references(value, {old: new}.get)

    assert changed == {
        "text": {
            "div": '<div><a href="Patient/1?a=1&amp;b=2">x</a> <img src="Patient/1?a=1&amp;b=2"/> urn:uuid:1</div>'
        },
        "for": {"reference": new, "display": old},
        "content": [{"attachment": {"contentType": "text/plain", "url": new}}],
        "extension": [{"url": old, "valueUri": new}],
    }


def test_numbers_keep_their_texts_when_references_change() -> None:
    value = parse(b'{"valueDecimal":1.50,"for":{"reference":"urn:uuid:1"}}')

    assert with_references(value, {"urn:uuid:1": "Patient/1"}.get)["valueDecimal"].text == "1.50"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient/1", ("Patient", "1")),
        (f"{BASE}/Patient/1", ("Patient", "1")),
        (f"{BASE}/Patient/1/_history/3", ("Patient", "1")),
        ("Patient/1/_history/3", ("Patient", "1")),
        ("https://other.example/fhir/Patient/1", None),
        (f"{BASE}x/Patient/1", None),
        ("Patient/1#a", None),
        ("Patient?identifier=1", None),
        ("Patient/../Task/1", None),
        ("patient/1", None),
        ("urn:uuid:1", None),
        ("#p", None),
        ("", None),
        (f"Patient/{'x' * 65}", None),
    ],
)
def test_a_reference_is_local_when_it_is_relative_or_below_our_base(
    text: str, expected: tuple[str, str] | None
) -> None:
    assert local_reference(text, BASE) == expected
    assert local_reference(text, BASE + "/") == expected


def test_a_referral_releases_what_its_task_names_but_not_its_owner() -> None:
    task = document("task") | {"output": [{"valueReference": {"reference": "Procedure/1"}}, {"valueString": "x"}]}
    task["basedOn"] = [{"reference": "CarePlan/1"}]

    assert set(released_references(task)) == {
        ("Task.focus", "ServiceRequest/sr-1"),
        ("Task.for", "Patient/pat-1"),
        ("Task.requester", "Organization/org-hospital"),
        ("Task.input[0].valueReference", "Observation/obs-1"),
        ("Task.output[0].valueReference", "Procedure/1"),
    }


def test_an_order_releases_what_it_names_and_the_goals_it_pertains_to() -> None:
    goal = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"
    order = document("service_request") | {
        "insurance": [{"reference": "Coverage/1"}],
        "encounter": {"reference": "Encounter/1"},
        "extension": [
            {"url": "https://else.example", "valueReference": {"reference": "Patient/2"}},
            {"url": goal, "valueReference": {"reference": "Goal/1"}},
        ],
    }

    assert {text for _, text in released_references(order)} == {
        "Patient/pat-1",
        "Organization/org-hospital",
        "Organization/org-pantry",
        "Condition/con-1",
        "Consent/cns-1",
        "Coverage/1",
        "Goal/1",
    }


def test_roles_release_their_person_and_observations_what_they_came_from() -> None:
    assert {text for _, text in released_references(document("practitioner_role"))} == {
        "Practitioner/prac-1",
        "Organization/org-hospital",
    }
    assert released_references(document("observation")) == (
        ("Observation.derivedFrom[0]", "QuestionnaireResponse/qr-1"),
    )


@pytest.mark.parametrize(
    "name", ["patient", "condition", "consent", "goal", "procedure", "document_reference", "group"]
)
def test_nothing_is_followed_from_other_types(name: str) -> None:
    assert released_references(document(name)) == ()


@given(json_values)
def test_no_shape_of_a_task_makes_the_release_list_raise(value: Any) -> None:
    task = {"resourceType": "Task", "focus": value, "input": value, "extension": value}

    assert all(isinstance(text, str) for _, text in released_references(task))
