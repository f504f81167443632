"""The same request at the same moment, over HTTP: one of them writes, the other is told in a way it can act on."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.exchange.db.at_once import ROUNDS, at_once
from tests.exchange.web.fhir.conftest import Caller, Door, a_patient, a_referral, a_request, json_of, matches

A_SYSTEM = "https://hospital.example/mrn"


@pytest.fixture
def both(door: Door, hospital: Caller) -> Callable[..., list[Any]]:
    """Return what lets the hospital's program ask twice at once, over connections of their own."""

    def ask(*request: Any, **headers: str) -> list[Any]:
        callers = [replace(hospital, http=door.app.test_client()) for _ in range(2)]
        answers = at_once(*(partial(caller.ask, *request, **headers) for caller in callers))
        assert [one for one in answers if isinstance(one, Exception)] == []
        return sorted(answers, key=lambda answer: answer.status_code)

    return ask


@pytest.mark.invariant("idempotency-key-at-once", "An Idempotency-Key that comes twice at once writes once.")
def test_a_key_that_comes_twice_at_once_writes_once(both: Callable[..., list[Any]], hospital: Caller) -> None:
    for number in range(ROUNDS):
        answers = both("POST", "/Patient", a_patient(), Idempotency_Key=f"key-{number}")

        assert [one.status_code for one in answers] == [201, 201]
        assert len({one.headers["Location"] for one in answers}) == 1
    assert len(matches(hospital.get("/Patient?_count=100"))) == ROUNDS


@pytest.mark.invariant("conditional-create-at-once", "A conditional create that comes twice at once creates one.")
def test_a_condition_that_comes_twice_at_once_creates_one(both: Callable[..., list[Any]], hospital: Caller) -> None:
    for number in range(ROUNDS):
        person = a_patient(identifier=[{"system": A_SYSTEM, "value": str(number)}])

        answers = both("POST", "/Patient", person, If_None_Exist=f"identifier={A_SYSTEM}|{number}")

        assert [one.status_code for one in answers] == [200, 201]
        assert len({json_of(one)["id"] for one in answers}) == 1
    assert len(matches(hospital.get("/Patient?_count=100"))) == ROUNDS


def test_of_two_updates_of_the_same_version_at_once_one_is_stale(
    both: Callable[..., list[Any]], hospital: Caller
) -> None:
    person = hospital.create(a_patient())
    for number in range(ROUNDS):
        changed = {**person, "birthDate": f"19{number + 10}-01-02"}

        answers = both("PUT", f"/Patient/{person['id']}", changed, If_Match=f'W/"{number + 1}"')

        assert [one.status_code for one in answers] == [200, 412]
    assert json_of(hospital.get(f"/Patient/{person['id']}"))["meta"]["versionId"] == str(ROUNDS + 1)


def test_updates_without_a_precondition_are_kept_one_after_the_other(door: Door, hospital: Caller) -> None:
    person = hospital.create(a_patient())
    callers = [replace(hospital, http=door.app.test_client()) for _ in range(4)]

    for number in range(ROUNDS // 4):
        changed = [{**person, "birthDate": f"19{number + 10}-0{one + 1}-02"} for one in range(4)]
        at_once(*(partial(c.put, f"/Patient/{person['id']}", body) for c, body in zip(callers, changed, strict=True)))

    assert json_of(hospital.get(f"/Patient/{person['id']}"))["meta"]["versionId"] == str(ROUNDS // 4 * 4 + 1)


def test_a_referral_that_comes_twice_at_once_under_its_identifier_is_one(
    both: Callable[..., list[Any]], hospital: Caller, pantry: Caller
) -> None:
    patient = f"Patient/{hospital.create(a_patient())['id']}"
    request = f"ServiceRequest/{hospital.create(a_request(patient))['id']}"
    for number in range(ROUNDS):
        identifier = [{"system": A_SYSTEM, "value": f"referral-{number}"}]
        task = a_referral(patient, request, hospital.organization_id, pantry.organization_id, identifier=identifier)

        first, second = both("POST", "/Task", task)

        assert (first.status_code, second.status_code) == (201, 409)
        assert json_of(first)["id"] in second.get_data(as_text=True)
