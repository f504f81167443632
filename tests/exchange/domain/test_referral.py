"""The table of moves, with its complement: what is not drawn is refused, for every side."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.deadlines import Calendar
from exchange.domain.errors import Forbidden, IllegalTransition, Unprocessable
from exchange.domain.referral import (
    ENDED,
    OPEN,
    RULES,
    TRANSITIONS,
    VERBS,
    WANTS_REASON,
    amend,
    expire,
    hand_to_sender,
    may_move,
    move,
    verb_between,
    with_clock,
)
from fhir_mapping.case_data.referral import Clock, Output, Priority, Reason, Referral, ReferralStatus, Side, Stage

NOW = datetime(2026, 6, 1, 15, tzinfo=UTC)
CALENDAR = Calendar()
DONE = (Output("resulting-activity", text="Food given"),)

#  the arrows of the SDOHCC Referral Task State Diagram, written down a second time from the guide, not from the code
DIAGRAM = {
    "draft": {"requested"},
    "requested": {"accepted", "rejected", "cancelled"},
    "accepted": {"in-progress", "on-hold", "completed", "failed", "cancelled"},
    "in-progress": {"on-hold", "completed", "failed", "cancelled"},
    "on-hold": {"in-progress", "completed", "failed", "cancelled"},
}
SET_BY = {
    "requested": {"sender"},
    "accepted": {"receiver", "candidate"},
    "rejected": {"receiver"},
    "cancelled": {"sender", "receiver"},
    "in-progress": {"receiver"},
    "on-hold": {"receiver"},
    "completed": {"receiver"},
    "failed": {"receiver"},
    "entered-in-error": {"sender"},
}


def a_referral(status: ReferralStatus = ReferralStatus.REQUESTED, **more: object) -> Referral:
    base = Referral(
        id="r", status=status, sender_id="hospital", receiver_id="pantry", service_request_id="s", patient_id="p",
        created_at=NOW, changed_at=NOW,
    )  # fmt: skip
    return with_clock(replace(base, **more), now=NOW, calendar=CALENDAR)  # type: ignore[arg-type]


def test_the_table_has_exactly_the_arrows_of_the_diagram() -> None:
    drawn = {(start, end) for start, ends in DIAGRAM.items() for end in ends}
    drawn |= {(status.value, "entered-in-error") for status in ReferralStatus if status.value != "entered-in-error"}

    assert {(rule.start.value, rule.end.value) for rule in TRANSITIONS} == drawn


def test_each_status_is_set_by_the_sides_the_guide_names() -> None:
    by_end: dict[str, set[str]] = {}
    for rule in TRANSITIONS:
        by_end.setdefault(rule.end.value, set()).update(side.value for side in rule.who)

    assert by_end == SET_BY


@pytest.mark.parametrize(("start", "verb"), sorted(set(product(ReferralStatus, VERBS)) - set(RULES)))
def test_a_move_that_is_not_drawn_is_refused(start: ReferralStatus, verb: str) -> None:
    for side in Side:
        with pytest.raises(IllegalTransition, match=f"A referral that is {start.value} cannot {verb}"):
            move(a_referral(start), verb, side, now=NOW, calendar=CALENDAR, outputs=DONE)


@pytest.mark.parametrize(("key", "side"), list(product(sorted(RULES), Side)))
def test_a_drawn_move_is_made_by_its_sides_and_no_other(key: tuple[ReferralStatus, str], side: Side) -> None:
    start, verb = key
    rule = RULES[key]
    before = a_referral(start)

    if side in rule.who:
        after = move(before, verb, side, now=NOW, calendar=CALENDAR, outputs=DONE)
        assert (after.status, after.version) == (rule.end, before.version + 1)
    else:
        with pytest.raises(Forbidden, match=f"may {verb} this referral"):
            move(before, verb, side, now=NOW, calendar=CALENDAR, outputs=DONE)


def test_a_status_change_is_exactly_one_verb() -> None:
    for start, end in product(ReferralStatus, ReferralStatus):
        rules = [rule for rule in TRANSITIONS if rule.start is start and rule.end is end and rule.verb != "claim"]
        if start is end:
            assert verb_between(a_referral(start), end) == "amend"
        elif rules:
            assert verb_between(a_referral(start), end) == rules[0].verb
            assert len(rules) == 1
        else:
            with pytest.raises(IllegalTransition):
                verb_between(a_referral(start), end)


def test_accepting_an_open_referral_is_a_claim() -> None:
    nobody = a_referral(receiver_id=None, network_id="network")

    assert verb_between(nobody, ReferralStatus.ACCEPTED) == "claim"
    assert nobody.next_step is Side.CANDIDATE
    assert not may_move(nobody, "accept", Side.RECEIVER)


def test_a_completed_referral_needs_an_output() -> None:
    working = a_referral(ReferralStatus.IN_PROGRESS)

    with pytest.raises(Unprocessable, match="needs an output") as refused:
        move(working, "complete", Side.RECEIVER, now=NOW, calendar=CALENDAR)

    assert refused.value.expression == "Task.output"
    assert move(working, "complete", Side.RECEIVER, now=NOW, calendar=CALENDAR, has_output=True).status == "completed"


@pytest.mark.parametrize("verb", sorted(WANTS_REASON))
def test_a_missing_reason_is_stored_as_no_reason_given(verb: str) -> None:
    start = ReferralStatus.REQUESTED if verb in ("reject", "cancel") else ReferralStatus.ACCEPTED

    after = move(a_referral(start), verb, Side.RECEIVER, now=NOW, calendar=CALENDAR)

    assert after.reason == Reason("other", "No reason given.")


@given(
    st.lists(
        st.tuples(st.sampled_from([*VERBS, "amend", "expire", "bounce"]), st.sampled_from(list(Side))), max_size=25
    ),
    st.sampled_from(list(Priority)),
    st.booleans(),
)
def test_every_open_state_has_an_owner_of_the_next_step_and_a_running_clock(
    steps: list[tuple[str, Side]], priority: Priority, is_open: bool
) -> None:
    at = NOW
    one = a_referral(ReferralStatus.DRAFT, priority=priority, receiver_id=None if is_open else "pantry", network_id="n")
    for verb, side in steps:
        at += timedelta(hours=7)
        before = one
        try:
            if verb == "amend":
                one = amend(one, side, now=at, calendar=CALENDAR)
            elif verb == "expire":
                one = expire(one, now=at, calendar=CALENDAR) if one.status in OPEN else one
            elif verb == "bounce":
                one = hand_to_sender(one, Stage.UNDELIVERABLE, now=at, calendar=CALENDAR) if one.status in OPEN else one
            else:
                one = move(one, verb, side, now=at, calendar=CALENDAR, outputs=DONE, claimed_by="network")
        except (IllegalTransition, Forbidden):
            assert one is before
        if one.status in ENDED:
            assert (one.next_step, one.clock, one.due_at) == (None, None, None)
        else:
            assert one.next_step is not None
            assert one.clock is not None
            assert one.due_at is not None
            assert one.due_at.tzinfo is not None
            if (one.status, one.stage) != (before.status, before.stage) or verb in ("expire", "bounce"):
                assert one.due_at > at
        assert one.version >= before.version


def test_silence_is_not_a_status() -> None:
    asked = a_referral()

    silent = expire(asked, now=NOW + timedelta(days=8), calendar=CALENDAR)

    assert (silent.status, silent.stage, silent.next_step, silent.clock) == (
        ReferralStatus.REQUESTED, Stage.NO_ANSWER, Side.SENDER, Clock.DECIDE,
    )  # fmt: skip
    again = expire(silent, now=silent.due_at, calendar=CALENDAR)  # type: ignore[arg-type]
    assert again.next_step is Side.SENDER
    assert again.due_at > silent.due_at


def test_news_from_the_receiver_winds_the_clock_of_work_again() -> None:
    working = a_referral(ReferralStatus.IN_PROGRESS)
    later = NOW + timedelta(days=20)

    news = amend(working, Side.RECEIVER, now=later, calendar=CALENDAR, stage=Stage.CLIENT_REACHED)

    assert (news.due_at, news.stage) == (later + timedelta(days=30), Stage.CLIENT_REACHED)


def test_a_sender_cannot_set_a_stage_and_nobody_sets_the_exchanges_own() -> None:
    for side, stage in ((Side.SENDER, Stage.WAITLISTED), (Side.RECEIVER, Stage.NO_ANSWER)):
        with pytest.raises(Forbidden, match="businessStatus"):
            amend(a_referral(ReferralStatus.ACCEPTED), side, now=NOW, calendar=CALENDAR, stage=stage)
