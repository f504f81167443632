"""Many at the same moment, through two processes: of acceptances one wins, a send is one referral, no note is lost."""

import json
import random
import time
from collections import Counter
from functools import partial
from typing import Any, Final

import pytest

from tests.exchange.db.at_once import at_once
from tests.exchange.faults.checker import kept_in
from tests.exchange.faults.client import Answer, Line
from tests.exchange.faults.conftest import NewLine
from tests.exchange.faults.servers import Street
from tests.reliability import Reached, sizes

Json = dict[str, Any]
CONTENDERS: Final = 16
SENDERS: Final = 20
WRITERS: Final = 8
#  a note is appended so often to one Task before the next one is taken: a Task of thousands of notes is another test
NOTES_EACH: Final = 20
CUT_SHARE: Final = 0.3
#  who was told 412 waits a moment, so that not every write is refused seven times over
LONGEST_PAUSE: Final = 0.05


@pytest.mark.invariant("one-acceptance-wins", "Of sixteen acceptances at once through two processes exactly one wins.")
@pytest.mark.parametrize("rounds", sizes(6, 2_000))
def test_of_sixteen_acceptances_at_once_one_wins(
    two_webs: Street, line: NewLine, rounds: int, reached: Reached
) -> None:
    """Every second referral is open, and its network claims it. Who loses is told the version that won."""
    parties = two_webs.parties
    hospital = line("hospital")
    contenders = {label: [line(label, at) for at in range(CONTENDERS)] for label in ("pantry", "network")}
    winners, losers = 0, Counter[int]()

    for number in range(rounds):
        label = ("pantry", "network")[number % 2]
        bundle = parties.referral(f"accept-{rounds}-{number}", "pantry" if label == "pantry" else None)
        task = hospital.ask("POST", "", bundle).task
        stands = json.loads(contenders[label][0].ask("GET", task).body)
        accepted = stands | {"status": "accepted", "owner": {"reference": parties.reference(label)}}
        asks = [partial(one.ask, "PUT", task, accepted, If_Match='W/"1"') for one in contenders[label]]

        answers = at_once(*asks)

        statuses = Counter(one.status for one in answers)
        assert statuses == {200: 1, 412: CONTENDERS - 1}, [one for one in answers if not isinstance(one, Answer)]
        assert all(f"{task} is now at version 2" in one.body for one in answers if one.status == 412)
        assert json.loads(hospital.ask("GET", task).body)["meta"]["versionId"] == "2"
        winners += statuses[200]
        losers += statuses
    reached(rounds=rounds, winners=winners, losers=losers[412])


@pytest.mark.invariant(
    "identical-sends-are-one", "Of twenty identical sends at once, some cut off, one referral comes."
)
@pytest.mark.parametrize("keys", sizes(6, 500))
def test_of_twenty_identical_sends_at_once_one_referral_comes(
    two_webs: Street, line: NewLine, keys: int, reached: Reached
) -> None:
    """In turn: under one `Idempotency-Key`, under one `Task.identifier`, and with `If-None-Exist`."""
    lines, rng, cut, named = [line("hospital", at) for at in range(SENDERS)], random.Random(keys), 0, {}

    for number in range(keys):
        key = f"same-{keys}-{number}"
        send = _same_send(two_webs, key, ("key", "identifier", "condition")[number % 3])
        cuts = [rng.random() < CUT_SHARE for _ in range(SENDERS)]
        cut += sum(cuts)

        answers = at_once(*(partial(send, one, is_cut) for one, is_cut in zip(lines, cuts, strict=True)))

        assert {one.status for one in answers} <= {200, 201, 409}, answers
        assert {one.status for one in answers} & {409} == ({409} if number % 3 == 1 else set())
        tasks = {one.task for one in answers}
        assert len(tasks) == 1
        assert number % 3 or len({one.body for one in answers}) == 1, "the first answer was not given again"
        named[key] = tasks.pop().removeprefix("Task/")

    kept = kept_in(two_webs.database)
    found = {key: task for task, key in kept.keys.items() if key in named}
    assert found == named
    assert kept.doubled() == []
    reached(keys=keys, sends=keys * SENDERS, cut_off=cut, referrals=len(found))


def _same_send(street: Street, key: str, way: str) -> Any:
    """Return what sends the same referral by a line and, where it was cut off, sends it again."""
    bundle = street.parties.referral(key, conditional=way == "condition")
    if way == "identifier":
        bundle["entry"][2]["resource"]["identifier"] = [{"system": "https://hospital.example/tasks", "value": key}]
    headers = {"Idempotency_Key": key} if way == "key" else {}

    def send(one: Line, is_cut: bool) -> Answer:
        if is_cut:
            one.cut_off("POST", "", bundle, **headers)
        return one.ask("POST", "", bundle, **headers)

    return send


@pytest.mark.invariant(
    "no-note-is-lost", "Of eight that append to one Task at once, no note is lost and none comes twice."
)
@pytest.mark.parametrize("appends", sizes(4, 500))
def test_no_note_of_eight_writers_at_once_is_lost(
    two_webs: Street, line: NewLine, appends: int, reached: Reached
) -> None:
    """Both sides read, append and write with `If-Match`, and do it again when they are told 412."""
    hospital = line("hospital")
    writers = [line(("hospital", "pantry")[at % 2], at // 2) for at in range(WRITERS)]
    stale, kept = 0, 0

    for first in range(0, appends, NOTES_EACH):
        texts = [f"note {number}" for number in range(first, min(first + NOTES_EACH, appends))]
        task = hospital.ask("POST", "", two_webs.parties.referral(f"notes-{appends}-{first}")).task

        came = at_once(*(partial(_append, one, task, f"{at}:", texts) for at, one in enumerate(writers)))

        assert [one for one in came if not isinstance(one, int)] == []
        stands = json.loads(hospital.ask("GET", task).body)
        wanted = [f"{at}: {text}" for at in range(WRITERS) for text in texts]
        assert sorted(one["text"] for one in stands["note"]) == sorted(wanted)
        assert stands["meta"]["versionId"] == str(1 + len(wanted))
        stale, kept = stale + sum(came), kept + len(wanted)
    reached(writers=WRITERS, appends=kept, kept=kept, told_stale=stale)


def _append(one: Line, task: str, writer: str, texts: list[str]) -> int:
    """Append notes to a Task, one at a time, and return how often that was tried on a version that was over."""
    stale, stands, rng = 0, one.ask("GET", task), random.Random(writer)
    for text in texts:
        while True:
            said = json.loads(stands.body)
            said["note"] = [*said.get("note", []), {"text": f"{writer} {text}"}]
            answer = one.ask("PUT", task, said, If_Match=stands.headers["etag"])
            if answer.status == 200:
                stands = answer
                break
            assert answer.status == 412, answer
            time.sleep(rng.random() * LONGEST_PAUSE)
            stale, stands = stale + 1, one.ask("GET", task)
    return stale
