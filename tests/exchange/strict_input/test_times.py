"""Times as people and programs write them: those of FHIR are kept to the letter, all others are refused."""

import pytest

from tests.exchange.strict_input.conftest import Watch, issue_of
from tests.exchange.strict_input.corpus import ABSENT, label, own
from tests.exchange.web.fhir.conftest import Caller, a_patient, json_of
from tests.reliability import Reached

#  a search may leave the zone out, a + that was not escaped arrives as a space, and blanks around a value are nothing
IN_AN_ADDRESS = {"2026-11-23T10:00:00", "2026-11-23T10:00:00 00:00", "2026-11-23 "}


@ABSENT
@pytest.mark.invariant("strict-times", "A dateTime of FHIR is kept to the letter, whatever else looks like one is not.")
def test_a_time_is_kept_to_the_letter_or_refused(sender: Caller, watch: Watch, reached: Reached) -> None:
    differing = []
    for line in own("fhir-datetime"):
        text = line["s"]
        answer = watch.fhir(text, sender.post("/Patient", a_patient(deceasedDateTime=text)))
        if line["fhir_dateTime"] == "valid":
            is_met = answer.status_code == 201 and json_of(answer)["deceasedDateTime"] == text
        else:
            is_met = answer.status_code == 422 and issue_of(answer)["code"] == "value"
        if not is_met:
            differing.append((text, line["fhir_dateTime"], answer.status_code))

    assert watch.broken == []
    assert differing == [], label(differing)
    reached(times=watch.sent, differing=0)


@ABSENT
def test_a_time_that_is_none_is_refused_in_an_address_too(sender: Caller, watch: Watch) -> None:
    told = []
    for line in own("fhir-datetime"):
        answer = watch.fhir(line["s"], sender.http.get(
            "/fhir/Patient", query_string={"_lastUpdated": f"ge{line['s']}"},
            headers={"Authorization": f"Bearer {sender.token}"},
        ))  # fmt: skip
        told.append((line["s"], line["fhir_dateTime"], answer.status_code))

    assert watch.broken == []
    assert [one for one in told if one[1] == "valid" and one[2] != 200] == []
    passed = {one[0] for one in told if one[1] == "invalid" and one[2] != 400}
    assert passed == IN_AN_ADDRESS
