"""Every refusal of the house has its status, code and headers at this door."""

import inspect

import pytest
from flask import Flask

from exchange.domain import errors
from exchange.domain.errors import ExchangeError, IllegalTransition, Invalid, TooMany
from exchange.web.fhir.refusals import refuse, status_of
from fhir_mapping.case_data.referral import ReferralStatus
from fhir_mapping.mapped import Issue
from tests.exchange.web.fhir.conftest import told

CLASSES = [one for _name, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, ExchangeError)]
MADE = {
    TooMany: TooMany("Wait a minute.", retry_after_seconds=60),
    IllegalTransition: IllegalTransition(ReferralStatus.COMPLETED, "start"),
    Invalid: Invalid((Issue("error", "value", "The element is wrong.", "Task.status"),)),
}
EXPECTED = {
    "Unauthenticated": 401, "Forbidden": 403, "NotFound": 404, "Malformed": 400, "Unprocessable": 422,
    "IllegalTransition": 422, "Invalid": 422, "Conflict": 409, "StaleVersion": 412, "PreconditionRequired": 428,
    "TooMany": 429, "Busy": 503, "StorageFull": 507, "ExchangeError": 422,
}  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_refusal_is_answered_with_its_status_and_sentence(kind: type[ExchangeError]) -> None:
    refusal = MADE.get(kind) or kind("Do this instead.")

    with Flask("door").test_request_context():
        answer = refuse(refusal)

    assert told(answer)[0] == EXPECTED[kind.__name__]
    assert told(answer)[2] == refusal.sentence
    assert ("Retry-After" in answer.headers) == (kind.__name__ in ("TooMany", "Busy", "StorageFull"))
    assert ("WWW-Authenticate" in answer.headers) == (kind.__name__ == "Unauthenticated")


def test_the_code_that_a_refusal_carries_goes_before_the_table() -> None:
    assert status_of(errors.Unauthenticated("Ask for a new token.", code="expired")) == (401, "expired")
    assert status_of(errors.Unauthenticated("Ask for a token.")) == (401, "login")


def test_a_class_that_the_table_does_not_know_is_answered_as_its_nearest_ancestor() -> None:
    class Sealed(errors.Conflict):
        """A conflict of a kind of its own."""

    assert status_of(Sealed("It is sealed.")) == (409, "duplicate")
