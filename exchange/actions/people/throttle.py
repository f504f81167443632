"""How many wrong tries are let through before one must wait. The window slides: nobody is locked out for ever."""

from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from exchange.db.person import SignInFailureRow, failures_since, forget_failures
from exchange.db.session import keys, now
from exchange.domain.errors import TooMany

WINDOW: Final = timedelta(minutes=5)
#  what is counted → wrong tries in the window; the account alone is counted more loosely, so that a stranger who
#  keeps guessing from elsewhere does not shut out the person at their own desk, and one office shares one address
LIMITS: Final = {"account and address": 10, "account": 50, "address": 100}


def refuse_too_many(session: Session, email: str, address: str) -> None:
    """Raise TooMany while an account or an address has had too many wrong tries."""
    for kind, subject in _subjects(session, email, address).items():
        refuse_more_than(
            session, subject, LIMITS[kind], WINDOW,
            "There were too many wrong tries: wait a few minutes, then sign in. Nothing is locked.",
        )  # fmt: skip


def refuse_more_than(session: Session, subject: str, limit: int, window: timedelta, sentence: str) -> None:
    """Raise TooMany, with the seconds to wait, when a subject was noted `limit` times within the window."""
    at = now(session)
    noted = failures_since(session, subject, at - window)
    if len(noted) >= limit:
        free_at = noted[-limit] + window
        raise TooMany(sentence, retry_after_seconds=max(1, int((free_at - at).total_seconds()) + 1))


def note_failure(session: Session, email: str, address: str) -> None:
    """Count a wrong try."""
    for subject in _subjects(session, email, address).values():
        note(session, subject)


def note(session: Session, subject: str) -> None:
    """Count one try of a subject: the keyed hash of what is counted."""
    session.add(SignInFailureRow(subject_hash=subject, at=now(session)))


def forgive(session: Session, email: str, address: str) -> None:
    """Forget the wrong tries of an account from this address after a right one; those of others stay counted."""
    forget_failures(session, _subjects(session, email, address)["account and address"])


def subject_of(session: Session, kind: str, text: str) -> str:
    """Return the keyed hash under which tries are counted: the table holds no addresses."""
    return keys(session).token(f"tries of {kind}", text)


def _subjects(session: Session, email: str, address: str) -> dict[str, str]:
    account = email.strip().lower()
    texts = {"account and address": f"{account}\0{address}", "account": account, "address": address}
    return {kind: subject_of(session, kind, text) for kind, text in texts.items()}
