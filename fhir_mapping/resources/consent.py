"""The Consent: into what it says, and out for the portal's Send. SDOHCC 3.0.0, SDOHCC-Consent."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from fhir_mapping import systems
from fhir_mapping.case_data.consent import Consent
from fhir_mapping.datatypes import codings, concept, end_of, instant, items, ref_of, reference, time_of, without_nothing
from fhir_mapping.json_text import Json
from fhir_mapping.mapped import Issue, Mapped


def consent(document: Json) -> Mapped[Consent]:
    """Return what a Consent says, tolerantly; exceptions about more than recipients are named, not evaluated."""
    provision = document.get("provision")
    provision = provision if isinstance(provision, dict) else {}
    exceptions = [item for item in items(provision.get("provision")) if isinstance(item, dict)]
    period = provision.get("period")
    period = period if isinstance(period, dict) else {}
    patient = ref_of(document.get("patient"))
    labels = [*items(provision.get("securityLabel")), *items(document.get("meta", {}).get("security"))]
    partial = any(not _is_about_recipients(item) for item in exceptions)
    read = Consent(
        status=str(document.get("status", "")),
        patient=patient.reference if patient else None,
        scope=next((token.value for token in codings(document.get("scope"))), ""),
        denies=provision.get("type") == "deny",
        period_start=time_of(period.get("start")),
        period_end=end_of(period.get("end")),
        recipients=tuple(_actors(provision)),
        denied_recipients=tuple(name for item in exceptions if item.get("type") == "deny" for name in _actors(item)),
        purposes=tuple(_codes(provision.get("purpose"))),
        security_labels=tuple(_codes(labels)),
        organizations=tuple(
            ref.reference for ref in map(ref_of, items(document.get("organization"))) if ref and ref.reference
        ),
        given_at=time_of(document.get("dateTime")),
        has_exceptions=partial,
    )
    sentence = "The consent has exceptions that are not about recipients; they are kept, but a person must judge them."
    issue = Issue("warning", "not-supported", sentence, "Consent.provision.provision")
    return Mapped(read, (issue,) if partial else ())


def _is_about_recipients(provision: Json) -> bool:
    return bool(provision.get("actor")) and provision.keys() <= {"id", "type", "actor"}


def _actors(provision: Json) -> Iterator[str]:
    for actor in items(provision.get("actor")):
        named = ref_of(actor.get("reference")) if isinstance(actor, dict) else None
        if named and named.reference:
            yield named.reference


def _codes(values: Any) -> Iterator[str]:
    """Yield the codes of an array of Codings."""
    for item in items(values):
        if isinstance(item, dict) and isinstance(item.get("code"), str):
            yield item["code"]


def new_consent(
    *,
    patient: str,
    organization: str,
    given_at: datetime,
    how: str,
    recipients: Iterable[str] = (),
    until: datetime | None = None,
) -> Json:
    """Return the active Consent to disclose that we author from a form.

    `how` says how it was given (spoken, on paper): SDOHCC requires a source, so it goes in as a text attachment title.
    `recipients` are `Organization/id`; without any the consent names nobody and is not limited.
    """
    recipient_role = concept(systems.PARTICIPATION_TYPE, "IRCP", "information recipient")
    provision = without_nothing(
        {
            "type": "permit",
            "period": without_nothing({"start": instant(given_at), "end": instant(until) if until else None}),
            "actor": [{"role": recipient_role, "reference": reference(target)} for target in recipients],
        }
    )
    return {
        "resourceType": "Consent",
        "meta": {"profile": [systems.SDOHCC_CONSENT]},
        "status": "active",
        "scope": concept(systems.CONSENT_SCOPE, "patient-privacy", "Privacy Consent"),
        "category": [concept(systems.ACT_CODE, "IDSCL", "information disclosure")],
        "patient": reference(patient),
        "dateTime": instant(given_at),
        "organization": [reference(organization)],
        "sourceAttachment": {"title": how},
        "policyRule": concept(systems.CONSENT_POLICY, "hipaa-auth", "HIPAA Authorization"),
        "provision": provision,
    }
