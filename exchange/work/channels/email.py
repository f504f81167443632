"""Mail: by SMTP, or into a directory, one `.eml` file a message. The only place that speaks SMTP.

Sources: RFC 5321 (reply codes), RFC 5322 (the message), RFC 3834 (Auto-Submitted), RFC 6125 (the server's name).
"""

import os
import re
import smtplib
import socket
import ssl
from contextlib import suppress
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from exchange.config import LOOPBACK
from exchange.outbound import Cutter
from exchange.work.channels.parcel import Channel, NeverAgain, Parcel, TryAgain

#  for each step of the talk, and for all of it: a server that drips, or greets without end, satisfies every step
SECONDS: Final = 20
LONGEST_SECONDS: Final = 30
PORTS: Final = {"smtp": 25, "smtps": 465}


def email_channel(mail_url: str, mail_from: str) -> Channel:
    """Return what sends a mail to where a mail URL says.

    `smtp://[user:password@]host[:port]` (TLS as soon as the server offers it), `smtps://…` (TLS from the start) or
    `file:///directory`. Raises ValueError with a sentence for anything else.
    """
    parts = urlsplit(mail_url)
    match parts.scheme:
        case "file":
            folder = _folder(parts)
            return lambda parcel, now: _write(folder, letter(parcel, mail_from, now))
        case "smtp" | "smtps" if parts.hostname and unquote(parts.netloc).isascii():
            return lambda parcel, now: _post(parts, letter(parcel, mail_from, now))
    raise ValueError("EXCHANGE_MAIL_URL must be smtp://host, smtps://host or file:///directory, without accents.")


def look_for_mail(mail_url: str) -> None:
    """Return when mail could go out now: the server lets us in, or the directory can be written.

    Raises ValueError as `email_channel` does, TryAgain with a sentence when it could not.
    """
    email_channel(mail_url, "")
    parts = urlsplit(mail_url)
    if parts.scheme == "file":
        folder = _folder(parts)
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
            raise TryAgain(f"The directory {folder} cannot be written.")
        return
    try:
        with _connected(parts) as server:
            server.noop()
    except smtplib.SMTPAuthenticationError as error:
        raise TryAgain(f"The mail server refused our sign-in ({error.smtp_code}): check EXCHANGE_MAIL_URL.") from None
    except (OSError, smtplib.SMTPException) as error:
        raise TryAgain(f"The mail server could not be reached ({type(error).__name__}).") from None


def letter(parcel: Parcel, mail_from: str, now: datetime) -> EmailMessage:
    """Return the mail of a parcel: plain text. Raises NeverAgain when its address is none."""
    name, sender = parseaddr(mail_from)
    mail = EmailMessage(policy=SMTP)
    try:
        mail["To"] = Address(addr_spec=parcel.to)
        mail["From"] = Address(display_name=name, addr_spec=sender)
        mail["Subject"] = parcel.subject
    except (ValueError, IndexError, MessageError):
        raise NeverAgain("The address is not an e-mail address.") from None
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{parcel.message_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(parcel.body)
    return mail


def _folder(parts: SplitResult) -> Path:
    """Return the directory of a file URL; `file://var/mail` lies below the working directory."""
    text = unquote(parts.netloc + parts.path)
    return Path(text[1:] if re.match(r"/[A-Za-z]:", text) else text)


def _write(folder: Path, mail: EmailMessage) -> None:
    """Write a mail as a file that only its owner reads: it may hold an answer link. A repeat lands on the same name."""
    name = str(mail["Message-ID"]).strip("<>").partition("@")[0]
    unfinished = folder / f".{name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(mail.as_bytes())
        unfinished.replace(folder / f"{name}.eml")
    except OSError as error:
        raise TryAgain(f"The mail could not be written ({type(error).__name__}).") from error


def _post(parts: SplitResult, mail: EmailMessage) -> None:
    try:
        with _connected(parts) as server:
            server.send_message(mail)
    except smtplib.SMTPAuthenticationError as error:
        raise TryAgain(f"The mail server refused our sign-in ({error.smtp_code}): check EXCHANGE_MAIL_URL.") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(max(code for code, _text in error.recipients.values()), "recipient") from None
    except smtplib.SMTPSenderRefused as error:
        raise TryAgain(f"The mail server refused our sender ({error.smtp_code}): check EXCHANGE_MAIL_FROM.") from None
    except smtplib.SMTPNotSupportedError:
        raise NeverAgain("The mail server cannot deliver to such an address.") from None
    except (smtplib.SMTPConnectError, smtplib.SMTPHeloError) as error:
        raise TryAgain(f"The mail server did not let us in ({error.smtp_code}).") from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, "message") from None
    except (OSError, smtplib.SMTPException) as error:
        #  smtplib closes by QUIT when a block ends: a server that hangs up there has the mail all the same
        raise TryAgain(f"The mail server could not be reached ({type(error).__name__}).") from None


def _refused(code: int, what: str) -> TryAgain | NeverAgain:
    """Return the failure of a reply code: 5yz is for good, 4yz for now (RFC 5321 §4.2.1)."""
    why = f"The mail server refused the {what} ({code})."
    return NeverAgain(why) if code >= 500 else TryAgain(why)


class _Server(smtplib.SMTP):
    """A connection that is cut when it has lived too long, and whose end cannot undo what it delivered."""

    _cutter: Cutter | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # smtplib's own hook
        self._cutter = Cutter(sock, LONGEST_SECONDS)
        return sock

    def close(self) -> None:
        """Close, and let go of the cutter."""
        if self._cutter is not None:
            self._cutter.let_go()
            self._cutter = None
        super().close()

    def __exit__(self, *arguments: object) -> None:
        with suppress(OSError, smtplib.SMTPException):
            self.quit()
        self.close()


class _SecureServer(smtplib.SMTP_SSL, _Server):
    """The same, with TLS from the start."""


def _connected(parts: SplitResult) -> smtplib.SMTP:
    """Return a connection, encrypted where the server can, signed in where the URL has a user."""
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = _SecureServer(host, port, timeout=SECONDS, context=context)
    else:
        server = _Server(host, port, timeout=SECONDS)
    try:
        server.ehlo_or_helo_if_needed()
        is_private = parts.scheme == "smtps" or host in LOOPBACK
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=context)
            is_private = True
        if parts.username:
            if not is_private:
                raise TryAgain("The mail server offers no TLS, so no password is sent: use smtps://.")
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server
