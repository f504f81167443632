"""`exchange outbox list|replay`: what still waits or was given up, and a new try for it. It shows no address."""

import click

from exchange.cli.house import House, json_option
from exchange.db import audit
from exchange.db import outbox as box
from exchange.db.audit import AuditEntry
from exchange.db.outbox import DROPPED, PARKED, SENT, WAITING, MessageRow


@click.group()
def outbox() -> None:
    """See what is told to whom, and try again what was given up."""


@outbox.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice([WAITING, PARKED, SENT, DROPPED]))
@click.option("--referral", "referral_id", metavar="ID", help="Only what is told of this referral.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@click.pass_obj
def list_messages(house: House, states: tuple[str, ...], referral_id: str | None, limit: int) -> None:
    """List messages, oldest first: those that wait or were given up, unless a state is named."""
    given, states = states, states or (WAITING, PARKED)
    with house.database.read() as session:
        found = box.messages(session, states=states, referral_id=referral_id, limit=limit)
        counts = box.counts(session, states=states, referral_id=referral_id)
    shown = [_shown(row) for row in found]
    none = "Nothing waits, and nothing was given up." if not given else "There is no such message."
    lines = [_line(row) for row in shown] or [none]
    if sum(counts.values()) > len(shown):
        lines.append(f"{len(shown)} of {sum(counts.values())} are shown: --limit shows more.")
    house.answer({"messages": shown, "counts": counts}, lines)


@outbox.command()
@click.argument("message_ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every message that was given up.")
@json_option
@click.pass_obj
def replay(house: House, message_ids: tuple[str, ...], everything: bool) -> None:
    """Let messages that were given up go out again, in their order, with a fresh schedule."""
    if everything == bool(message_ids):
        raise click.UsageError("Name the messages to replay, or say --all.")
    operator = house.operator()
    with house.database.write() as session:
        chosen = box.parked_ids(session) if everything else list(message_ids)
        count = box.replay(session, chosen, house.now())
        entry = AuditEntry(
            at=house.now(), action="U", interaction="replay-outbox", outcome="0",
            actor_kind=operator.kind.value, actor_name=operator.name, request_id=operator.request_id,
        )  # fmt: skip
        audit.write(session, [entry])
    house.answer({"replayed": count}, [f"{count} of {len(chosen)} messages go out again; a worker takes them up."])
    if count < len(chosen):
        raise click.ClickException("Some of these ids are not of a message that was given up: see `outbox list`.")


def _shown(row: MessageRow) -> dict[str, object]:
    return {
        "id": row.id,
        "kind": row.kind,
        "channel": row.channel,
        "organization_id": row.organization_id,
        "referral_id": row.referral_id,
        "state": row.state,
        "attempts": row.attempts,
        "created_at": row.created_at.isoformat(),
        "due_at": row.due_at.isoformat(),
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "last_error": row.last_error,
    }


def _line(row: dict[str, object]) -> str:
    why = f" {row['last_error']}" if row["last_error"] else ""
    return f"{row['id']}  {row['state']:<8} {row['kind']} by {row['channel']}, tries: {row['attempts']}.{why}"
