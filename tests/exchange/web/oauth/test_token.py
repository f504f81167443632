"""`POST /oauth/token` issues short tokens to clients that sign, and says in a sentence why it issues none."""

import logging
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from authlib.oauth2.rfc6749.errors import InsecureTransportError
from sqlalchemy import select

from exchange.actions.clients.revoke_client import revoke_client
from exchange.db.audit import audit_event
from exchange.db.client import AccessTokenRow, ClientRow, UsedAssertionRow
from exchange.db.sealing import digest
from exchange.web.oauth.server import FormRequest
from tests.exchange.conftest import OPERATOR
from tests.exchange.web.oauth.conftest import TOKEN_URL, Door, build


@pytest.mark.parametrize("key", ["rsa", "ec"])
def test_a_client_gets_a_token_with_either_algorithm(key: str, door: Door) -> None:
    answer = door.ask(door.sign(key=key))

    assert answer.status_code == 200
    assert answer.json["token_type"] == "bearer"
    assert answer.json["expires_in"] == 300
    assert answer.json["scope"] == "system/Task.rs"
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"


def test_the_token_opens_what_it_was_issued_for(door: Door) -> None:
    answer = door.probe(door.token())

    assert answer.json == {"client_id": door.client_id, "scope": ["system/Task.rs"]}


def test_a_token_ends_after_300_seconds(door: Door) -> None:
    token = door.token()

    door.house.clock.forward(seconds=299)
    assert door.probe(token).status_code == 200
    door.house.clock.forward(seconds=1)
    assert door.probe(token).status_code == 401


def test_the_secret_is_stored_as_a_hash_only(door: Door) -> None:
    token = door.token()

    with door.house.database.read() as session:
        row = session.scalars(select(AccessTokenRow)).one()
        columns = [getattr(row, column.name) for column in AccessTokenRow.__table__.columns]
    assert row.token_hash == digest(token)
    assert not any(token in str(column) for column in columns)
    assert row.expires_at - row.issued_at == timedelta(seconds=300)


def test_the_secret_is_in_no_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = door.token()

    assert caplog.records
    assert token not in caplog.text


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("system/Task.read", "system/Task.read"),
        ("system/Task.rs", "system/Task.rs"),
        ("system/Task.r system/Patient.read", "system/Task.r system/Patient.read"),
        ("launch launch/patient openid fhirUser profile offline_access system/Task.r", "system/Task.r"),
        ("system/*.r", "system/*.r"),
        ("system/Goal.r", "system/Goal.r"),
        ("system/Task.r  system/Task.r", "system/Task.r"),
    ],
)
def test_a_scope_is_granted_as_it_was_asked(asked: str, granted: str, door: Door) -> None:
    assert door.ask(scope=asked).json["scope"] == granted


@pytest.mark.parametrize(
    "asked",
    [
        "system/Task.cruds",
        "system/Task.write",
        "system/*.rs",
        "system/*.read",
        "system/*.cruds",
        "system/Task.rs system/Patient.u",
        "patient/Task.r",
        "user/Task.r",
        "system/Task.rs?status=requested",
        "system/Task.sr",
        "system/Task.",
        "system/Task.R",
        "admin",
        'say"\\äö',
        "openid",
        "launch offline_access",
    ],
)
def test_any_excess_is_refused_whole(asked: str, door: Door) -> None:
    answer = door.ask(scope=asked)

    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_scope"
    assert answer.json["error_description"].endswith(".")
    with door.house.database.read() as session:
        assert session.scalars(select(AccessTokenRow)).all() == []


@pytest.mark.parametrize("scope", [..., "", "  "])
def test_a_missing_scope_is_told(scope: str, door: Door) -> None:
    answer = door.ask(scope=scope)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert "scope is missing" in answer.json["error_description"]


@pytest.mark.parametrize(
    "grant", ["authorization_code", "password", "refresh_token", "implicit", "client_credentials "]
)
def test_another_grant_is_not_supported(grant: str, door: Door) -> None:
    answer = door.ask(grant_type=grant)

    assert (answer.status_code, answer.json["error"]) == (400, "unsupported_grant_type")


def test_a_missing_grant_is_told(door: Door) -> None:
    answer = door.ask(grant_type=...)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("changed", [{"client_assertion_type": "urn:other"}, {"client_assertion_type": ...}])
def test_another_kind_of_assertion_does_not_authenticate(changed: dict[str, str], door: Door) -> None:
    answer = door.ask(**changed)

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert "WWW-Authenticate" in answer.headers


def test_a_secret_does_not_authenticate(door: Door) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/Task.r"}
    inline = door.browser.post("/oauth/token", data=form | {"client_id": door.client_id, "client_secret": "x"})
    basic = door.browser.post("/oauth/token", data=form, auth=(door.client_id, "x"))

    for answer in (inline, basic):
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_two_proofs_at_once_are_refused(door: Door) -> None:
    with_secret = door.ask(client_secret="x")
    with_basic = door.browser.post("/oauth/token", data=door.form(), auth=(door.client_id, "x"))

    for answer in (with_secret, with_basic):
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_the_client_id_may_be_sent_too_if_it_is_the_same(door: Door) -> None:
    assert door.ask(client_id=door.client_id).status_code == 200
    assert door.ask(client_id="another").status_code == 401


@pytest.mark.parametrize(
    "options",
    [
        {"json": {}},
        {"data": b"", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"grant_type=client_credentials", "content_type": "text/plain"},
        {"data": b"grant_type=a&grant_type=b", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"grant_type=" + b"x" * 70_000, "content_type": "application/x-www-form-urlencoded"},
        {"data": b"%ff%00=\xff", "content_type": "application/x-www-form-urlencoded"},
    ],
    ids=["json", "empty", "text", "twice", "large", "bytes"],
)
def test_what_is_not_one_plain_form_is_refused(options: dict, door: Door) -> None:
    answer = door.browser.post("/oauth/token", **options)

    assert answer.status_code in (400, 413)
    assert answer.json["error"] == "invalid_request"
    assert answer.json["error_description"].endswith(".")


def test_parameters_in_the_address_are_refused(door: Door) -> None:
    answer = door.browser.post("/oauth/token", query_string=door.form())

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_repeated_assertion_is_refused(door: Door) -> None:
    assertion = door.sign()

    assert door.ask(assertion).status_code == 200
    again = door.ask(assertion)

    assert (again.status_code, again.json["error"]) == (401, "invalid_client")
    assert "used before" in again.json["error_description"]


def test_a_repeated_assertion_is_refused_after_a_restart(door: Door) -> None:
    assertion = door.sign()
    door.ask(assertion)

    door.app = build(door.house)

    assert door.ask(assertion).status_code == 401


def test_an_assertion_is_used_up_by_a_refused_request(door: Door) -> None:
    assertion = door.sign()

    assert door.ask(assertion, scope="system/Task.d").status_code == 400
    assert door.ask(assertion, grant_type="password").status_code == 401
    assert door.ask(assertion).status_code == 401


def test_the_same_jti_of_another_client_is_another(door: Door) -> None:
    second = door.register("other", scope="system/Task.r")

    first = door.ask(door.sign(door.claims(jti="one")), scope="system/Task.r")
    other = door.ask(door.sign(door.claims(jti="one", client_id=second)), scope="system/Task.r")

    assert (first.status_code, other.status_code) == (200, 200)


def test_of_two_at_once_one_gets_the_token(door: Door) -> None:
    assertion, ready, statuses = door.sign(), Barrier(2), []

    def ask() -> None:
        ready.wait(5)
        statuses.append(door.ask(assertion).status_code)

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert sorted(statuses) == [200, 401]


def test_a_used_jti_is_remembered_as_a_hash_until_the_assertion_has_ended(door: Door) -> None:
    door.ask(door.sign(door.claims(jti="remember me")))

    with door.house.database.read() as session:
        row = session.scalars(select(UsedAssertionRow)).one()
    assert row.jti_hash == digest("remember me")
    assert row.expires_at >= door.house.clock() + timedelta(seconds=240)


def test_a_revoked_client_gets_nothing_and_its_tokens_stop_at_once(door: Door) -> None:
    token = door.token()

    with door.house.database.write() as session:
        revoke_client(session, OPERATOR, door.client_id)

    assert door.probe(token).status_code == 401
    answer = door.ask()
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_ten_failures_make_this_client_wait_at_this_address(door: Door) -> None:
    other = door.register("other", scope="system/Task.r")
    for _ in range(10):
        assert door.ask(door.sign(key="impostor")).status_code == 401

    answer = door.ask()

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 301
    assert "wait" in answer.json["error_description"]
    elsewhere = door.browser.post("/oauth/token", data=door.form(), environ_base={"REMOTE_ADDR": "203.0.113.5"})
    assert elsewhere.status_code == 200
    assert door.ask(door.sign(door.claims(client_id=other)), scope="system/Task.r").status_code == 200
    door.house.clock.forward(minutes=6)
    assert door.ask().status_code == 200


def test_an_issued_token_is_audited(door: Door) -> None:
    door.token()

    assert [(row.interaction, row.outcome, row.status) for row in audited(door)] == [("token", "0", 200)]
    assert audited(door)[0].organization_id == door.house.ids["hospital"]
    assert audited(door)[0].actor_id == door.client_id


def test_a_failed_authentication_is_audited_for_the_organisation_whose_name_was_used(door: Door) -> None:
    door.ask(door.sign(key="impostor"))

    (row,) = audited(door)
    assert (row.interaction, row.outcome, row.status, row.actor_kind) == ("token", "4", 401, "unknown")
    assert row.organization_id == door.house.ids["hospital"]


def test_a_scope_that_is_refused_is_audited(door: Door) -> None:
    door.ask(scope="system/Task.d")

    (row,) = audited(door)
    assert (row.outcome, row.status, row.actor_id) == ("4", 400, door.client_id)


def test_a_name_that_is_no_client_is_audited_without_it(door: Door) -> None:
    door.ask(door.sign(door.claims(client_id="Jane-Doe")))

    (row,) = audited(door)
    assert (row.actor_id, row.organization_id) == (None, None)


def test_plain_http_is_refused_but_on_this_machine(door: Door) -> None:
    for base, is_refused in (("http://127.0.0.1:8080", False), ("http://exchange.example", True)):
        door.app.extensions["exchange_config"] = type(door.app.extensions["exchange_config"])(base_url=base)
        with door.app.test_request_context("/oauth/token", method="POST"):
            if is_refused:
                with pytest.raises(InsecureTransportError):
                    FormRequest()
            else:
                assert FormRequest().uri == f"{base}/oauth/token"


def test_the_audience_is_the_address_clients_know_whatever_the_host_header_says(door: Door) -> None:
    answer = door.browser.post("/oauth/token", data=door.form(), headers={"Host": "evil.example"})
    evil = door.browser.post(
        "/oauth/token",
        data=door.form(door.sign(door.claims(aud="https://evil.example/oauth/token"))),
        headers={"Host": "evil.example"},
    )

    assert (answer.status_code, evil.status_code) == (200, 401)
    assert TOKEN_URL.startswith("https://exchange.example/")


def test_no_secret_of_a_client_is_stored(door: Door) -> None:
    with door.house.database.read() as session:
        row = session.get_one(ClientRow, door.client_id)

    assert not any("secret" in column.name for column in ClientRow.__table__.columns)
    assert all("d" not in key for key in row.jwks["keys"])


def test_a_fault_of_ours_tells_the_request_id_and_nothing_else(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Jane Doe, 1980-01-02")

    monkeypatch.setattr("exchange.web.oauth.server.issue_token", fail)

    answer = door.ask()

    assert (answer.status_code, answer.json["error"]) == (500, "server_error")
    assert answer.headers["X-Request-Id"] in answer.json["error_description"]
    assert "Jane" not in answer.text


def audited(door: Door) -> list:
    """Return what the door wrote into the audit, registrations left out."""
    with door.house.database.read() as session:
        rows = session.execute(select(audit_event).order_by(audit_event.c.id)).all()
    return [row for row in rows if row.interaction == "token"]
