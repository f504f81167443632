"""The Task without the person."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.conformance import check
from fhir_mapping.mapped import errors
from fhir_mapping.resources.reduced_task import LEFT_OUT, is_reduced, task_without_person

TASK = Path(__file__).parents[1] / "data" / "fhir" / "task.json"
ELEMENTS = ["identifier",
            "basedOn", "groupIdentifier", "partOf", "focus", "for", "encounter", "note", "input", "output",
            "description", "text", "contained", "extension", "restriction", "insurance", "location"]  # fmt: skip


def a_task() -> dict[str, Any]:
    task: dict[str, Any] = json.loads(TASK.read_text(encoding="utf-8"))
    return task


def test_a_reduced_task_is_still_a_task() -> None:
    reduced = task_without_person(
        a_task() | {"id": "t1", "meta": {"versionId": "3", "lastUpdated": "2026-06-01T15:00:00Z"}}
    )

    missing = errors(check(reduced, expected_type="Task"))
    assert {one.expression for one in missing} <= LEFT_OUT
    assert {one.code for one in missing} == {"required"}
    assert is_reduced(reduced)
    assert not is_reduced(a_task())
    assert reduced["meta"]["versionId"] == "3"
    assert reduced["meta"]["tag"][0]["code"] == "SUBSETTED"


@given(st.sampled_from(ELEMENTS), st.text(alphabet="QXZ", min_size=6, max_size=9))
def test_no_other_element_gets_through(name: str, canary: str) -> None:
    reduced = task_without_person(a_task() | {name: [{"text": canary}]})

    assert canary not in json.dumps(reduced)
    assert name not in reduced


def test_words_and_names_do_not_get_through() -> None:
    reduced = task_without_person(
        a_task()
        | {
            "statusReason": {"text": "Canary", "coding": [{"system": "s", "code": "c", "display": "Canary"}]},
            "code": {"text": "Canary"},
            "requester": {"reference": "Practitioner/canary", "display": "Canary"},
            "owner": {"reference": "Organization/o1", "display": "Canary"},
        }
    )

    assert "canary" not in json.dumps(reduced).lower()
    assert reduced["statusReason"] == {"coding": [{"system": "s", "code": "c"}]}
    assert reduced["owner"] == {"reference": "Organization/o1"}
