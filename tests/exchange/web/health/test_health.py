"""`/healthz`, `/readyz`, `/metrics`: what they answer, to whom, and that no person or organisation stands in it."""

import json
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from exchange.app import create_app
from exchange.config import Config, WrongSetting, config_from, metrics_token
from exchange.db import audit, outbox, session
from exchange.db.outbox import MessageRow
from exchange.db.setting import take_lease
from exchange.domain.errors import Busy
from fhir_mapping.case_data.referral import Reason
from tests.exchange.actions.parties import answer
from tests.exchange.conftest import House
from tests.exchange.work.sealed_house import CANARIES
from tests.reliability import Reached

TOKEN = "m" * 40
Value = dict[tuple[str, ...], float]


@dataclass
class Watch:
    """An application with a token for its monitoring, and what the monitoring sees."""

    http: FlaskClient

    def scrape(self, authorization: str | None = f"Bearer {TOKEN}") -> TestResponse:
        headers = {"Authorization": authorization} if authorization else {}
        return self.http.get("/metrics", headers=headers)

    def values(self) -> dict[str, Value]:
        """Return samples by name and by their labels' values, in the order of the labels' names."""
        found: dict[str, Value] = {}
        for family in text_string_to_metric_families(self.scrape().get_data(as_text=True)):
            for sample in family.samples:
                found.setdefault(sample.name, {})[tuple(value for _name, value in sorted(sample.labels.items()))] = (
                    sample.value
                )
        return found


@pytest.fixture
def watched(house: House, tmp_path: Path) -> Callable[..., Watch]:
    (tmp_path / "token").write_text(TOKEN + "\n")

    def make(**settings: Any) -> Watch:
        given = {"metrics_token_file": tmp_path / "token"} | settings
        app = create_app(replace(Config(), **given), house.database, TESTING=True)
        return Watch(app.test_client())

    return make


@pytest.fixture
def watch(watched: Callable[..., Watch]) -> Watch:
    return watched()


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x"])
def test_metrics_are_for_who_brings_the_token(watch: Watch, authorization: str | None) -> None:
    refused = watch.scrape(authorization)

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert refused.text == "Send the token of EXCHANGE_METRICS_TOKEN_FILE: Authorization: Bearer …\n"
    assert watch.scrape().status_code == 200


def test_without_a_token_in_the_settings_nobody_reads_metrics(watched: Callable[..., Watch]) -> None:
    """Nor from this machine: behind a proxy that was not told of, everybody comes from this machine."""
    refused = watched(metrics_token_file=None).scrape()

    assert (refused.status_code, refused.text) == (404, "There is nothing at this address.\n")


@pytest.mark.parametrize(("content", "sentence"), [("short", "must have 32 characters or more"), (None, "can be read")])
def test_a_weak_token_stops_a_start(tmp_path: Path, content: str | None, sentence: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)

    with pytest.raises(WrongSetting, match=sentence):
        metrics_token(config_from({"EXCHANGE_METRICS_TOKEN_FILE": str(path)}))


def test_requests_are_counted_by_template_method_and_kind_of_answer(watch: Watch) -> None:
    for _each in range(3):
        watch.http.get("/healthz")
    watch.http.get("/fhir/Patient/Canaryname?family=Canaryname")
    watch.http.open("/Canaryname", method="CANARYNAME")

    values = watch.values()

    counted = values["exchange_requests_total"]
    assert counted["GET", "/healthz", "2xx"] == 3
    assert counted["GET", "/fhir/Patient/<fhir_id:document_id>", "4xx"] == 1
    assert counted["other", "none", "4xx"] == 1
    assert values["exchange_request_seconds_count"]["/healthz",] == 3
    assert "Canaryname" not in watch.scrape().text


def test_what_waits_what_was_given_up_and_what_was_told_is_counted(house: House, watch: Watch) -> None:
    for _each in range(4):
        house.send()
    with house.database.write() as open_session:
        (first, *_rest) = outbox.lease(open_session, house.clock(), limit=1)
        outbox.record_sent(open_session, first, house.clock() + timedelta(seconds=2))
        (second, *_rest) = outbox.lease(open_session, house.clock(), limit=1)
        outbox.record_parked(open_session, second, "The receiver answered 500.")
        take_lease(open_session, "deadlines", "me", house.clock(), house.clock() + timedelta(seconds=90))
    house.clock.forward(seconds=30)

    values = watch.values()

    assert values["exchange_outbox_messages"] == {("email", "parked"): 1, ("email", "waiting"): 2}
    assert values["exchange_outbox_oldest_waiting_seconds"] == {("email",): 30}
    assert values["exchange_outbox_late_seconds"] == {(): 30}
    assert values["exchange_told_seconds"] == {("0.5",): 2, ("0.9",): 2, ("0.99",): 2}
    assert values["exchange_told_recently"] == {(): 1}
    assert values["exchange_audit_unsealed_seconds"] == {(): 30}
    assert values["exchange_lease_seconds"]["deadlines",] == 60
    assert values["exchange_database_up"] == {(): 1}
    assert set(values["exchange_database_pool_size"]) == {("read",), ("write",)}
    assert values["exchange_database_pool_out"]["read",] == 0


def test_referrals_are_counted_by_status_and_when_their_clock_is_late(house: House, watch: Watch) -> None:
    first = [house.send(), house.send()][0]
    answer(house, house.person("pantry"), first, "reject", reason=Reason("no-capacity", "Canaryreason"))

    before = watch.values()
    house.clock.forward(days=30)
    after = watch.values()

    assert before["exchange_referrals"]["requested",] == before["exchange_referrals"]["rejected",] == 1
    assert before["exchange_referrals"]["completed",] == 0
    assert (before["exchange_referrals_past_due"], after["exchange_referrals_past_due"]) == ({(): 0}, {(): 1})


def test_metrics_are_told_when_the_database_does_not_answer(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.http.get("/healthz")
    monkeypatch.setattr("exchange.web.health.door.figures", _busy)

    values = watch.values()

    assert values["exchange_database_up"] == {(): 0}
    assert values["exchange_requests_total"]["GET", "/healthz", "2xx"] == 1
    assert "exchange_referrals" not in values


@pytest.mark.invariant(
    "metrics-hold-no-person",
    "After a whole loop the metrics hold no word of a person, a note, an organisation or an id.",
)
def test_no_person_organisation_or_id_is_in_the_metrics(house: House, watch: Watch, reached: Reached) -> None:
    sent = house.send(note="Canarynote")
    for verb in ("accept", "start"):
        answer(house, house.person("pantry"), sent, verb, note="Canaryreply")
    answer(house, house.person("pantry"), sent, "complete", outcome="Canaryoutcome")
    other = house.send()
    answer(house, house.person("pantry"), other, "reject", reason=Reason("no-capacity", "Canaryreason"))
    watch.http.get(f"/fhir/Task/{sent.referral.id}?family=Canaryname")
    watch.http.get("/answer/Canarytoken")

    said = watch.scrape().get_data(as_text=True)

    canaries = {*CANARIES, "Canaryoutcome", "Canarytoken", *house.ids.values(), *map(str.capitalize, house.ids)}
    assert [word for word in canaries if word in said] == []
    assert sent.referral.id not in said
    assert said.count("exchange_") > 50
    reached(words_looked_for=len(canaries) + 1, found=0)


def test_ready_says_so(watch: Watch) -> None:
    ready = watch.http.get("/readyz")

    assert (ready.status_code, ready.json) == (200, {"status": "ready", "warnings": []})


def test_an_audit_that_is_not_sealed_in_time_is_not_ready(house: House, watch: Watch) -> None:
    house.send()
    house.clock.forward(seconds=61)

    late = watch.http.get("/readyz")
    with house.database.write() as open_session:
        audit.seal(open_session, house.clock())

    assert late.status_code == 503
    assert late.json == {
        "status": "not ready",
        "reason": "The audit is not sealed in time: is a worker running?",
        "warnings": [],
    }
    assert watch.http.get("/readyz").status_code == 200


def test_messages_that_nobody_hands_over_are_a_warning_and_people_are_served(house: House, watch: Watch) -> None:
    house.send()
    with house.database.write() as open_session:
        audit.seal(open_session, house.clock())
    house.clock.forward(minutes=6)

    late = watch.http.get("/readyz")
    with house.database.write() as open_session:
        open_session.execute(update(MessageRow).values(due_at=house.clock() + timedelta(hours=1), attempts=1))

    assert (late.status_code, late.json["warnings"]) == (
        200,
        ["Messages are due and nobody hands them over: is a worker running?"],
    )
    assert watch.http.get("/readyz").json["warnings"] == []


@pytest.mark.parametrize(
    ("revision", "status"),
    [("0001", 200), ("0000", 503), ("9999", 200)],
    ids=["this release's", "of a history before", "of a later release"],
)
def test_tables_that_are_older_than_the_release_are_not_ready(
    house: House, watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, revision: str, status: int
) -> None:
    """The release before must be ready on later tables, or a rolling upgrade takes everything down."""
    (tmp_path / "versions").mkdir()
    for name in ("0000_before.py", "0001_first_tables.py"):
        (tmp_path / "versions" / name).touch()
    (tmp_path / "HEAD").write_text("0001\n")
    monkeypatch.setattr("exchange.db.upgrade.MIGRATIONS", tmp_path)
    with house.database.write() as open_session:
        open_session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})

    found = watch.http.get("/readyz")

    with house.database.write() as open_session:
        open_session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert found.status_code == status
    assert status == 200 or found.json["reason"].startswith("The tables are older than this release")


@pytest.mark.parametrize(
    ("free", "status", "says"),
    [
        (2_000_000_000, 200, []),
        (500_000_000, 200, ["The disk is nearly full."]),
        (1_000, 503, "The disk is full."),
    ],
)
def test_the_room_on_the_disk_of_a_file_is_looked_at(
    house: House, watch: Watch, monkeypatch: pytest.MonkeyPatch, free: int, status: int, says: object
) -> None:
    if not house.database.is_sqlite:
        pytest.skip("It is about a file: a database server looks at its own disk.")
    monkeypatch.setattr(session.shutil, "disk_usage", lambda _folder: namedtuple("Usage", "free")(free))

    found = watch.http.get("/readyz")

    assert found.status_code == status
    assert found.json["warnings" if status == 200 else "reason"] == says


def test_a_database_that_does_not_answer_is_not_ready(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.web.health.readiness.oldest_unsealed", _busy)

    found = watch.http.get("/readyz")

    assert (found.status_code, json.loads(found.data)["reason"]) == (503, "The database does not answer.")


def _busy(*_arguments: Any) -> None:
    raise Busy("The database did not answer in time: nothing was stored. Try again.")
