"""Whatever the models of fhir.resources refuse, the check refuses too: on faults drawn at random and on real ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import example, given
from hypothesis import strategies as st

from fhir_mapping.conformance import check
from fhir_mapping.json_text import JsonNumber, JSONProblem, parse
from fhir_mapping.mapped import errors

OWN = Path(__file__).parents[1] / "data" / "fhir"
CORPUS = Path(__file__).parents[3] / "shared" / "data" / "badinput" / "fhir"
NAMES = sorted(path.stem for path in OWN.glob("*.json"))

# Where the models are stricter than FHIR: an email address or a url of a form they do not know, for instance.
OWN_IDEAS = ("url_", "uri_", "email")


def document(name: str) -> dict[str, Any]:
    value: dict[str, Any] = parse((OWN / f"{name}.json").read_bytes())
    return value


def plain(value: Any) -> Any:
    """Return the value with numbers as the models take them."""
    if isinstance(value, JsonNumber):
        return value.as_decimal() if any(mark in value.text for mark in ".eE") else int(value.text)
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    return [plain(child) for child in value] if isinstance(value, list) else value


def models_refuse(value: dict[str, Any]) -> bool:
    # The models raise whatever their parts raise: a ValidationError mostly, others on shapes they did not expect.
    try:
        get_fhir_model_class(value["resourceType"]).model_validate(plain(value))
    except Exception as problem:
        return not any(idea in str(problem) for idea in OWN_IDEAS)
    return False


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every element below the document."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        if key != "resourceType":
            yield (*path, key)
            yield from places(child, (*path, key))


def spoil(value: Any, path: tuple[Any, ...], fault: Any) -> None:
    for step in path[:-1]:
        value = value[step]
    if fault is DROPPED:
        del value[path[-1]]
    elif fault is RENAMED and isinstance(value, dict):
        value[f"{path[-1]}x"] = value.pop(path[-1])
    else:
        value[path[-1]] = fault


DROPPED, RENAMED = object(), object()
FAULTS: list[Any] = [
    DROPPED, RENAMED, None, "", " ", [], {}, [[]], True, "true", "x y", JsonNumber("1"), JsonNumber("-1.5"), ["a"],
    {"x": "y"}, "2026-02-30", "2026-11-23T10:00:00",
]  # fmt: skip


@given(st.sampled_from(NAMES), st.data())
def test_a_document_that_the_models_refuse_is_refused(name: str, data: st.DataObject) -> None:
    value = document(name)
    path = data.draw(st.sampled_from(list(places(value))))
    fault = data.draw(st.sampled_from(FAULTS))
    spoil(value, path, fault)

    if models_refuse(value):
        assert errors(check(value)), (path, fault)


@pytest.mark.parametrize("name", NAMES)
def test_the_models_take_our_own_documents(name: str) -> None:
    assert not models_refuse(document(name))


@given(st.sampled_from(["status", "intent", "authoredOn"]))
@example("status")
def test_the_comparison_can_fail(element: str) -> None:
    value = document("task")
    del value[element]

    assert models_refuse(value) is (element != "authoredOn")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus of malformed FHIR is not here")
def test_a_document_of_the_corpus_that_the_models_refuse_is_refused() -> None:
    refused = 0
    for path in sorted(CORPUS.rglob("*.json")):
        try:
            value = parse(path.read_bytes())
        except JSONProblem:
            continue
        if isinstance(value, dict) and isinstance(value.get("resourceType"), str) and models_refuse(value):
            refused += 1
            assert errors(check(value)), path.name
    assert refused > 5
