"""What the profiles of SDOHCC 3.0.0 and US Core 7.0.0 ask beyond FHIR R4, as data.

A rule is an error where `meta.profile` claims its profile, and where the exchange cannot work without it (`needed`);
elsewhere it is a warning. A referral Task and every ServiceRequest are held against SDOHCC, claimed or not.
Source: the StructureDefinitions named by the URLs; what was left out on purpose is in docs/decisions/0020.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from fhir_mapping import systems
from fhir_mapping.case_data.referral import ReferralStatus
from fhir_mapping.codes.decline_reasons import STATUSES_WITH_REASON
from fhir_mapping.codes.sdoh_categories import SDOH_CATEGORIES
from fhir_mapping.codes.task_codes import FULFILL
from fhir_mapping.datatypes import has_coding, items
from fhir_mapping.mapped import Issue
from fhir_mapping.rules.profile_rules import (
    Document,
    ProfileRule,
    coded,
    naming,
    one_of,
    prohibited,
    required,
    there,
)
from fhir_mapping.rules.reference_rules import named_type


def _types(document: Document, part: str) -> list[Any]:
    """Return the type of each input or output."""
    return [item.get("type") for item in items(document.get(part)) if isinstance(item, dict)]


def _with_type(document: Document, part: str, system: str, code: str) -> int:
    return sum(has_coding(kind, system, code) for kind in _types(document, part))


def _outputs_only(document: Document, code: str) -> bool:
    return all(has_coding(kind, systems.SDOHCC_CODES, code) for kind in _types(document, "output"))


def _asks(document: Document, system: str, code: str) -> bool:
    return has_coding(document.get("code"), system, code)


def _questionnaire_is_given(document: Document) -> bool:
    """SDOH-Task-1; the guide spells two of the codes in another system than its own slices, so both count."""
    if not _asks(document, systems.SDC_CODES, "complete-questionnaire"):
        return True
    forms = _with_type(document, "input", systems.SDC_CODES, "questionnaire")
    forms += _with_type(document, "input", systems.SDOHCC_CODES, "questionnaire-pdf")
    forms += _with_type(document, "input", systems.SDOHCC_CODES, "questionnaire-url")
    return forms == 1 and _with_type(document, "input", systems.SDOHCC_CODES, "questionnaire-category") > 0


def _pdf_is_answered_by_pdf(document: Document) -> bool:
    """SDOH-Task-6, by its intent: the invariant names a system in which these codes are never sent."""
    asked = _with_type(document, "input", systems.SDOHCC_CODES, "questionnaire-pdf")
    answered = _with_type(document, "output", systems.SDOHCC_CODES, "questionnaire-pdf-completed")
    return not asked or answered > 0 or "output" not in document


def _form_is_answered_by_response(document: Document) -> bool:
    asked = _with_type(document, "input", systems.SDC_CODES, "questionnaire")
    answered = _with_type(document, "output", systems.SDC_CODES, "questionnaire-response")
    return not asked or answered > 0 or "output" not in document


def _one_asserter(document: Document) -> bool:
    devices = sum(
        item.get("url") == systems.SDOHCC_CONDITION_ASSERTER
        for item in items(document.get("extension"))
        if isinstance(item, dict)
    )
    return bool(devices + ("asserter" in document) <= 1)


def _reason_has_text(document: Document) -> bool:
    reason = document.get("statusReason")
    return not isinstance(reason, dict) or "text" in reason or "_text" in reason


def _named(document: Document) -> bool:
    """us-core-6: each name has a family or a given name, or says why not."""
    return all(
        item.keys() & {"family", "given", "_family", "_given"}
        or any(one.get("url") == systems.DATA_ABSENT for one in items(item.get("extension")))
        for item in items(document.get("name"))
        if isinstance(item, dict)
    )


def _rules(*groups: Iterable[ProfileRule]) -> tuple[ProfileRule, ...]:
    return tuple(rule for group in groups for rule in group)


_SDOH: Final = (systems.US_CORE_CATEGORY, "sdoh")
_OBSERVED: Final = tuple(
    (systems.US_CORE_CATEGORY, code) for code in ("sdoh", "functional-status", "disability-status", "cognitive-status")
)
_CATEGORIES: Final = tuple((systems.SDOHCC_CODES, code) for code in SDOH_CATEGORIES)

PROFILES: Final[dict[str, tuple[ProfileRule, ...]]] = {
    systems.SDOHCC_TASK: _rules(
        required("focus", "for", "requester", needed=True),
        required("authoredOn"),
        one_of("status", map(str, ReferralStatus), needed=True),
        one_of("intent", ("order",)),
        coded("code", (systems.TASK_CODE, FULFILL)),
        naming("focus", "ServiceRequest", needed=True),
        naming("for", "Patient", "RelatedPerson", "Group"),
        naming("requester", "Organization", "PractitionerRole"),
        naming("partOf", "Task"),
        (
            ProfileRule(
                "statusReason",
                _reason_has_text,
                "A status reason must have a text; add statusReason.text.",
                code="required",
            ),
            ProfileRule(
                "statusReason",
                lambda document: document.get("status") not in STATUSES_WITH_REASON or "statusReason" in document,
                "A Task in this status should say why; add statusReason.text.",
                severity="warning",
                code="required",
            ),
        ),
    ),
    systems.SDOHCC_PATIENT_TASK: _rules(
        required("for", "authoredOn", "requester", "owner"),
        one_of(
            "status",
            ("ready", "in-progress", "completed", "cancelled", "on-hold", "failed", "entered-in-error"),
        ),
        one_of("intent", ("order",)),
        one_of("priority", ("routine", "urgent")),
        coded(
            "code",
            (systems.SDOHCC_CODES, "make-contact"),
            (systems.SDOHCC_CODES, "review-material"),
            (systems.SDOHCC_CODES, "general-information"),
            (systems.SDC_CODES, "complete-questionnaire"),
        ),
        (
            ProfileRule(
                "input",
                _questionnaire_is_given,
                "A Task to fill in a form needs exactly one form and its category as input; add them. (SDOH-Task-1)",
            ),
            ProfileRule(
                "description",
                lambda d: (
                    not _asks(d, systems.SDOHCC_CODES, "general-information")
                    or "description" in d
                    and _outputs_only(d, "general-information-response")
                ),
                "A Task for information needs a description and only such responses as output. (SDOH-Task-2)",
            ),
            ProfileRule(
                "focus",
                lambda d: (
                    not _asks(d, systems.SDOHCC_CODES, "review-material")
                    or named_type(d.get("focus", {})) in (None, "DocumentReference")
                ),
                "A Task to review material needs a DocumentReference as focus; correct it. (SDOH-Task-3)",
            ),
            ProfileRule(
                "input",
                lambda d: (
                    not _asks(d, systems.SDOHCC_CODES, "make-contact")
                    or _with_type(d, "input", systems.SDOHCC_CODES, "contact-entity") > 0
                ),
                "A Task to make contact needs whom to contact as input; add it. (SDOH-Task-4)",
            ),
            ProfileRule(
                "output",
                _form_is_answered_by_response,
                "A form is answered by a response; add it as output. (SDOH-Task-5)",
            ),
            ProfileRule(
                "output",
                _pdf_is_answered_by_pdf,
                "A PDF form is answered by a completed PDF; add it as output. (SDOH-Task-6)",
            ),
            ProfileRule(
                "description",
                lambda d: (
                    not _asks(d, systems.SDOHCC_CODES, "make-contact")
                    or "description" in d
                    and _outputs_only(d, "chosen-contact")
                ),
                "A Task to make contact needs a description and only the chosen contact as output. (SDOH-Task-7)",
            ),
        ),
    ),
    systems.SDOHCC_SERVICE_REQUEST: _rules(
        required("code"),
        prohibited("specimen", "bodySite"),
        naming("subject", "Patient", "Group", "Location"),
        naming("basedOn", "CarePlan", "ServiceRequest"),
    ),
    systems.SDOHCC_CONDITION: _rules(
        required("code"),
        prohibited("bodySite", "stage"),
        coded("category", _SDOH),
        naming("subject", "Patient"),
        (
            ProfileRule("asserter", _one_asserter, "A condition has one asserter; keep one. (SDOH-Con-1)"),
            ProfileRule(
                "category",
                lambda d: any(
                    has_coding(d.get("category"), system, code)
                    for system, code in (
                        (systems.CONDITION_CATEGORY, "encounter-diagnosis"),
                        (systems.CONDITION_CATEGORY, "problem-list-item"),
                        (systems.US_CORE_CONDITION_CATEGORY, "health-concern"),
                    )
                ),
                "A category must be encounter-diagnosis, problem-list-item or health-concern; add it. (SDOH-Con-2)",
            ),
        ),
    ),
    systems.SDOHCC_GOAL: _rules(naming("subject", "Patient")),
    systems.SDOHCC_PROCEDURE: _rules(
        required("code"),
        naming("subject", "Patient"),
        (
            ProfileRule(
                "performed",
                lambda d: d.get("status") not in {"completed", "in-progress"} or there("performed")(d),
                "A procedure under way or completed says when; add performedDateTime or performedPeriod. (us-core-7)",
            ),
        ),
    ),
    systems.SDOHCC_CONSENT: _rules(
        required("patient", "dateTime", "organization", "source"),
        coded("category", (systems.ACT_CODE, "IDSCL")),
    ),
    systems.SDOHCC_SCREENING_RESPONSE: _rules(
        required("subject", "effective"),
        prohibited("bodySite", "specimen"),
        coded("category", _SDOH),
        naming("subject", "Patient"),
        (
            ProfileRule(
                "value",
                lambda d: not {"component", "hasMember", "dataAbsentReason"}.isdisjoint(d) or there("value")(d),
                "An observation needs a value, components, members or a reason for their absence. (us-core-2)",
            ),
        ),
    ),
    systems.SDOHCC_ASSESSMENT: _rules(
        required("subject"),
        coded("category", *_OBSERVED),
        naming("subject", "Patient", "Group"),
    ),
    systems.SDOHCC_ENROLLMENT: _rules(required("subject", "value")),
    systems.SDOHCC_GROUP: _rules(one_of("type", ("person",))),
    f"{systems.US_CORE}us-core-patient": _rules(
        required("identifier", "name", "gender"),
        (ProfileRule("name", _named, "A name needs a family or a given name; add one. (us-core-6)"),),
    ),
    f"{systems.US_CORE}us-core-practitioner": _rules(required("identifier", "name")),
    f"{systems.US_CORE}us-core-organization": _rules(required("active", "name")),
}
"""Canonical URL of the profile, without version, to its rules."""


def profile_issues(document: Document) -> Iterator[Issue]:
    """Yield what the profiles say about a document that is right by the base specification."""
    type_name = str(document["resourceType"])
    claimed = _claimed(document)
    for url in claimed:
        yield from _issues(document, type_name, PROFILES.get(url, ()), claimed=True)
    presumed = _presumed(document, type_name)
    if presumed is not None and presumed not in claimed:
        yield from _issues(document, type_name, PROFILES[presumed], claimed=False)


def _issues(document: Document, type_name: str, rules: Iterable[ProfileRule], *, claimed: bool) -> Iterator[Issue]:
    for rule in rules:
        if not rule.holds(document):
            severity = rule.severity if claimed or rule.needed else "warning"
            yield Issue(severity, rule.code, rule.sentence, f"{type_name}.{rule.element}")


def _claimed(document: Document) -> dict[str, None]:
    profiles = document.get("meta", {}).get("profile", ())
    return dict.fromkeys(url.partition("|")[0] for url in profiles if isinstance(url, str))


def _presumed(document: Document, type_name: str) -> str | None:
    """Return the profile that the type stands for here, whether or not it is claimed."""
    if type_name == "ServiceRequest":
        return systems.SDOHCC_SERVICE_REQUEST
    if type_name == "Task" and document.get("intent") == "order":
        return systems.SDOHCC_TASK if _asks(document, systems.TASK_CODE, FULFILL) else None
    return None
