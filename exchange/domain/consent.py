"""Does a consent cover this disclosure? Pure; `fhir_mapping/resources/consent.py` reads the document."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Answer(StrEnum):
    """What the policy says of one document and one recipient."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """What a Consent says. `recipients` are organisation ids; empty means no actor was named.

    `begins` and `ends` bound its period (aware UTC, None is open).
    """

    id: str
    patient_id: str | None
    is_active: bool
    denies: bool
    begins: datetime | None = None
    ends: datetime | None = None
    recipients: frozenset[str] = frozenset()
    names_recipients: bool = False
    denied_recipients: frozenset[str] = frozenset()


#  confidentiality labels that always need a consent (ARCHITECTURE §3)
NEEDS_CONSENT = frozenset({"R", "V"})


def covers(consent: ConsentFacts, *, patient_id: str, recipient_id: str, now: datetime) -> bool:
    """Return whether an active consent of this person lets this recipient see, now."""
    in_period = (consent.begins is None or consent.begins <= now) and (consent.ends is None or now < consent.ends)
    named = recipient_id in consent.recipients or not consent.names_recipients
    named = named and recipient_id not in consent.denied_recipients
    return consent.is_active and not consent.denies and consent.patient_id == patient_id and in_period and named


def denies(consent: ConsentFacts, *, patient_id: str, recipient_id: str, now: datetime) -> bool:
    """Return whether a living consent of this person forbids this recipient to see."""
    living = consent.is_active and (consent.ends is None or now < consent.ends)
    named = recipient_id in consent.recipients or not consent.names_recipients
    forbidden = (consent.denies and named) or recipient_id in consent.denied_recipients
    return living and forbidden and consent.patient_id == patient_id


def release_policy(
    labels: Iterable[str],
    *,
    patient_id: str,
    recipient_id: str,
    rule: str,
    consents: Iterable[ConsentFacts],
    now: datetime,
) -> Answer:
    """Return whether a whole document may be shown to a recipient.

    `labels` are its confidentiality codes, `rule` is the sender's (`attested` or `required`). A denial always wins;
    a document labelled R or V, or a sender whose rule is `required`, needs a consent that covers the recipient.
    """
    consents = tuple(consents)
    if any(denies(one, patient_id=patient_id, recipient_id=recipient_id, now=now) for one in consents):
        return Answer.DENY
    if rule == "attested" and not NEEDS_CONSENT & set(labels):
        return Answer.ALLOW
    covered = any(covers(one, patient_id=patient_id, recipient_id=recipient_id, now=now) for one in consents)
    return Answer.ALLOW if covered else Answer.DENY
