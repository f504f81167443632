"""Search strings: what they become, and that nothing but a sentence comes of nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.actions.documents.read_criteria import MOST_ALTERNATIVES, MOST_PARAMETERS, ReadCriteria, read_criteria
from exchange.db.search import Alternative
from exchange.domain.errors import Malformed
from fhir_mapping.resource_types import RESOURCE_TYPES
from fhir_mapping.search_parameters import parameters_of

BASE = "https://exchange.example/fhir"
NAMES = sorted({code for name in RESOURCE_TYPES for code in parameters_of(name)})


def alternatives(type_name: str, name: str, value: str) -> tuple[Alternative, ...]:
    (criterion,) = read_criteria(type_name, [(name, value)], fhir_base=BASE).criteria
    return criterion.alternatives


def test_commas_part_values_and_a_backslash_keeps_them() -> None:
    assert [one.value for one in alternatives("Task", "code", r"a,b\,c,d\\,e")] == ["a", "b,c", "d\\", "e"]


@pytest.mark.parametrize(
    ("text", "system", "value"),
    [("c", None, "c"), ("s|c", "s", "c"), ("|c", "", "c"), ("s|", "s", None), (r"s|a\|b", "s", "a|b")],
)
def test_a_token_is_system_and_code(text: str, system: str | None, value: str | None) -> None:
    assert alternatives("Task", "code", text) == (Alternative(value, system=system),)


@pytest.mark.parametrize(
    "text", ["Patient/1", "1", f"{BASE}/Patient/1", f"{BASE}/Patient/1/_history/2", "Patient/1/_history/3"]
)
def test_a_reference_into_our_base_is_written_in_one_way(text: str) -> None:
    assert alternatives("Task", "patient", text) == (Alternative("Patient/1"),)


def test_a_reference_elsewhere_stays_as_it_is() -> None:
    for text in ("https://elsewhere.example/fhir/Patient/1", "urn:uuid:0c3f1e5a-7a10-4a5b-9d0e-000000000001"):
        assert alternatives("Task", "patient", text) == (Alternative(text),)


def test_an_id_alone_is_of_every_type_the_element_may_name() -> None:
    values = {one.value for one in alternatives("Condition", "subject", "1")}

    assert values == {"Patient/1", "Group/1"}


def test_an_unknown_parameter_is_returned_by_its_name_once() -> None:
    read = read_criteria("Task", [("colour", "red"), ("colour", "blue"), ("status", "draft")], fhir_base=BASE)

    assert (read.unknown, len(read.criteria)) == (("colour",), 1)


def test_there_is_an_end_to_values_and_parameters() -> None:
    most = ",".join("x" for _ in range(MOST_ALTERNATIVES))
    assert len(alternatives("Task", "status", most)) == MOST_ALTERNATIVES

    with pytest.raises(Malformed, match="in parts"):
        alternatives("Task", "status", most + ",x")
    with pytest.raises(Malformed, match="in parts"):
        read_criteria("Task", [("status", "x")] * (MOST_PARAMETERS + 1), fhir_base=BASE)


def test_a_value_that_no_database_can_hold_is_refused() -> None:
    with pytest.raises(Malformed, match="NUL"):
        alternatives("Task", "status", "draft\0")


def read_or_refusal(type_name: str, name: str, value: str) -> ReadCriteria | Malformed:
    try:
        return read_criteria(type_name, [(name, value)], fhir_base=BASE)
    except Malformed as refusal:
        return refusal


@given(
    st.sampled_from(sorted(RESOURCE_TYPES)),
    st.sampled_from(NAMES),
    st.sampled_from(["", ":not", ":missing", ":exact", ":Patient", ":contains", ":", "."]),
    st.text(max_size=30) | st.from_regex(r"(ge|lt|ap)?\d{4}(-\d\d){0,2}(T\d\d:\d\d)?[|,\\]?", fullmatch=True),
)
def test_whatever_is_asked_becomes_criteria_or_a_sentence(type_name: str, name: str, modifier: str, value: str) -> None:
    read = read_or_refusal(type_name, name + modifier, value)

    if isinstance(read, Malformed):
        assert read.sentence.endswith(".")
        assert read.expression == name + modifier
        return
    assert len(read.criteria) + len(read.unknown) == 1
    for criterion in read.criteria:
        assert criterion.alternatives or criterion.modifier.startswith("missing")
