"""`exchange referral list | show | timeline | answer`: no health data is printed without --show-person REASON."""

from typing import Any

import click

from exchange.actions.referrals.answer_referral import answer_referral
from exchange.actions.referrals.open_referral import open_referral
from exchange.cli.house import House, json_option
from exchange.db import audit, referral, timeline
from exchange.db.organization import member
from exchange.db.session import now
from exchange.domain.actor import SYSTEM, Actor
from exchange.domain.referral import VERBS, WANTS_REASON
from fhir_mapping.case_data.referral import Reason, Referral
from fhir_mapping.codes.decline_reasons import DECLINE_REASONS


@click.group(name="referral")
def referral_group() -> None:
    """Referrals, as the operator may see them."""


def said(one: Referral) -> dict[str, Any]:
    """Return what may be printed of a referral: codes, organisations and times."""
    return {
        "id": one.id,
        "status": one.status.value,
        "stage": one.stage.value if one.stage else None,
        "need": one.need,
        "priority": one.priority.value,
        "sender": one.sender_id,
        "receiver": one.receiver_id,
        "receiver_name": one.receiver_name,
        "next_step": one.next_step.value if one.next_step else None,
        "clock": one.clock.value if one.clock else None,
        "due_at": one.due_at.isoformat() if one.due_at else None,
        "previous": one.previous_id,
    }


def line(one: Referral) -> str:
    """Return a referral in one line."""
    due = f"{one.clock.value} by {one.due_at:%Y-%m-%d %H:%M} UTC" if one.clock and one.due_at else "no clock runs"
    stage = f" ({one.stage.value})" if one.stage else ""
    step = f", next step: {one.next_step.value}" if one.next_step else ""
    return f"{one.id}  {one.status.value}{stage}  {one.need or '-'} → {one.receiver_name or 'nobody yet'}{step}, {due}"


@referral_group.command(name="list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@json_option
@click.pass_obj
def list_(house: House, limit: int) -> None:
    """List referrals, the last changed first."""
    with house.database.read() as session:
        found = referral.all_referrals(session, limit=limit)
    house.answer([said(one) for one in found], [line(one) for one in found] or ["There are no referrals."])


@referral_group.command()
@click.argument("referral_id", metavar="ID")
@click.option("--show-person", metavar="REASON", help="Print the person too; the reason goes into the audit.")
@json_option
@click.pass_obj
def show(house: House, referral_id: str, show_person: str | None) -> None:
    """Show where a referral stands."""
    with house.database.read() as session:
        one = _found(session, referral_id)
    document, lines = said(one), [line(one)]
    if show_person is not None:
        if not show_person.strip():
            raise click.BadParameter("Give a reason: it goes into the audit.", param_hint="--show-person")
        with house.database.write() as session:
            sender = member(session, one.sender_id)
            operator = house.operator(organization_id=one.sender_id, purpose=show_person)
            person = open_referral(session, operator, referral_id).person
            audit.write(session, [_opening(operator, one, now(session))])
        if person is not None and sender is not None:
            document["person"] = {"name": person.name, "birth_date": person.birth_date, "phones": list(person.phones)}
            lines += [person.name, person.birth_date, *person.phones]
    house.answer(document, lines)


@referral_group.command(name="timeline")
@click.argument("referral_id", metavar="ID")
@json_option
@click.pass_obj
def timeline_(house: House, referral_id: str) -> None:
    """Print what happened to a referral."""
    with house.database.read() as session:
        _found(session, referral_id)
        entries = timeline.timeline(session, [referral_id])
    house.answer(
        [
            {"at": e.at.isoformat(), "kind": e.kind.value, "side": e.side.value, "by": e.actor_name, "source": e.source,
             "status": e.status.value, "stage": e.stage.value if e.stage else None}
            for e in entries
        ],
        [f"{e.at:%Y-%m-%d %H:%M:%S} UTC  {e.kind.value:<16} by {e.actor_name}  → {e.status.value}" for e in entries],
    )  # fmt: skip


@referral_group.command()
@click.argument("referral_id", metavar="ID")
@click.argument("verb", type=click.Choice(VERBS))
@click.option("--as-organization", "organization_id", required=True, metavar="ORG", help="The party you act for.")
@click.option("--source", required=True, type=click.Choice(["phone", "paper"]), help="How the answer came.")
@click.option("--by", "name", required=True, metavar="NAME", help="Who said it, at the agency.")
@click.option("--reason", metavar="CODE", help=f"One of {', '.join(DECLINE_REASONS)}.")
@click.option("--text", metavar="TEXT", help="The reason or outcome in words.")
@json_option
@click.pass_obj
def answer(
    house: House,
    referral_id: str,
    verb: str,
    organization_id: str,
    source: str,
    name: str,
    reason: str | None,
    text: str | None,
) -> None:
    """Record a party's answer that came by phone or on paper."""
    if verb in WANTS_REASON and (reason not in DECLINE_REASONS or not text):
        raise click.UsageError(f"To {verb} a referral give --reason CODE and --text TEXT.")
    if verb == "complete" and not text:
        raise click.UsageError("To complete a referral say with --text what service was given.")
    operator = house.operator(organization_id=organization_id, purpose=f"{source}: {name}")
    with house.database.write() as session:
        one = _found(session, referral_id)
        if organization_id not in (one.sender_id, one.receiver_id):
            raise click.ClickException("This organisation is no party to the referral.")
        acting = _as_party(operator, one, source, name)
        why = Reason(reason, text) if verb in WANTS_REASON and reason and text else None
        after = answer_referral(
            session, acting, referral_id, verb, reason=why, outcome=text if verb == "complete" else None
        )
    house.answer(said(after), [line(after)])


def _as_party(operator: Actor, one: Referral, source: str, name: str) -> Actor:
    """Return the operator as a recorder for the agency, or as its sender."""
    from dataclasses import replace

    if operator.organization_id == one.sender_id and one.sender_id != one.receiver_id:
        return replace(operator, name=f"{name}, recorded by the operator")
    return replace(operator, organization_id=one.sender_id, source=source, name=f"{name}, recorded by the operator")


def _found(session: Any, referral_id: str) -> Referral:
    one = referral.find(session, referral_id, visible_to=SYSTEM)
    if one is None:
        raise click.ClickException("There is no referral of this id: see `exchange referral list`.")
    return one


def _opening(operator: Actor, one: Referral, at: Any) -> audit.AuditEntry:
    return audit.AuditEntry(
        at=at, action="R", interaction="read", outcome="0", actor_kind=operator.kind.value, actor_name=operator.name,
        organization_id=operator.organization_id, type="Task", document_id=one.id, referral_id=one.id,
        patient_id=one.patient_id, author_id=one.sender_id, purpose=operator.purpose,
    )  # fmt: skip
