"""What one page about a referral shows to whoever opens it: in whole, as a preview, or what remains after its end."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.actions.directory.find_organization import OrganizationFacts, find_organization
from exchange.actions.referrals.list_referrals import need_text
from exchange.db import document, referral, timeline
from exchange.db.session import fhir_base
from exchange.db.timeline import TimelineEntry
from exchange.domain.actor import Actor, ActorKind
from exchange.domain.errors import NotFound
from exchange.domain.permissions import Permission, permit
from exchange.domain.referral import OPEN, VERBS, may_move
from exchange.domain.sides import sides_of
from fhir_mapping.case_data.person import Person
from fhir_mapping.case_data.referral import Note, Referral, ReferralStatus, Side
from fhir_mapping.datatypes import Ref, text_of
from fhir_mapping.json_text import Json, parse
from fhir_mapping.references import local_reference
from fhir_mapping.resources import patient, service_request
from fhir_mapping.resources.task import task_to_referral


@dataclass(frozen=True, slots=True)
class ReferralPage:
    """A referral as one side sees it. `person` is None in a preview and after the release has ended.

    `moves` are the verbs the viewer may use now; `results` are the words of what was done.
    """

    referral: Referral
    side: Side
    is_preview: bool
    person: Person | None
    need_text: str
    request_text: str
    reasons: tuple[str, ...]
    sender: OrganizationFacts
    receiver: OrganizationFacts | None
    call_at_sender: tuple[str, str]
    moves: tuple[str, ...]
    notes: tuple[Note, ...]
    results: tuple[str, ...]
    timeline: tuple[TimelineEntry, ...]
    attempts: tuple[Referral, ...]
    contact_prohibited: bool


def open_referral(session: Session, actor: Actor, referral_id: str, *, proved: bool = False) -> ReferralPage:
    """Return a referral for its page. The door notes the reading in the audit.

    `proved` says that the holder of a link has proved the listed address. Raises NotFound for strangers.
    """
    permit(actor, Permission.READ_REFERRAL)
    found = referral.find(session, referral_id, visible_to=actor)
    if found is None:
        raise NotFound("There is no such referral, or your organisation may not see it.")
    sides = sides_of(actor, found)
    side = sides[0] if sides else Side.SENDER
    viewer = _viewer(actor, found, side)
    is_preview = _is_preview(actor, found, side, proved=proved)
    person = None if is_preview or _is_over_for(actor, found) else _person(session, found, viewer)
    task = document.read(session, "Task", found.id, viewer_id=viewer)
    sees_all = person is not None and task is not None and not task.is_reduced
    content = task_to_referral(parse(task.body)).value if task is not None and sees_all else None
    request = document.read(session, "ServiceRequest", found.service_request_id, viewer_id=viewer) if sees_all else None
    asked = service_request.content(parse(request.body)) if request else None
    sender = find_organization(session, found.sender_id)
    assert sender is not None
    return ReferralPage(
        referral=found,
        side=side,
        is_preview=is_preview,
        person=person,
        need_text=need_text(found),
        request_text=asked.requested_text if asked else "",
        reasons=tuple(_words(session, viewer, ref) for ref in (asked.reasons if asked else ())),
        sender=sender,
        receiver=find_organization(session, found.receiver_id) if found.receiver_id else None,
        call_at_sender=_whom_to_call(session, viewer, content.requester if content else None, sender),
        moves=tuple(verb for verb in VERBS if any(may_move(found, verb, one) for one in sides)),
        notes=content.notes if content else (),
        results=tuple(
            _result(session, viewer, one.reference, one.text) for one in (content.outputs if content else ())
        ),
        timeline=tuple(timeline.timeline(session, [found.id])),
        attempts=tuple(referral.attempts(session, found.service_request_id, visible_to=actor))
        if side is Side.SENDER
        else (),
        contact_prohibited=found.contact_prohibited,
    )


def _viewer(actor: Actor, found: Referral, side: Side) -> str:
    """Return whose eyes the documents are read with: a facilitator sees what its sender does."""
    if actor.source in ("phone", "paper"):
        return found.sender_id
    return (found.sender_id if side is Side.SENDER else actor.organization_id) or ""


def _is_preview(actor: Actor, found: Referral, side: Side, *, proved: bool) -> bool:
    if side is Side.CANDIDATE:
        return True
    if actor.kind is ActorKind.LINK:
        return found.status is ReferralStatus.REQUESTED or not proved
    return False


def _is_over_for(actor: Actor, found: Referral) -> bool:
    """Return whether a facilitator of the network has nothing left to do: the person is no longer shown then."""
    records = actor.source in ("phone", "paper") and actor.organization_id != found.sender_id
    return records and found.status not in OPEN


def _person(session: Session, found: Referral, viewer: str) -> Person | None:
    stored = document.read(session, "Patient", found.patient_id, viewer_id=viewer)
    return patient.person(parse(stored.body)).value if stored else None


def _read(session: Session, viewer: str, text: str | None) -> Json | None:
    local = local_reference(text or "", fhir_base(session))
    stored = document.read(session, *local, viewer_id=viewer) if local else None
    return parse(stored.body) if stored else None


def _words(session: Session, viewer: str, ref: Ref) -> str:
    body = _read(session, viewer, ref.reference)
    return (text_of(body.get("code")) if body else None) or ref.display or ""


def _result(session: Session, viewer: str, reference: str | None, text: str | None) -> str:
    body = _read(session, viewer, reference)
    return (text_of(body.get("code")) if body else None) or text or "Recorded."


def _whom_to_call(session: Session, viewer: str, requester: Ref | None, sender: OrganizationFacts) -> tuple[str, str]:
    """Return a name and a number at the sender: of the PractitionerRole that asked, else of the organisation."""
    role = _read(session, viewer, requester.reference) if requester else None
    if role is None or role.get("resourceType") != "PractitionerRole":
        return sender.name, sender.phone or ""
    who = role.get("practitioner") or {}
    someone = _read(session, viewer, who.get("reference"))
    name = patient.person(someone).value.name if someone else str(who.get("display") or sender.name)
    numbers = patient.person(role).value.phones or (patient.person(someone).value.phones if someone else ())
    return name or sender.name, numbers[0] if numbers else sender.phone or ""
