"""Webhooks against a real HTTP server on this machine, by the guarded session; verified by the reference library."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from exchange.outbound import outbound_session
from exchange.work.channels.parcel import NeverAgain, Parcel, TryAgain
from exchange.work.channels.webhook import seconds_to_wait, webhook_channel

SECRET = "whsec_" + "QUJD" * 10


@pytest.fixture
def parcel(receiver):
    return Parcel("0199-msg", receiver.url, '{"type":"referral.changed"}', secret=SECRET)


@pytest.fixture
def send(receiver):
    return webhook_channel(outbound_session(receiver.allowed))


def test_a_receiver_can_verify_what_it_gets(receiver, parcel, send):
    send(parcel, datetime.now(UTC))

    ((headers, body),) = receiver.requests
    assert Webhook(SECRET).verify(body, headers) == {"type": "referral.changed"}
    assert (headers["webhook-id"], headers["content-type"]) == ("0199-msg", "application/json")
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "REVG" * 10).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)


def test_a_second_try_has_the_same_id_and_its_own_time(receiver, parcel, send):
    now = datetime.now(UTC)

    send(parcel, now - timedelta(seconds=90))
    send(parcel, now)

    first, second = (headers for headers, _body in receiver.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 90
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_2xx_is_taken_over(receiver, parcel, send, status):
    receiver.answers = [(status, {})]

    send(parcel, datetime.now(UTC))

    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 429, 500, 502, 504])
def test_everything_else_is_tried_again_and_no_redirect_is_followed(receiver, parcel, send, status):
    receiver.answers = [(status, {"Location": receiver.url})]

    with pytest.raises(TryAgain, match=rf"The receiver answered {status}\."):
        send(parcel, datetime.now(UTC))

    assert len(receiver.requests) == 1


def test_410_wants_nothing_more(receiver, parcel, send):
    receiver.answers = [(410, {})]

    with pytest.raises(NeverAgain) as failure:
        send(parcel, datetime.now(UTC))

    assert failure.value.is_gone


def test_a_receiver_may_say_when(receiver, parcel, send):
    receiver.answers = [(429, {"Retry-After": "120"})]

    with pytest.raises(TryAgain) as failure:
        send(parcel, datetime.now(UTC))

    assert failure.value.after_seconds == 120


def test_an_address_inside_is_not_connected_to(receiver, parcel):
    with pytest.raises(TryAgain, match="not one that may be connected to"):
        webhook_channel(outbound_session(()))(parcel, datetime.now(UTC))

    assert receiver.requests == []


def test_a_receiver_that_is_not_there_is_tried_again():
    parcel = Parcel("1", "http://127.0.0.1:1/hook", "{}", secret=SECRET)

    with pytest.raises(TryAgain, match="could not be reached"):
        webhook_channel(outbound_session(("127.0.0.1",)))(parcel, datetime.now(UTC))


def test_a_retry_after_is_a_number_or_a_date_and_never_longer_than_a_day():
    now = datetime(2026, 6, 1, 15, tzinfo=UTC)

    assert seconds_to_wait(format_datetime(now + timedelta(minutes=3), usegmt=True), now) == 180
    assert seconds_to_wait(format_datetime(now - timedelta(minutes=3), usegmt=True), now) == 0
    assert seconds_to_wait("99999999999999", now) == 24 * 60 * 60
    assert [seconds_to_wait(text, now) for text in ("", "soon", "-5", "1.5", "²")] == [0] * 5
