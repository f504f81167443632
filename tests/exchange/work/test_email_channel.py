"""Mail: into a file, and to a real SMTP server on this machine that answers as it is told."""

import email
import email.policy
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from exchange.work.channels.email import email_channel
from exchange.work.channels.parcel import NeverAgain, Parcel, TryAgain

NOW = datetime(2026, 6, 1, 15, tzinfo=UTC)
FROM = "Referral Exchange <no-reply@exchange.example>"
PARCEL = Parcel(
    "0199-1", "front@pantry.example", "Grüße\n\nhttps://x.example/answer/abc\n", subject="You have a referral"
)


class Postbox:
    """A server's handler: keeps what it takes, and gives the replies it was told to give."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], bytes]] = []
        self.recipient_reply = ""
        self.message_reply = "250 taken"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.recipient_reply:
            return self.recipient_reply
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.letters.append((envelope.rcpt_tos, envelope.content))
        return self.message_reply


class AnyPort(Controller):
    """A controller on a port that the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def address(postbox: Postbox) -> Iterator[str]:
    controller = AnyPort(postbox, hostname="127.0.0.1", port=0)
    controller.start()
    yield f"127.0.0.1:{controller.port}"
    controller.stop()


def test_a_mail_in_a_file_is_read_back_by_the_standard_library(tmp_path):
    folder = tmp_path / "new" / "mail"

    email_channel(f"file://{folder}", FROM)(PARCEL, NOW)

    (path,) = folder.iterdir()
    read = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert path.name == "0199-1.eml"
    assert (read["To"], read["From"], read["Subject"]) == ("front@pantry.example", FROM, "You have a referral")
    assert (read["Message-ID"], read["Auto-Submitted"]) == ("<0199-1@exchange.example>", "auto-generated")
    assert read["Date"].datetime == NOW
    assert read.get_content().splitlines() == PARCEL.body.splitlines()


def test_a_mail_in_a_file_is_for_its_owner_only_and_a_repeat_makes_no_second(tmp_path):
    send = email_channel(f"file://{tmp_path}/mail", FROM)

    send(PARCEL, NOW)
    send(PARCEL, NOW)

    (path,) = (tmp_path / "mail").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_url_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    email_channel("file://var/mail", FROM)(PARCEL, NOW)

    assert [path.name for path in (tmp_path / "var/mail").iterdir()] == ["0199-1.eml"]


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path):
    (tmp_path / "mail").write_text("in the way")

    with pytest.raises(TryAgain, match="could not be written"):
        email_channel(f"file://{tmp_path}/mail", FROM)(PARCEL, NOW)


@pytest.mark.parametrize("to", ["nobody", "a@b@c", "x@y.example\r\nBcc: z@z.example", "", "a b@c.example"])
def test_an_address_that_is_none_is_given_up_and_not_repeated_in_the_error(tmp_path, to):
    with pytest.raises(NeverAgain) as failure:
        email_channel(f"file://{tmp_path}/mail", FROM)(Parcel("1", to, "b", subject="s"), NOW)

    assert str(failure.value) == "The address is not an e-mail address."


def test_a_mail_reaches_a_real_server(postbox, address):
    email_channel(f"smtp://{address}", FROM)(PARCEL, NOW)

    ((to, content),) = postbox.letters
    assert to == ["front@pantry.example"]
    assert email.message_from_bytes(content, policy=email.policy.default).get_content().startswith("Grüße")


@pytest.mark.parametrize(
    ("recipient", "message", "family", "sentence"),
    [
        ("550 no such user", "", NeverAgain, "The mail server refused the recipient (550)."),
        ("450 later", "", TryAgain, "The mail server refused the recipient (450)."),
        ("", "554 not this", NeverAgain, "The mail server refused the message (554)."),
        ("", "452 full", TryAgain, "The mail server refused the message (452)."),
    ],
)
def test_a_reply_decides_whether_it_is_tried_again(postbox, address, recipient, message, family, sentence):
    postbox.recipient_reply, postbox.message_reply = recipient, message

    with pytest.raises(family) as failure:
        email_channel(f"smtp://{address}", FROM)(PARCEL, NOW)

    assert str(failure.value) == sentence


def test_a_server_that_is_not_there_is_tried_again():
    with pytest.raises(TryAgain, match="could not be reached"):
        email_channel("smtp://127.0.0.1:1", FROM)(PARCEL, NOW)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize(("password", "taken"), [("r%40ally", 1), ("wrong", 0)])
def test_a_user_in_the_url_signs_in(postbox, password, taken):
    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"us@r", b"r@ally"), handled=False)

    controller = AnyPort(
        postbox, hostname="127.0.0.1", port=0, authenticator=check, auth_required=True, auth_require_tls=False
    )
    controller.start()
    try:
        send = email_channel(f"smtp://us%40r:{password}@127.0.0.1:{controller.port}", FROM)
        if taken:
            send(PARCEL, NOW)
        else:
            with pytest.raises(TryAgain, match="refused our sign-in .535."):
                send(PARCEL, NOW)
    finally:
        controller.stop()

    assert len(postbox.letters) == taken


@pytest.mark.parametrize(
    "url", ["", "mailto:a@b.example", "smtp://", "http://mail.example", "smtp://us:p%C3%A4ss@mail.example"]
)
def test_a_mail_url_that_is_none_is_refused_with_a_sentence(url):
    with pytest.raises(ValueError, match="EXCHANGE_MAIL_URL must be"):
        email_channel(url, FROM)
