"""The holder of a link asks for a code at the agency's listed address: only who reads that mail sees the person."""

from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import find_organization
from exchange.actions.people.throttle import note, refuse_more_than, subject_of
from exchange.db import outbox
from exchange.db.link import living_link
from exchange.db.sealing import digest
from exchange.db.session import now
from exchange.domain.errors import NotFound, Unprocessable
from exchange.domain.events import MessageKind

CODES: Final = 5
WITHIN: Final = timedelta(hours=1)


def ask_for_code(session: Session, token: str) -> str:
    """Let a code be sent to the listed address and return that address. The code itself is made when the mail is sent.

    Raises NotFound for a dead link, TooMany after five codes in an hour, Unprocessable for an agency without address.
    """
    link = living_link(session, token, now(session))
    if link is None:
        raise NotFound("This link is not valid any more: ask the sender to send the referral again.")
    agency = find_organization(session, link.organization_id)
    if agency is None or not agency.email:
        raise Unprocessable("There is no address on file to send a code to: please call the sender of this referral.")
    subject = subject_of(session, "asking for a code", digest(token))
    refuse_more_than(session, subject, CODES, WITHIN, "Five codes were sent already: use the newest, or wait an hour.")
    note(session, subject)
    outbox.put(
        session, kind=MessageKind.LINK_CODE.value, channel="email", destination=agency.email, now=now(session),
        organization_id=link.organization_id, referral_id=link.referral_id, data={"link": digest(token)},
    )  # fmt: skip
    return agency.email
