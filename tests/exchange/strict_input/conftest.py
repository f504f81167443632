"""One house for all cases of a file: thousands of requests are sent to it, and it must stay as it was."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from exchange.app import create_app
from exchange.config import Config
from exchange.db.session import Database
from tests.databases import new_database
from tests.exchange.conftest import KEYS, House, StandingClock
from tests.exchange.web.fhir.conftest import Caller, Door, json_of

BASE_URL = "http://127.0.0.1:8080"


@dataclass
class Watch:
    """What the cases came to: how many were sent, and each answer that no client should ever get."""

    sent: int = 0
    broken: list[tuple[str, int, str]] = field(default_factory=list)

    def fhir(self, case: str, answer: TestResponse) -> TestResponse:
        """Note an answer of the FHIR door: it is JSON and, where it refuses, an OperationOutcome with a sentence."""
        self.sent += 1
        if answer.status_code >= 500:
            self.broken.append((case, answer.status_code, answer.get_data(as_text=True)[:200]))
        elif answer.status_code >= 400:
            outcome = json_of(answer)
            issue = outcome["issue"][0] if outcome.get("resourceType") == "OperationOutcome" else {}
            if not issue.get("code") or not issue.get("diagnostics"):
                self.broken.append((case, answer.status_code, "no OperationOutcome"))
        return answer

    def other(self, case: str, answer: TestResponse, *media: str) -> TestResponse:
        """Note an answer of another door: never a fault of ours, and in one of these media types."""
        self.sent += 1
        if answer.status_code >= 500 or (answer.data and media and answer.mimetype not in media):
            self.broken.append((case, answer.status_code, f"{answer.mimetype}: {answer.get_data(as_text=True)[:200]}"))
        return answer


@pytest.fixture(scope="module")
def long_house(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A hospital, a pantry and a stranger, over one database for all tests of a file."""
    clock = StandingClock()
    with new_database(tmp_path_factory.mktemp("strict"), like=migrated) as url:
        database = Database(url, keys=KEYS, clock=clock)
        made = House(database, clock)
        for name, kind in (("hospital", "hospital"), ("pantry", "agency"), ("other", "hospital")):
            made.join(name, kind=kind, email=f"{name}@example.invalid")
        yield made
        database.close()


@pytest.fixture(scope="module")
def whole_app(long_house: House) -> Iterator[Flask]:
    """The application with every door. No mark of a test is on it: a fault of ours is answered as it would be."""
    made = create_app(Config(base_url=BASE_URL), long_house.database)
    yield made
    made.extensions["exchange_audit"].stop()


@pytest.fixture(scope="module")
def long_door(long_house: House, whole_app: Flask) -> Door:
    """The doors of the long house, and programs that hold tokens."""
    return Door(long_house, whole_app)


@pytest.fixture(scope="module")
def sender(long_door: Door) -> Caller:
    """A program of the hospital that may do everything."""
    return long_door.caller("hospital")


@pytest.fixture
def watch() -> Watch:
    """A new watch for each test."""
    return Watch()


def issue_of(answer: TestResponse) -> dict[str, Any]:
    """Return the first issue of a refusal, an empty one where nothing was refused."""
    said = json_of(answer) if answer.data else {}
    found: dict[str, Any] = said["issue"][0] if said.get("resourceType") == "OperationOutcome" else {}
    return found
