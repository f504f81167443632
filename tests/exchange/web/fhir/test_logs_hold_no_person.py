"""The log over a whole loop, its refusals and its faults: it leads from a request to its mail, and to no person."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from exchange.logs import ATTRIBUTES, JsonLines, note_request_id
from exchange.work.channels.parcel import Parcel, TryAgain
from exchange.work.relay import Relay
from exchange.work.worker import Worker
from tests.exchange.web.fhir.conftest import Caller, Door, Send, a_patient, json_of
from tests.exchange.work.sealed_house import CANARIES
from tests.reliability import Reached


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that any library logs, at every level, as the exchange writes it."""
    written, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    levels = {name: logging.getLogger(name).level for name in ("", "exchange")}
    root.addHandler(handler)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    note_request_id(None)


def lines_of(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def fails(parcel: Parcel, _now: datetime) -> None:
    raise RuntimeError(f"Canaryname {parcel.to} {parcel.body}")


@pytest.mark.invariant(
    "logs-hold-no-person",
    "Over a whole loop, its refusals and its faults, no word of a person or a note is in the log.",
)
def test_no_person_is_in_the_log_over_a_whole_loop_and_its_faults(
    door: Door,
    hospital: Caller,
    pantry: Caller,
    other: Caller,
    referral: Send,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    reached: Reached,
) -> None:
    door.app.config["PROPAGATE_EXCEPTIONS"] = False
    task = referral(note=[{"text": "Canarynote call in the morning"}])
    address = f"/Task/{task['id']}"
    hospital.get("/Patient?family=Canaryname&birthdate=1980-01-02&phone=555-0143")
    hospital.post("/Patient/_search", "family=Canaryname", Content_Type="application/x-www-form-urlencoded")
    for status in ("accepted", "in-progress", "rejected"):
        seen = json_of(pantry.get(address))
        pantry.put(address, seen | {"status": status, "note": [{"text": "Canaryreply"}]})
    other.get(f"{address}?_id=Canaryname")
    hospital.post("/Patient", '{"resourceType": "Patient", "name": "Canaryname"')
    hospital.post("/Patient", a_patient(birthDate="Canaryname"))
    hospital.get("/Patient/Canaryname")
    hospital.get("/Canaryname")
    worker = Worker(door.house.database, Relay(door.house.database, {"email": fails}, "https://x.example"))
    worker.run_once(rounds=1)
    monkeypatch.setattr("exchange.db.document.opened", _breaks)
    monkeypatch.setattr("exchange.db.document.read", _breaks)
    broken = hospital.get(address)

    lines, text = lines_of(log), log.getvalue()

    assert broken.status_code == 500
    assert [word for word in CANARIES if word in text] == []
    assert "pantry@example.invalid" not in text
    assert {line["message"] for line in lines} >= {"answered", "a channel failed in a way it does not know"}
    assert any(line.get("exception") == "RuntimeError" for line in lines if line["logger"].startswith("exchange"))
    known = {"at", "level", "logger", "message", "exception", "raised_at", *ATTRIBUTES}
    assert {name for line in lines for name in line} <= known
    reached(lines=len(lines), words_looked_for=len(CANARIES) + 1, found=0)


def test_a_request_is_followed_by_its_id_to_the_mail_that_it_led_to(
    door: Door, hospital: Caller, pantry: Caller, log: io.StringIO, referral: Send
) -> None:
    sent: list[Parcel] = []
    task = referral()
    seen = json_of(pantry.get(f"/Task/{task['id']}"))
    pantry.put(f"/Task/{task['id']}", seen | {"status": "accepted"}, X_Request_Id="request-of-the-pantry")
    relay = Relay(door.house.database, {"email": lambda parcel, _now: sent.append(parcel)}, "https://x.example")

    Worker(door.house.database, relay).run_once()

    said = [line for line in lines_of(log) if line.get("request_id") == "request-of-the-pantry"]
    assert [line["message"] for line in said] == ["answered", "a message was handed over"]
    assert said[0]["method"] == "PUT"
    assert said[1]["message_id"] in {parcel.message_id for parcel in sent}
    assert {row.interaction for row in door.audited(request_id="request-of-the-pantry")} >= {"update"}


def test_a_request_that_is_refused_at_the_door_is_timed_and_every_line_of_it_has_its_id(
    door: Door, hospital: Caller, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard is asked after the clock has started; a thread that served somebody else before is told the new id."""
    hospital.get("/Patient", X_Request_Id="request-before")
    monkeypatch.setattr("exchange.web.guard.token_holder", _breaks)
    door.app.config["PROPAGATE_EXCEPTIONS"] = False
    hospital.get("/Patient", X_Request_Id="request-refused")

    said = [line for line in lines_of(log) if line["logger"].startswith("exchange") and line["level"] != "DEBUG"]

    refused = [line for line in said if line["request_id"] == "request-refused"]
    assert refused[-1]["message"] == "answered"
    assert refused[-1]["milliseconds"] > 0
    assert {line["level"] for line in refused} == {"ERROR", "INFO"}
    assert len([line for line in said if line["request_id"] == "request-before"]) == 1


def test_a_pass_of_the_worker_has_an_id_that_its_lines_carry(
    door: Door, log: io.StringIO, referral: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_parcel: Parcel, _now: datetime) -> None:
        raise TryAgain("The receiver answered 500.")

    monkeypatch.setattr("exchange.work.worker.wind_clocks", _breaks)
    referral()
    worker = Worker(door.house.database, Relay(door.house.database, {"email": refuse}, "https://x.example"))

    worker.run_once(rounds=1)
    worker.run_once(rounds=1)

    failed = [line for line in lines_of(log) if line["message"] == "a chore of the worker failed"]
    assert len(failed) == 2
    assert all(line["request_id"].startswith("work-") for line in failed)
    assert failed[0]["request_id"] != failed[1]["request_id"]


def _breaks(*_arguments: Any, **_named: Any) -> None:
    raise RuntimeError("Canaryname 1980-01-02")
