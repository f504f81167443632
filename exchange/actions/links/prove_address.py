"""The code from the mail is typed in: for thirty minutes this link may show the person's details."""

import hmac
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from exchange.actions.people.throttle import note, refuse_more_than, subject_of
from exchange.db.link import code_hash, living_link
from exchange.db.sealing import digest
from exchange.db.session import now
from exchange.domain.errors import NotFound

TRIES_OF_A_CODE: Final = 5
TRIES_OF_A_LINK: Final = 20
WITHIN: Final = timedelta(days=1)
SHOWN_FOR: Final = timedelta(minutes=30)


def prove_address(session: Session, token: str, code: str) -> bool:
    """Return whether the code was right; then the details are shown for thirty minutes. A code works once.

    A wrong one is counted, so the caller must commit either way. Raises NotFound for a dead link, TooMany after
    twenty wrong codes in a day.
    """
    at = now(session)
    link = living_link(session, token, at)
    if link is None:
        raise NotFound("This link is not valid any more: ask the sender to send the referral again.")
    subject = subject_of(session, "typing a code", digest(token))
    sentence = "There were too many wrong codes: call the sender, or try again tomorrow."
    refuse_more_than(session, subject, TRIES_OF_A_LINK, WITHIN, sentence)
    alive = link.code_hash is not None and link.code_expires_at is not None and at < link.code_expires_at
    right = hmac.compare_digest(code_hash(session, link, "".join(code.split())), link.code_hash or "")
    if alive and right and link.code_tries < TRIES_OF_A_CODE:
        link.proved_until, link.code_hash = at + SHOWN_FOR, None
        return True
    link.code_tries += 1
    note(session, subject)
    return False


def is_proved(session: Session, token: str) -> bool:
    """Return whether this link may show the person's details now."""
    link = living_link(session, token, now(session))
    return link is not None and link.proved_until is not None and now(session) < link.proved_until
