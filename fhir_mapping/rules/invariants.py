"""The invariants of the base specification for the types we keep and their data types.

Keys and meanings: HL7 FHIR R4 4.0.1, the page of each type. Each is a plain function of the element; it is asked only
of an element whose shape has been checked. Where R4's own expression is at fault (ppc-2 to ppc-5 name the system
"something"), its intent is checked (docs/decisions/0020).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fhir_mapping import systems
from fhir_mapping.datatypes import codings, end_of, has_coding, items, time_of

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Invariant:
    """One rule on a type: its key in the specification, the remedy in a sentence, and whether a value keeps it."""

    key: str
    sentence: str
    holds: Callable[[Value], bool]
    element: str = ""
    severity: str = "error"


def _any_of(*names: str) -> Callable[[Value], bool]:
    """At least one of the elements, or the extensions beside it, is there."""
    wanted = frozenset(names) | {f"_{name}" for name in names}
    return lambda value: not wanted.isdisjoint(value)


def _needs(name: str, *others: str) -> Callable[[Value], bool]:
    """Where `name` is, at least one of the others is too."""
    there = _any_of(*others)
    return lambda value: name not in value or there(value)


def _has_choice(value: Value, group: str) -> bool:
    return any(name.startswith(group) and name[len(group) : len(group) + 1].isupper() for name in value)


def _in_order(first: str, second: str) -> Callable[[Value], bool]:
    """The second time does not end before the first begins; a date counts as its whole day."""

    def holds(value: Value) -> bool:
        start, end = time_of(value.get(first)), end_of(value.get(second))
        return start is None or end is None or start < end

    return holds


def _extension_is_one_thing(value: Value) -> bool:
    return ("extension" in value) != _has_choice(value, "value")


def _code_needs_system(value: Value) -> bool:
    return "code" not in value or "system" in value


def _range_in_order(value: Value) -> bool:
    low, high = value.get("low", {}).get("value"), value.get("high", {}).get("value")
    same_unit = value.get("low", {}).get("code") == value.get("high", {}).get("code")
    return low is None or high is None or not same_unit or _number(low) <= _number(high)


def _number(value: Any) -> Any:
    return value.as_decimal() if hasattr(value, "as_decimal") else value


def _abated_conditions_are_not_active(value: Value) -> bool:
    ended = {"resolved", "remission", "inactive"}
    return not _has_choice(value, "abatement") or any(
        token.system == systems.CONDITION_CLINICAL and token.value in ended
        for token in codings(value.get("clinicalStatus"))
    )


def _errors_have_no_clinical_status(value: Value) -> bool:
    wrong = has_coding(value.get("verificationStatus"), systems.CONDITION_VERIFICATION, "entered-in-error")
    return not (wrong and "clinicalStatus" in value)


def _problems_have_a_clinical_status(value: Value) -> bool:
    return (
        "clinicalStatus" in value
        or has_coding(value.get("verificationStatus"), systems.CONDITION_VERIFICATION, "entered-in-error")
        or not has_coding(value.get("category"), systems.CONDITION_CATEGORY, "problem-list-item")
    )


def _bound_to(name: str, system: str, codes: str) -> Callable[[Value], bool]:
    """A CodeableConcept with a required binding holds one of the codes."""
    allowed = {(system, code) for code in codes.split()}
    return lambda value: name not in value or any((t.system, t.value) in allowed for t in codings(value[name]))


def _scope_needs_patient(code: str) -> Callable[[Value], bool]:
    return lambda value: "patient" in value or not has_coding(value.get("scope"), systems.CONSENT_SCOPE, code)


def _component_repeats_no_value(value: Value) -> bool:
    if not _has_choice(value, "value"):
        return True
    own = {(token.system, token.value) for token in codings(value.get("code"))}
    return not any(
        (token.system, token.value) in own
        for component in items(value.get("component"))
        for token in codings(component.get("code"))
    )


def _choices_have_options(value: Value) -> bool:
    """que-5: only a choice or open-choice offers a value set; options also go with dates, times, numbers and texts."""
    return "answerValueSet" not in value or value.get("type") in {
        "choice",
        "open-choice",
        "decimal",
        "integer",
        "date",
        "dateTime",
        "time",
        "string",
        "quantity",
    }


def _link_ids_are_unique(value: Value) -> bool:
    seen: set[str] = set()

    def fresh(questions: Any) -> bool:
        for question in items(questions):
            if question.get("linkId") in seen:
                return False
            seen.add(question.get("linkId"))
            if not fresh(question.get("item")):
                return False
        return True

    return fresh(value.get("item"))


def _no_home(name: str) -> Callable[[Value], bool]:
    return lambda value: all(item.get("use") != "home" for item in items(value.get(name)))


_TIME_UNIT = "A length of time needs a unit; add it or leave the length out."

INVARIANTS: Final[dict[str, tuple[Invariant, ...]]] = {
    "Attachment": (
        Invariant("att-1", "Attached data needs to say what it is; add contentType.", _needs("data", "contentType")),
    ),
    "ContactPoint": (
        Invariant("cpt-2", "A contact needs to say of which kind it is; add system.", _needs("value", "system")),
    ),
    "Extension": (
        Invariant("ext-1", "An extension has either a value or extensions; give one of them.", _extension_is_one_thing),
    ),
    "Period": (Invariant("per-1", "A period ends after it starts; correct start or end.", _in_order("start", "end")),),
    "Quantity": (Invariant("qty-3", "A coded unit needs its system; add system.", _code_needs_system),),
    "Range": (Invariant("rng-2", "The low end of a range is not above its high end; correct them.", _range_in_order),),
    "TimingRepeat": (
        Invariant("tim-1", _TIME_UNIT, _needs("duration", "durationUnit")),
        Invariant("tim-2", _TIME_UNIT, _needs("period", "periodUnit")),
        Invariant("tim-6", "The longest duration needs a duration; add it.", _needs("durationMax", "duration")),
        Invariant("tim-7", "The longest period needs a period; add it.", _needs("periodMax", "period")),
        Invariant("tim-8", "The largest count needs a count; add it.", _needs("countMax", "count")),
        Invariant(
            "tim-10",
            "Times of day and events exclude each other; keep one.",
            lambda value: not {"timeOfDay", "when"} <= value.keys(),
        ),
    ),
    "PatientContact": (
        Invariant(
            "pat-1",
            "A contact needs a name, telecom, address or organization; add one or leave the contact out.",
            _any_of("name", "telecom", "address", "organization"),
        ),
    ),
    "Organization": (
        Invariant("org-1", "An organization needs a name or an identifier; add one.", _any_of("name", "identifier")),
        Invariant("org-2", "An organization's address is never a home; correct use.", _no_home("address"), "address"),
        Invariant("org-3", "An organization's telecom is never a home's; correct use.", _no_home("telecom"), "telecom"),
    ),
    "Condition": (
        Invariant(
            "con-3",
            "A problem on the list should have a clinical status; add it.",
            _problems_have_a_clinical_status,
            "clinicalStatus",
            "warning",
        ),
        Invariant(
            "con-4",
            "A condition that has ended is inactive, resolved or in remission; correct clinicalStatus.",
            _abated_conditions_are_not_active,
            "clinicalStatus",
        ),
        Invariant(
            "con-5",
            "A condition entered in error has no clinical status; leave it out.",
            _errors_have_no_clinical_status,
            "clinicalStatus",
        ),
        Invariant(
            "condition-clinical",
            "The clinical status must hold one of active, recurrence, relapse, inactive, remission, resolved.",
            _bound_to(
                "clinicalStatus",
                systems.CONDITION_CLINICAL,
                "active recurrence relapse inactive remission resolved",
            ),
            "clinicalStatus",
        ),
        Invariant(
            "condition-ver-status",
            "The verification status must hold one of unconfirmed, provisional, differential, confirmed, refuted,"
            " entered-in-error.",
            _bound_to(
                "verificationStatus",
                systems.CONDITION_VERIFICATION,
                "unconfirmed provisional differential confirmed refuted entered-in-error",
            ),
            "verificationStatus",
        ),
    ),
    "ConditionStage": (
        Invariant("con-1", "A stage needs a summary or an assessment; add one.", _any_of("summary", "assessment")),
    ),
    "ConditionEvidence": (
        Invariant("con-2", "Evidence needs a code or a detail; add one.", _any_of("code", "detail")),
    ),
    "Observation": (
        Invariant(
            "obs-6",
            "A value and a reason for its absence exclude each other; keep one.",
            lambda value: "dataAbsentReason" not in value or not _has_choice(value, "value"),
            "dataAbsentReason",
        ),
        Invariant(
            "obs-7",
            "A component has the same code as the observation; move its value there.",
            _component_repeats_no_value,
            "component",
        ),
    ),
    "ObservationReferenceRange": (
        Invariant("obs-3", "A reference range needs low, high or text; add one.", _any_of("low", "high", "text")),
    ),
    "GoalTarget": (
        Invariant(
            "gol-1",
            "A target with a detail needs a measure; add it.",
            lambda value: not _has_choice(value, "detail") or "measure" in value,
        ),
    ),
    "Consent": (
        Invariant("ppc-1", "A consent needs a policy or a policyRule; add one.", _any_of("policy", "policyRule")),
        *(
            Invariant(
                key, "A consent of this scope needs its patient; add patient.", _scope_needs_patient(code), "patient"
            )
            for key, code in (
                ("ppc-2", "patient-privacy"),
                ("ppc-3", "research"),
                ("ppc-4", "adr"),
                ("ppc-5", "treatment"),
            )
        ),
    ),
    "ServiceRequest": (
        Invariant(
            "prr-1", "Details of an order need its code; add code.", _needs("orderDetail", "code"), "orderDetail"
        ),
    ),
    "Task": (
        Invariant(
            "inv-1",
            "A Task is not modified before it is authored; correct lastModified or authoredOn.",
            _in_order("authoredOn", "lastModified"),
            "lastModified",
        ),
    ),
    "ImmunizationEducation": (
        Invariant(
            "imm-1",
            "Education material needs a documentType or a reference; add one.",
            _any_of("documentType", "reference"),
        ),
    ),
    "Group": (
        Invariant(
            "grp-1",
            "Only an actual group has members; set actual to true or leave them out.",
            lambda value: "member" not in value or value.get("actual") is True,
            "member",
        ),
    ),
    "Questionnaire": (
        Invariant("que-2", "Each linkId stands once in a questionnaire; rename one.", _link_ids_are_unique, "item"),
    ),
    "QuestionnaireItem": (
        Invariant(
            "que-1",
            "A group has items and a display has none; correct type or item.",
            lambda value: (
                (value.get("type") != "group" or "item" in value)
                and (value.get("type") != "display" or "item" not in value)
            ),
        ),
        Invariant(
            "que-3",
            "A display has no code; leave it out.",
            lambda value: value.get("type") != "display" or "code" not in value,
            "code",
        ),
        Invariant(
            "que-4",
            "Options and a value set exclude each other; keep one.",
            lambda value: not {"answerOption", "answerValueSet"} <= value.keys(),
        ),
        Invariant(
            "que-5", "This type of item has no value set; leave it out.", _choices_have_options, "answerValueSet"
        ),
        Invariant(
            "que-6",
            "A display is neither required nor repeated; leave both out.",
            lambda value: value.get("type") != "display" or not {"required", "repeats"} & value.keys(),
        ),
        Invariant(
            "que-8",
            "A group or display has no initial value; leave it out.",
            lambda value: value.get("type") not in {"group", "display"} or "initial" not in value,
            "initial",
        ),
        Invariant(
            "que-12",
            "Several conditions need to say whether all or any must hold; add enableBehavior.",
            lambda value: len(value.get("enableWhen", ())) < 2 or "enableBehavior" in value,
            "enableBehavior",
        ),
    ),
    "QuestionnaireResponseItem": (
        Invariant(
            "qrs-1",
            "An item has answers or items of its own, not both; nest the items in the answer.",
            lambda value: not {"answer", "item"} <= value.keys(),
        ),
    ),
    "AuditEventEntity": (
        Invariant(
            "sev-1",
            "An entity has a name or a query, not both; keep one.",
            lambda value: not {"name", "query"} <= value.keys(),
        ),
    ),
}
for _quantity in ("Age", "Count", "Distance", "Duration"):
    INVARIANTS[_quantity] = INVARIANTS["Quantity"]
