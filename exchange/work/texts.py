"""What every kind of message says: one table, plain text, no health data.

A text may hold a link, a time, and an organisation's name and number: never a person, a need, or a place a person
lives. The texts are marked `N_` for the message catalogue; `translate` looks one up in a language.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from exchange.domain.events import MessageKind

Translate = Callable[[str], str]
#  marks a text for the message catalogue, under the name that catalogue tools look for
N_: Final = str


@dataclass(frozen=True, slots=True)
class Text:
    """A subject and its paragraphs. Fields in braces are those of `FIELDS`."""

    subject: str
    paragraphs: tuple[str, ...]


#  everything a text may mention; the senders fill these and nothing else
FIELDS: Final = frozenset({"link", "sender", "call", "due", "code", "minutes", "days", "house"})

CALL_NUMBER: Final = N_("{name}, phone {phone}")
CALL_NAME: Final = N_("{name}")
NO_DUE: Final = N_("the day named there")

_NOTHING_PRIVATE: Final = N_(
    "This message says nothing about the person, on purpose: what is asked is behind the link."
)
_QUESTIONS: Final = N_("Questions? Please call the sender: {call}.")
_PORTAL: Final = N_("Open it here: {link}")
_FOOTER: Final = N_("Sent by the referral exchange at {house}. Replies to this address are not read.")

TEXTS: Final[Mapping[MessageKind, Text]] = {
    MessageKind.NEW_REFERRAL: Text(
        N_("You have a referral"),
        (
            N_("{sender} has sent you a referral and asks for your answer by {due}."),
            N_("Please open it and accept it, or decline it with a reason: {link}"),
            N_("If nobody answers by then, the sender is told so and may ask another agency."),
            _QUESTIONS,
            _NOTHING_PRIVATE,
        ),
    ),
    MessageKind.NEW_OPEN_REFERRAL: Text(
        N_("A referral waits in your routing queue"),
        (
            N_("{sender} has sent a referral to your network. It names no agency yet and asks for an answer by {due}."),
            _PORTAL,
            N_("If nobody takes it by then, the sender is told so."),
            _QUESTIONS,
            _NOTHING_PRIVATE,
        ),
    ),
    MessageKind.MUST_BE_PHONED: Text(
        N_("An agency must be phoned"),
        (
            N_("A referral of {sender} went to an agency that has no e-mail. Somebody must phone it by {due}."),
            N_("The number, and the form to record the answer: {link}"),
            N_("If no answer is recorded by then, the sender is told that nobody answered."),
            _NOTHING_PRIVATE,
        ),
    ),
    MessageKind.REMINDER: Text(
        N_("Reminder: a referral waits for your answer"),
        (
            N_("{sender} sent you a referral that has no answer yet. Please answer by {due}."),
            N_("Accept it, or decline it with a reason: {link}"),
            N_("If nobody answers by then, the sender is told so and may ask another agency."),
            _QUESTIONS,
            _NOTHING_PRIVATE,
        ),
    ),
    MessageKind.CHANGED: Text(
        N_("There is news of a referral"),
        (N_("Something changed on one of your referrals."), _PORTAL, _NOTHING_PRIVATE),
    ),
    MessageKind.WITHDRAWN: Text(
        N_("A referral was withdrawn"),
        (
            N_("{sender} has withdrawn a referral that it had sent you. You need not do anything."),
            N_("A link that we sent you for it does not open any more."),
            _QUESTIONS,
        ),
    ),
    MessageKind.NO_ANSWER: Text(
        N_("Nobody answered a referral"),
        (
            N_("The time for an answer to one of your referrals has run out. The next step is yours."),
            N_("Please send it to another agency, or cancel it, by {due}: {link}"),
            _NOTHING_PRIVATE,
        ),
    ),
    MessageKind.UNDELIVERABLE: Text(
        N_("A referral could not be delivered"),
        (
            N_("We could not tell the agency about one of your referrals. The next step is yours."),
            N_("Please phone the agency, send the referral to another one, or cancel it, by {due}: {link}"),
            _NOTHING_PRIVATE,
        ),
    ),
    MessageKind.DECIDE: Text(
        N_("A referral waits for your decision"),
        (
            N_("One of your referrals still waits for you: nobody else will take it further."),
            N_("Please send it to another agency, or cancel it, by {due}: {link}"),
            _NOTHING_PRIVATE,
        ),
    ),
    MessageKind.LINK_CODE: Text(
        N_("Your code to open a referral"),
        (
            N_("Your code is {code}. It is good for {minutes} minutes."),
            N_("Type it into the page that asked for it. If you asked for no code, please ignore this message."),
        ),
    ),
    MessageKind.USER_INVITED: Text(
        N_("You are invited to the referral exchange"),
        (
            N_("An account was made for you. Please choose your password within {days} days: {link}"),
            N_("If you did not expect this, please ask the administrator of your organisation."),
        ),
    ),
}


def write_text(kind: MessageKind, fields: Mapping[str, str], *, translate: Translate = str) -> tuple[str, str]:
    """Return the subject and the body of a message. Raises KeyError when a text mentions a field that is not given."""
    text = TEXTS[kind]
    paragraphs = (*text.paragraphs, _FOOTER)
    body = "\n\n".join(translate(paragraph).format_map(fields) for paragraph in paragraphs)
    return translate(text.subject), body + "\n"


def whom_to_call(name: str, phone: str | None, *, translate: Translate = str) -> str:
    """Return an organisation's name with its number, where one is known, on one line."""
    name = " ".join(name.split())
    return translate(CALL_NUMBER if phone else CALL_NAME).format(name=name, phone=" ".join((phone or "").split()))
