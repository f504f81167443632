"""`exchange pages [--check]`: makes the pages of docs/ that are drawn from tables, so that they cannot lie.

With --check nothing is written: exit status 1 names the pages that are stale or missing.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import click

from exchange.domain import deadlines
from exchange.domain.actor import ActorKind, Role
from exchange.domain.permissions import TABLE
from exchange.domain.referral import AMENDABLE, ENDED, NEXT_STEP, RECEIVER_STAGES, TRANSITIONS, WANTS_REASON
from fhir_mapping.case_data.referral import Clock, Priority, ReferralStatus, Stage
from fhir_mapping.codes.decline_reasons import DECLINE_REASONS
from fhir_mapping.codes.referral_stages import STAGE_DISPLAYS
from fhir_mapping.resource_types import RESOURCE_TYPES, ResourceType, scope_letter
from fhir_mapping.search_parameters import parameters_of

ROOT: Final = Path(__file__).resolve().parents[2]
MADE: Final = "<!-- Made by `python3 run.py exchange pages` from {source}. Change the table there, not this page. -->"
INTERACTIONS: Final = ("read", "vread", "history-instance", "search-type", "create", "update")

_BUSINESS: Final = "business day"
_HURRIED: Final = "; ".join(
    f"{priority.value}: {int(allowed.total_seconds()) // 3600} h of calendar time"
    for priority, allowed in deadlines.HURRIED.items()
)
CLOCKS: Final = {
    Clock.FINISH_DRAFT: ("the draft is sent", f"{deadlines.DRAFT_DAYS} days"),
    Clock.ANSWER: (
        "an answer",
        f"{deadlines.REQUESTED_BUSINESS_DAYS} {_BUSINESS}s, a reminder, then {deadlines.GRACE_BUSINESS_DAYS} more; "
        f"{_HURRIED}, without grace",
    ),
    Clock.START: ("work begins", f"{deadlines.START_BUSINESS_DAYS} {_BUSINESS}s"),
    Clock.NEWS: ("the next news", f"{deadlines.NEWS_DAYS} days"),
    Clock.REVIEW: ("the review of a hold", f"the day that was given, at most {deadlines.HOLD_DAYS} days"),
    Clock.DECIDE: (
        "the sender's decision after silence",
        f"{deadlines.DECIDE_BUSINESS_DAYS} {_BUSINESS}s, again and again",
    ),
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') or ' ' for cell in line)} |" for line in lines)


def state_machine() -> str:
    """Return docs/state-machine.md."""
    moves = [
        [rule.start.value, f"`{rule.verb}`", rule.end.value, _listed(rule.who), "yes" if _wants(rule.verb) else ""]
        for rule in TRANSITIONS
    ]
    clocks = [[f"`{clock.value}`", *CLOCKS[clock], _states_of(clock)] for clock in Clock]
    stages = [[f"`{stage.value}`", STAGE_DISPLAYS[stage], _sets(stage)] for stage in Stage]
    reasons = [
        [f"`{row.code.value}`", row.display, _listed(row.statuses), row.sdohcc or ""]
        for row in DECLINE_REASONS.values()
    ]
    amends = [[side.value, _listed(f"`{name}`" for name in names) or "nothing"] for side, names in AMENDABLE.items()]
    return _page(
        "The state machine of a referral",
        "exchange/domain/referral.py, exchange/domain/deadlines.py and fhir_mapping/codes/",
        "The statuses are those of the SDOHCC 3.0.0 Referral Task. Portal, FHIR door, link and CLI all make their "
        "moves by this one table; a move that is not in it is refused.",
        _diagram(),
        "Every status can also become `entered-in-error`, by the sender's `retract`. "
        f"A priority other than {Priority.ROUTINE.value} only changes how long an answer may take.",
        "## Moves",
        table(("From", "Move", "To", "Who may", "Wants a reason"), moves),
        "`accept` is for a referral that names a receiver, `claim` for one that waits in a routing queue. `completed` "
        "needs an output. A reason that is missing at the FHIR door is stored as “No reason given.” with a warning.",
        "## Clocks",
        "Every open status has an owner of the next step and a running clock, in the receiver's business calendar.",
        table(("Clock", "Waits for", "How long", "Runs while"), clocks),
        "When a clock runs out the status stays: businessStatus becomes `no-answer`, the next step is the sender's, "
        "and `decide` runs.",
        "## Stages (businessStatus)",
        table(("Code", "Means", "Who sets it"), stages),
        "## Reasons",
        table(("Code", "Words", "Explains", "SDOHCC code"), reasons),
        "## What may be written without a move",
        table(("Side", "Elements of the Task"), amends),
    )


def fhir_door() -> str:
    """Return docs/fhir-door.md."""
    types = [
        [f"[{kind.name}](#{kind.name.lower()})", *(("yes" if i in kind.interactions else "") for i in INTERACTIONS)]
        for kind in RESOURCE_TYPES.values()
    ]
    letters = " · ".join(f"`{scope_letter(interaction)}` {interaction}" for interaction in INTERACTIONS)
    return _page(
        "The FHIR door",
        "fhir_mapping/resource_types.py and fhir_mapping/rules/search_rows.py",
        "The base is `/fhir`; `/fhir/metadata` says the same for programs. Bundles of type `batch` and `transaction` "
        f"are posted to the base. Letters of SMART v2 scopes: {letters}.",
        table(("Type", *INTERACTIONS), types),
        *(_type_section(kind) for kind in RESOURCE_TYPES.values()),
    )


def permissions() -> str:
    """Return docs/permissions.md."""
    kinds = [kind for kind in ActorKind if kind is not ActorKind.USER]
    rows = [
        [
            permission.value,
            *("yes" if role in roles else "" for role in Role),
            *("yes" if kind in others else "" for kind in kinds),
        ]
        for permission, (roles, others) in TABLE.items()
    ]
    return _page(
        "Who may do what",
        "exchange/domain/permissions.py",
        "This is asked before anybody looks at what it is done to: which referrals an organisation sees at all, and "
        "which moves its side may make, is decided afterwards (see [the state machine](state-machine.md)). What a "
        "client may do with documents is in its scopes (see [the FHIR door](fhir-door.md)).",
        table(("May …", *(role.value.replace("_", " ") for role in Role), *(kind.value for kind in kinds)), rows),
    )


PAGES: Final[dict[str, Callable[[], str]]] = {
    "docs/state-machine.md": state_machine,
    "docs/fhir-door.md": fhir_door,
    "docs/permissions.md": permissions,
}


def _page(title: str, source: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", MADE.format(source=source), *parts]) + "\n"


def _diagram() -> str:
    """Return the diagram; `retract`, which leads from everywhere to one place, would only hide the rest."""
    statuses = [status for status in ReferralStatus if status is not ReferralStatus.ENTERED_IN_ERROR]
    names = [f'    state "{status.value}" as {_id(status)}' for status in statuses if "-" in status.value]
    births = [f"    [*] --> {_id(status)}" for status in (ReferralStatus.DRAFT, ReferralStatus.REQUESTED)]
    arrows = [f"    {_id(rule.start)} --> {_id(rule.end)}: {rule.verb}" for rule in TRANSITIONS if rule.end in statuses]
    ends = [f"    {_id(status)} --> [*]" for status in statuses if status in ENDED]
    return "\n".join(["```mermaid", "stateDiagram-v2", *names, *births, *arrows, *ends, "```"])


def _id(status: ReferralStatus) -> str:
    return status.value.replace("-", "_")


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(str(value) for value in values))


def _wants(verb: str) -> bool:
    return verb in WANTS_REASON


def _states_of(clock: Clock) -> str:
    states = [status.value for status, (_side, running) in NEXT_STEP.items() if running is clock]
    return ", ".join(states) or "the next step has become the sender's"


def _sets(stage: Stage) -> str:
    return "the receiver" if stage in RECEIVER_STAGES else "the exchange"


def _type_section(kind: ResourceType) -> str:
    """Return the section of one type: what it promises, then how it is searched."""
    rows = [[f"`{one.code}`", one.kind, f"`{one.path}`"] for one in parameters_of(kind.name).values()]
    conditional = ("create",) * kind.conditional_create + ("update",) * kind.conditional_update
    facts = [
        f"Profiles: {', '.join(profile.rpartition('/')[2] for profile in kind.profiles)}." if kind.profiles else "",
        f"Conditional {' and '.join(conditional)}." if conditional else "",
        f"`_include`: {', '.join(f'`{kind.name}:{code}`' for code in kind.includes)}." if kind.includes else "",
    ]
    return "\n\n".join([f"## {kind.name}", " ".join(filter(None, facts)), table(("Parameter", "Kind", "Where"), rows)])


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; name the pages that are stale.")
def pages(check: bool) -> None:
    """Make the pages of docs/ that are drawn from tables."""
    made = {name: make() for name, make in PAGES.items()}
    stale = [name for name, text in made.items() if _written(ROOT / name) != text]
    if check:
        for name in stale:
            click.echo(f"{name} is stale: run `python3 run.py exchange pages` and commit it.", err=True)
        sys.exit(1 if stale else 0)
    for name in stale:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(made[name], encoding="utf-8")
    click.echo(f"{len(stale)} of {len(made)} pages were made anew.")


def _written(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    pages(prog_name="exchange pages")
