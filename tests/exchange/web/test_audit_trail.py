"""What could not be audited is not shown: a door whose audit writer fails answers that it is busy."""

from typing import Any

import pytest

from exchange.app import create_app
from exchange.config import Config
from exchange.db.audit_writer import AuditWriter
from exchange.domain.errors import Busy


def test_a_refusal_that_cannot_be_audited_is_busy_and_not_a_fault(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_entries: Any, **_how: bool) -> None:
        raise Busy("The audit could not be written in time: try again.")

    app = create_app(Config(), house.database, TESTING=True)
    monkeypatch.setattr(AuditWriter, "keep", fails)

    answer = app.test_client().get("/fhir/Patient/x")

    assert answer.status_code == 503
    assert answer.get_json()["issue"][0]["diagnostics"] == "The audit could not be written in time: try again."
