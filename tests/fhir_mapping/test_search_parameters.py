"""Search parameters: what each kind of value becomes, and that the tables agree with each other."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fhir_mapping.json_text import parse
from fhir_mapping.resource_types import RESOURCE_TYPES, scope_letter
from fhir_mapping.rules.structure import structure_of
from fhir_mapping.search_parameters import (
    COLUMNS,
    Indexed,
    SearchParameter,
    extract,
    normalise,
    normalised_token,
    parameters_of,
    parse_date_range,
)

OWN = Path(__file__).parents[1] / "data" / "fhir"
EVERY = [parameter for name in RESOURCE_TYPES for parameter in parameters_of(name).values()]


def document(name: str) -> dict[str, Any]:
    value: dict[str, Any] = parse((OWN / f"{name}.json").read_bytes())
    return value


def values(name: str, code: str) -> set[str]:
    return {found.value for found in extract(document(name)) if found.parameter == code}


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_a_person_is_found_by_name_without_accents_and_case() -> None:
    assert values("patient", "family") == {"alvarez nunez", "alvarez", "nunez"}
    assert values("patient", "given") == {"rosa", "maria"}
    assert {"alvarez", "maria"} <= values("patient", "name")


def test_phones_are_digits_and_mail_is_casefolded() -> None:
    assert values("patient", "phone") == {"4155550123", "4155550177"}
    assert values("patient", "email") == {"rosa.alvarez@mail.example"}
    assert values("patient", "telecom") == {"4155550123", "4155550177", "rosa.alvarez@mail.example"}


def test_a_date_of_birth_is_sealed_values_and_no_range() -> None:
    found = [value for value in extract(document("patient")) if value.parameter == "birthdate"]

    assert {value.value for value in found} == {"1984", "1984-07", "1984-07-09"}
    assert all(value.low is None and value.high is None for value in found)
    assert parameters_of("Patient")["birthdate"].sealed


def test_what_says_who_a_person_is_is_sealed_and_nothing_else() -> None:
    sealed = {(parameter.type, parameter.code) for parameter in EVERY if parameter.sealed}
    persons = {"Patient", "Practitioner", "RelatedPerson"}
    open_facts = {"gender", "active", "language", "organization", "general-practitioner", "patient", "relationship"}

    assert {kind for kind, _ in sealed} == persons
    for kind in persons:
        assert {code for name, code in sealed if name == kind} == parameters_of(kind).keys() - open_facts - COLUMNS


def test_a_task_is_found_by_its_parties_its_state_and_its_times() -> None:
    found = set(extract(document("task")))
    authored = micros("2026-11-20T23:12:00")

    assert found >= {
        Indexed("patient", value="Patient/pat-1"),
        Indexed("subject", value="Patient/pat-1"),
        Indexed("focus", value="ServiceRequest/sr-1"),
        Indexed("requester", value="Organization/org-hospital"),
        Indexed("owner", value="Organization/org-pantry"),
        Indexed("status", "http://hl7.org/fhir/task-status", "requested"),
        Indexed("code", "http://hl7.org/fhir/CodeSystem/task-code", "fulfill"),
        Indexed("identifier", "https://mercy-hospital.example/referral", "R-2026-0042"),
        Indexed("authored-on", low=authored, high=authored + 1_000_000),
    }


def test_a_period_reaches_to_the_end_of_its_last_day() -> None:
    found = [value for value in extract(document("service_request")) if value.parameter == "occurrence"]

    assert found == [Indexed("occurrence", low=micros("2026-11-23"), high=micros("2026-12-24"))]


def test_a_period_without_an_end_is_open() -> None:
    found = [value for value in extract(document("document_reference")) if value.parameter == "period"]

    assert found == [Indexed("period", low=micros("2026-11-20"), high=None)]


def test_a_reference_to_another_type_is_not_a_patient() -> None:
    task = document("task") | {"for": {"reference": "Group/1"}}

    found = {value.parameter for value in extract(task) if value.value == "Group/1"}

    assert found == {"subject"}


def test_a_reference_whose_type_cannot_be_told_and_an_absolute_one_are_kept_as_written() -> None:
    for text in ("urn:uuid:0c3f1e5a-7a10-4a5b-9d0e-000000000001", "https://ehr.example/fhir/Patient/9"):
        task = document("task") | {"for": {"reference": text}}
        assert Indexed("patient", value=text) in extract(task)


def test_contained_references_are_not_searched() -> None:
    task = document("task") | {"for": {"reference": "#p"}}

    assert not [value for value in extract(task) if value.parameter in {"patient", "subject"}]


def test_questions_are_found_at_any_depth() -> None:
    nested = {"resourceType": "Questionnaire", "item": [{"item": [{"code": [{"system": "s", "code": "deep"}]}]}]}

    assert extract(nested) == (Indexed("code", "s", "deep"),)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["coding", "code", "value", "system", "reference", "start", "repeat"]), inner)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(path.stem for path in OWN.glob("*.json"))), st.data())
def test_extraction_passes_over_whatever_has_the_wrong_shape(name: str, data: st.DataObject) -> None:
    value = document(name)
    value[data.draw(st.sampled_from(sorted(value)))] = data.draw(json_values)

    for found in extract(value):
        assert isinstance(found.value, str)


def test_an_unknown_type_has_no_parameters_and_no_values() -> None:
    assert parameters_of("Tusk") == {}
    assert extract({"resourceType": "Tusk", "id": "1"}) == ()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("2026-02", "2026-02-01T00:00:00", "2026-03-01T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        ("2026-11-23", "2026-11-23T00:00:00", "2026-11-24T00:00:00"),
        ("2026-11-23T10:00Z", "2026-11-23T10:00:00", "2026-11-23T10:01:00"),
        ("2026-11-23T10:00:05", "2026-11-23T10:00:05", "2026-11-23T10:00:06"),
        ("2026-11-23T10:00:05-05:00", "2026-11-23T15:00:05", "2026-11-23T15:00:06"),
        ("9999-12", "9999-12-01T00:00:00", None),
    ],
)
def test_a_date_covers_as_much_as_it_was_written_with(text: str, start: str, end: str | None) -> None:
    low, high = parse_date_range(text)

    assert low == micros(start)
    assert high > low
    assert end is None or high == micros(end)


def test_fractions_of_a_second_keep_their_precision() -> None:
    low, high = parse_date_range("2026-11-23T10:00:05.120Z")

    assert (low, high - low) == (micros("2026-11-23T10:00:05") + 120_000, 1_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-13",
        "2026-02-30",
        "2026-1-1",
        "2026-11-23T25:00Z",
        "0000",
        "now",
        "2026-11-23T10",
        "2026-11-23 10:00",
        "２０２６",
    ],
)
def test_what_is_no_date_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^The date .*\.$"):
        parse_date_range(text)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_a_written_moment_lies_in_its_own_range(moment: datetime) -> None:
    low, high = parse_date_range(moment.isoformat())
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)

    assert low <= exact < high


@given(st.text())
@example("\U0001d71c")
def test_normalised_text_stays_as_it_is_when_normalised_again(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_letters_are_folded_as_people_type_them() -> None:
    assert normalise("  Łukasz  Ørsted-Straße, O’Brien ") == "lukasz orsted strasse o brien"


def test_tokens_are_case_sensitive_and_phones_are_not_spelled() -> None:
    status = parameters_of("Task")["status"]
    phone = parameters_of("Patient")["phone"]

    assert normalised_token(status, "Requested") == "Requested"
    assert normalised_token(phone, "+1 (415) 555-0177") == normalised_token(phone, "415.555.0177") == "4155550177"


@pytest.mark.parametrize("parameter", EVERY, ids=lambda parameter: f"{parameter.type}-{parameter.code}")
def test_each_parameter_names_elements_that_its_type_has(parameter: SearchParameter) -> None:
    for element in parameter.elements:
        type_name = parameter.type
        for step in element.split("."):
            structure = structure_of(type_name)
            assert structure is not None
            found = structure.elements.get(step.partition("[")[0])
            assert found is not None, f"{parameter.type} has no {element}"
            type_name = found.kind


def test_includes_and_patient_paths_name_what_exists() -> None:
    for name, kind in RESOURCE_TYPES.items():
        for code in kind.includes:
            assert parameters_of(name)[code].kind == "reference"
        structure = structure_of(name)
        assert structure is not None
        assert kind.patient_path is None or kind.patient_path in structure.elements


@pytest.mark.parametrize(
    ("type_name", "codes"),
    [
        ("Task", "_id code patient requester status focus _lastUpdated owner output"),
        ("ServiceRequest", "_id category intent patient status code occurrence performer requester supporting-info"),
        ("Procedure", "_id based-on category patient performer status code date"),
        ("Condition", "_id category patient clinical-status code verification-status"),
        ("Goal", "_id category patient achievement-status lifecycle-status target-date"),
        ("Observation", "_id category patient code date derived-from status"),
        ("Group", "_id characteristic member"),
        ("HealthcareService", "_id location"),
        ("QuestionnaireResponse", "_id author patient questionnaire status authored"),
        ("Questionnaire", "url version code identifier publisher status subject-type title"),
        ("Consent", "_id source-reference"),
        ("PractitionerRole", "_id organization practitioner"),
        ("Patient", "name family given birthdate gender phone email address-postalcode identifier"),
    ],
)
def test_every_parameter_that_sdohcc_names_is_there(type_name: str, codes: str) -> None:
    assert set(codes.split()) <= parameters_of(type_name).keys()


def test_each_interaction_asks_for_one_letter_of_a_scope() -> None:
    offered = {interaction for kind in RESOURCE_TYPES.values() for interaction in kind.interactions}

    assert {scope_letter(interaction) for interaction in offered} == set("crus")
    with pytest.raises(ValueError, match="has no scope letter"):
        scope_letter("transaction")


def test_projections_and_records_of_our_own_are_read_only() -> None:
    read_only = {name for name, kind in RESOURCE_TYPES.items() if not kind.writable}

    assert read_only == {"Organization", "Location", "HealthcareService", "Provenance", "AuditEvent"}
    assert [name for name, kind in RESOURCE_TYPES.items() if kind.stored_in_bundle] == ["Organization"]
