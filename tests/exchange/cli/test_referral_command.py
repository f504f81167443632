"""`exchange referral`, `audit`, `organization`, `db`, `check`: one document or plain lines, one sentence, a status."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.cli.house import House as OperatorHouse
from exchange.cli.main import cli, main
from exchange.config import Config
from fhir_mapping.case_data.referral import ReferralStatus


@pytest.fixture
def run(house: Any) -> Any:
    """Run a command on the database of the test's house."""
    operator = OperatorHouse(Config(database_url=str(house.database.url)))
    operator.__dict__["database"] = house.database

    def command(*arguments: str) -> Result:
        operator.as_json = False
        group, *rest = arguments
        found = cli.get_command(None, group)  # type: ignore[arg-type]
        assert found is not None
        return CliRunner().invoke(found, rest, obj=operator)

    return command


def test_an_answer_by_phone_is_recorded_for_the_agency(house: Any, run: Any) -> None:
    sent = house.send()
    party = ("--as-organization", house.ids["pantry"], "--source", "phone", "--by", "Pat")

    result = run("referral", "answer", sent.referral.id, "accept", *party, "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["status"] == "accepted"
    lines = run("referral", "timeline", sent.referral.id).stdout.splitlines()
    assert "accepted" in lines[-1]
    assert "Pat, recorded by the operator" in lines[-1]
    assert json.loads(run("referral", "timeline", sent.referral.id, "--json").stdout)[-1]["source"] == "phone"


def test_a_decline_wants_a_code_and_words(house: Any, run: Any) -> None:
    sent = house.send()
    party = ("--as-organization", house.ids["pantry"], "--source", "paper", "--by", "Pat")

    wrong = run("referral", "answer", sent.referral.id, "reject", *party)
    right = run("referral", "answer", sent.referral.id, "reject", *party, "--reason", "no-capacity", "--text", "Full.")

    assert (wrong.exit_code, "give --reason CODE and --text TEXT" in wrong.stderr) == (2, True)
    assert (right.exit_code, "rejected" in right.stdout) == (0, True)


def test_an_operator_cannot_answer_for_a_stranger_or_out_of_turn(house: Any, run: Any) -> None:
    sent = house.send()
    base = ("referral", "answer", sent.referral.id)

    stranger = run(*base, "accept", "--as-organization", house.ids["other"], "--source", "phone", "--by", "X")
    unknown = run("referral", "answer", "nope", "accept", "--as-organization", "x", "--source", "phone", "--by", "X")

    assert (stranger.exit_code, stranger.stderr) == (1, "Error: This organisation is no party to the referral.\n")
    assert "There is no referral of this id" in unknown.stderr
    complete = run(*base, "complete", "--as-organization", house.ids["pantry"], "--source", "phone", "--by", "X")
    assert "say with --text what service was given" in complete.stderr


def test_the_sender_cancels_through_the_same_table(house: Any, run: Any) -> None:
    sent = house.send()

    result = run(
        "referral", "answer", sent.referral.id, "cancel", "--as-organization", house.ids["hospital"],
        "--source", "phone", "--by", "Ann", "--reason", "other", "--text", "Moved away.", "--json",
    )  # fmt: skip

    assert json.loads(result.stdout)["status"] == ReferralStatus.CANCELLED


def test_no_person_is_printed_without_a_reason_and_the_reason_is_audited(house: Any, run: Any) -> None:
    sent = house.send()

    plain = run("referral", "show", sent.referral.id, "--json")
    shown = run("referral", "show", sent.referral.id, "--show-person", "lost referral 12", "--json")
    listed = run("referral", "list")

    assert "Canaryname" not in plain.stdout + listed.stdout
    assert json.loads(shown.stdout)["person"]["name"] == "Zoelle Canaryname"
    with house.database.read() as session:
        purposes = (
            session.connection().exec_driver_sql("SELECT purpose FROM audit_event WHERE action = 'R'").scalars().all()
        )
    assert purposes == ["lost referral 12"]


def test_the_audit_verifies_and_names_what_was_changed(house: Any, run: Any) -> None:
    house.send()
    with house.database.write() as session:
        from exchange.db import audit

        audit.seal(session, house.clock())
    good = run("audit", "verify", "--json")
    with house.database.write() as session:
        session.connection().exec_driver_sql("UPDATE audit_event SET actor_name = 'nobody'")
    bad = run("audit", "verify")

    assert (good.exit_code, json.loads(good.stdout)["broken"]) == (0, [])
    assert (bad.exit_code, "A row of block 1 was changed" in bad.stdout) == (1, True)


def test_the_audit_of_an_organisation_is_exported_without_queries(house: Any, run: Any, tmp_path: Path) -> None:
    house.send()
    file = tmp_path / "rows.jsonl"

    result = run("audit", "export", str(file), "--organization", house.ids["hospital"], "--json")

    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert json.loads(result.stdout)["rows"] == len(rows) >= 4
    assert all("query" not in row for row in rows)
    assert "Canaryname" not in file.read_text()


def test_an_organisation_joins_once_and_under_a_network_that_is_one(house: Any, run: Any) -> None:
    added = run("organization", "add", "--name", "Shelter", "--kind", "agency", "--json")
    listed = json.loads(run("organization", "list", "--json").stdout)

    assert json.loads(added.stdout)["id"] in {row["id"] for row in listed}
    for arguments, says in (
        (("--network", house.ids["hospital"]), "There is no network of this id"),
        (("--directory-id", "nope"), "The directory lists no organisation under this id"),
        (("--email", "nobody"), "This is no e-mail address"),
        (("--time-zone", "Mars/Base"), "Mars/Base is no time zone"),
    ):
        refused = run("organization", "add", "--name", "X", "--kind", "agency", *arguments)
        assert refused.exit_code != 0
        assert says in str(getattr(refused.exception, "sentence", refused.stderr)), arguments


def test_documents_are_found_again_after_a_reindex(house: Any, run: Any) -> None:
    house.send()
    with house.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM parameter_patient")

    result = run("db", "reindex", "Patient", "--json")

    assert json.loads(result.stdout) == {"documents": 1}
    with house.database.read() as session:
        rows = session.connection().exec_driver_sql("SELECT count(*) FROM parameter_patient").scalar()
    assert rows > 3
    assert "There is no type Nope" in run("db", "reindex", "Nope").stderr


def test_a_wrong_word_is_status_two_and_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    for name in [name for name in os.environ if name.startswith("EXCHANGE_")]:
        monkeypatch.delenv(name)
    for arguments, status, says in (
        (["nonsense"], 2, "No such command"),
        (["referral", "answer"], 2, "Missing argument"),
        (["referral", "list"], 1, "EXCHANGE_SECRET_KEY_FILE must name the file"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        assert (ended.value.code, captured.out) == (status, "")
        assert says in captured.err
        assert len(captured.err.strip().splitlines()) == 1


def test_check_says_what_does_not_hold(tmp_path: Path, run: Any) -> None:
    made = run("check", "--make-key", str(tmp_path / "key"))
    again = run("check", "--make-key", str(tmp_path / "key"))
    looked = run("check", "--json")

    assert (made.exit_code, oct((tmp_path / "key").stat().st_mode)[-3:]) == (0, "600")
    assert "is never written over" in again.stderr
    said = json.loads(looked.stdout)
    assert (said["database"]["ok"], said["keys"]["ok"], said["address"]["ok"]) == (True, True, False)
    assert looked.exit_code == 1
