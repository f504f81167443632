"""The referral Task: SDOHCC 3.0.0, SDOHCC-TaskForReferralManagement.

A stored Task is never rebuilt: `task_with` returns a copy with the elements that the lifecycle owns replaced.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fhir_mapping import systems
from fhir_mapping.case_data.referral import Note, Output, Priority, Reason, Referral, ReferralStatus
from fhir_mapping.codes import decline_reasons, task_codes
from fhir_mapping.codes.decline_reasons import DECLINE_REASONS, DeclineReason
from fhir_mapping.codes.referral_stages import STAGE_DISPLAYS
from fhir_mapping.datatypes import (
    Ref,
    Token,
    codings,
    concept,
    has_coding,
    identifier,
    identifiers_of,
    instant,
    items,
    ref_of,
    reference,
    refs_of,
    text_of,
    time_of,
    without_nothing,
)
from fhir_mapping.json_text import Json, JsonNumber
from fhir_mapping.mapped import Issue, Mapped

_LOCAL: Final = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}\Z")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z")
_IGNORED: Final = frozenset({"id", "meta", "text", "lastModified", "_lastModified"})
_FROM_SDOHCC: Final = {row.sdohcc: row.code for row in DECLINE_REASONS.values() if row.sdohcc}


@dataclass(frozen=True, slots=True)
class TaskContent:
    """What a referral Task says. `status` is as written; whether it is a status of a referral is for the domain."""

    status: str
    business_status: Token | None
    priority: Priority
    focus: Ref | None
    for_: Ref | None
    requester: Ref | None
    owner: Ref | None
    reason: Reason | None
    outputs: tuple[Output, ...]
    notes: tuple[Note, ...]
    identifiers: tuple[Token, ...]
    authored_on: datetime | None
    part_of: tuple[Ref, ...]
    inputs: tuple[Ref, ...]


def is_referral_task(document: Json) -> bool:
    """Whether the document is a Task by which a referral is born: code `fulfill`, intent `order`."""
    return (
        document.get("resourceType") == "Task"
        and document.get("intent") == "order"
        and has_coding(document.get("code"), systems.TASK_CODE, task_codes.FULFILL)
    )


def task_to_referral(document: Json) -> Mapped[TaskContent]:
    """Return what the referral Task says, tolerantly, with a warning for what was filled in."""
    status = str(document.get("status", ""))
    reason, issues = _reason_of(document.get("statusReason"), status)
    priority = document.get("priority")
    content = TaskContent(
        status=status,
        business_status=next(codings(document.get("businessStatus")), None),
        priority=Priority(priority) if priority in list(Priority) else Priority.ROUTINE,
        focus=ref_of(document.get("focus")),
        for_=ref_of(document.get("for")),
        requester=ref_of(document.get("requester")),
        owner=ref_of(document.get("owner")),
        reason=reason,
        outputs=tuple(_output_of(item) for item in items(document.get("output")) if isinstance(item, dict)),
        notes=tuple(_note_of(item) for item in items(document.get("note")) if isinstance(item, dict)),
        identifiers=identifiers_of(document),
        authored_on=time_of(document.get("authoredOn")),
        part_of=refs_of(document.get("partOf")),
        inputs=refs_of([item.get("valueReference") for item in items(document.get("input")) if isinstance(item, dict)]),
    )
    return Mapped(content, issues)


def _reason_of(written: Any, status: str) -> tuple[Reason | None, tuple[Issue, ...]]:
    """Text alone is the code `other`; a missing reason, where one should be, is said to be missing."""
    text = text_of(written)
    if text is not None:
        found = {token.system: token.value for token in codings(written)}
        code = found.get(systems.REFERRAL_REASON) or _FROM_SDOHCC.get(found.get(systems.SDOHCC_CODES, ""))
        known = DeclineReason(code) if code in set(DeclineReason) else DeclineReason.OTHER
        return Reason(known, text), ()
    if status not in decline_reasons.STATUSES_WITH_REASON:
        return None, ()
    issue = Issue(
        "warning",
        "required",
        f"The Task is {status} without a reason, so none is recorded; send statusReason.text next time.",
        "Task.statusReason",
    )
    return Reason(DeclineReason.OTHER, decline_reasons.NO_REASON_GIVEN), (issue,)


def _output_of(item: Json) -> Output:
    kind = next((token.value for token in codings(item.get("type"))), "")
    target = ref_of(item.get("valueReference"))
    text = text_of(item.get("valueCodeableConcept")) or item.get("valueString") or item.get("valueMarkdown")
    return Output(kind, target.reference if target else None, text if isinstance(text, str) else None)


def _note_of(item: Json) -> Note:
    author = ref_of(item.get("authorReference"))
    name = author.reference or author.display if author else item.get("authorString")
    return Note(str(item.get("text", "")), time_of(item.get("time")), name if isinstance(name, str) else "")


def task_with(document: Json, referral: Referral, *, owner_reference: str | None = None) -> Json:
    """Return the Task document with the elements the lifecycle owns taken from the referral, all else untouched.

    Owned are status, businessStatus, statusReason and lastModified; `new_outputs` and `new_notes` are appended.
    `owner_reference` (`Organization/id`) is given when a claim or the routing sets the owner. A statusReason that says
    the same reason already, and a businessStatus in a code system of the writer's own, stay as written.
    """
    owned: dict[str, Any] = {"status": str(referral.status)}
    if referral.stage is not None:
        owned["businessStatus"] = concept(systems.REFERRAL_STAGE, referral.stage, STAGE_DISPLAYS[referral.stage])
    elif any(token.system == systems.REFERRAL_STAGE for token in codings(document.get("businessStatus"))):
        owned["businessStatus"] = None
    if referral.reason is not None:
        if _reason_of(document.get("statusReason"), "")[0] != referral.reason:
            owned["statusReason"] = status_reason(referral.reason)
    elif document.get("status") != referral.status:
        owned["statusReason"] = None
    if owner_reference is not None and document.get("owner", {}).get("reference") != owner_reference:
        owned["owner"] = reference(owner_reference, referral.receiver_name)
    if referral.changed_at is not None:
        authored = time_of(document.get("authoredOn"))  # a sender's clock may run ahead; inv-1 must hold all the same
        owned["lastModified"] = instant(max(referral.changed_at, authored or referral.changed_at))
    if referral.new_outputs:
        owned["output"] = [*document.get("output", []), *map(output, referral.new_outputs)]
    if referral.new_notes:
        owned["note"] = [*document.get("note", []), *map(annotation, referral.new_notes)]
    # A primitive's extensions (`_status`) belong to the value that was replaced, so they go with it.
    siblings = {f"_{name}" for name in owned}
    kept = {name: value for name, value in document.items() if name not in siblings}
    return {name: value for name, value in (kept | owned).items() if value is not None}


def status_reason(reason: Reason) -> Json:
    """Return Task.statusReason: our code, SDOHCC's where it has one that says the same, and the text."""
    row = DECLINE_REASONS[DeclineReason(reason.code)]
    written = concept(systems.REFERRAL_REASON, row.code, row.display, reason.text or row.display)
    if row.sdohcc:
        written["coding"].append({"system": systems.SDOHCC_CODES, "code": row.sdohcc})
    return written


def output(result: Output) -> Json:
    """Return an item of Task.output."""
    kind = concept(systems.SDOHCC_CODES, result.kind, task_codes.OUTPUT_DISPLAYS.get(result.kind))
    if result.reference is not None:
        return {"type": kind, "valueReference": reference(result.reference, result.text)}
    return {"type": kind, "valueCodeableConcept": {"text": result.text or "No description given."}}


def annotation(note: Note) -> Json:
    """Return an Annotation. An author that reads `Type/id` becomes a reference."""
    by = "authorReference" if _LOCAL.match(note.author) else "authorString"
    author = reference(note.author) if by == "authorReference" else note.author
    return without_nothing({by: author, "time": instant(note.at) if note.at else None, "text": note.text})


def changed_elements(before: Json, after: Json, *, base_url: str = "") -> dict[str, tuple[Any, Any]]:
    """Return the top-level elements whose meaning differs: name to (before, after), None for an absent one.

    Ignored are id, meta, text and lastModified, key order, the writing of numbers (`1.50` is `1.5`) and of times
    (`Z` is `+00:00`), and whether a reference within `base_url` is relative or absolute. An element that `after` leaves
    out is reported with None; where the writer may only read it, that means "kept".
    """
    names = sorted((before.keys() | after.keys()) - _IGNORED)
    return {
        name: (before.get(name), after.get(name))
        for name in names
        if _meaning(before.get(name), base_url) != _meaning(after.get(name), base_url)
    }


def _meaning(value: Any, base_url: str) -> Any:
    if isinstance(value, dict):
        return {
            name: _address(child, base_url) if name == "reference" else _meaning(child, base_url)
            for name, child in value.items()
        }
    if isinstance(value, list):
        return [_meaning(child, base_url) for child in value]
    if isinstance(value, JsonNumber):
        return value.as_decimal()
    if isinstance(value, str) and _MOMENT.match(value):
        return time_of(value) or value
    return value


def _address(value: Any, base_url: str) -> Any:
    return value.removeprefix(base_url.rstrip("/") + "/") if isinstance(value, str) and base_url else value


def new_referral_task(
    *,
    service_request: str,
    patient: str,
    requester: str,
    authored_on: datetime,
    owner: str | None = None,
    owner_name: str | None = None,
    requester_name: str | None = None,
    status: ReferralStatus = ReferralStatus.REQUESTED,
    priority: Priority = Priority.ROUTINE,
    identifiers: Iterable[Token] = (),
    part_of: str | None = None,
    inputs: Iterable[str] = (),
    notes: Iterable[Note] = (),
) -> Json:
    """Return the referral Task that we author, for the portal's Send and for sending on.

    Addresses are `Type/id`. `inputs` are documents that go with the referral (content-rich referral).
    """
    content = concept(
        systems.SDOHCC_CODES,
        task_codes.ADDITIONAL_CONTENT,
        task_codes.OUTPUT_DISPLAYS[task_codes.ADDITIONAL_CONTENT],
    )
    return without_nothing(
        {
            "resourceType": "Task",
            "meta": {"profile": [systems.SDOHCC_TASK]},
            "identifier": [identifier(token.system, token.value) for token in identifiers],
            "partOf": [reference(part_of)] if part_of else None,
            "status": str(status),
            "intent": "order",
            "priority": str(priority),
            "code": concept(systems.TASK_CODE, task_codes.FULFILL, task_codes.FULFILL_DISPLAY),
            "focus": reference(service_request),
            "for": reference(patient),
            "authoredOn": instant(authored_on),
            "lastModified": instant(authored_on),
            "requester": reference(requester, requester_name),
            "owner": reference(owner, owner_name) if owner else None,
            "note": [annotation(note) for note in notes],
            "input": [{"type": content, "valueReference": reference(target)} for target in inputs],
        }
    )
