"""What the tests of the loop share: the application of the house, with the doors that programs use."""

from collections.abc import Iterator

import pytest
from flask import Flask

from exchange.app import create_app
from exchange.config import Config
from tests.exchange.conftest import House


@pytest.fixture
def app(empty_house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application over the house of the test; a fault is answered, not raised."""
    monkeypatch.setattr("exchange.app.DOORS", ("fhir", "api"))
    made = create_app(Config(base_url="http://127.0.0.1:8080"), empty_house.database, PROPAGATE_EXCEPTIONS=False)
    yield made
    made.extensions["exchange_audit"].stop()
