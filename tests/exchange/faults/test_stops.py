"""SIGTERM: what is in hand is finished; while all are restarted in turn, who tries again elsewhere sees no failure."""

import time

import pytest

from tests.exchange.faults.checker import kept_in
from tests.exchange.faults.conftest import NewLine
from tests.exchange.faults.history import Outcome
from tests.exchange.faults.load import Load
from tests.exchange.faults.servers import Street
from tests.reliability import Reached, sizes

IN_HAND = 6
#  so that the server acts on the signal while it still holds the requests
MOMENT_SECONDS = 1.0
SENDERS = 3
#  steady, and not so much that the restarts wait for the processor
PAUSE_SECONDS = 0.2


@pytest.mark.invariant("what-is-in-hand-is-finished", "A web server that is asked to end answers what it has in hand.")
def test_a_web_server_that_is_asked_to_end_answers_what_it_has_in_hand(
    two_webs: Street, line: NewLine, reached: Reached
) -> None:
    """Threads of the server hold the requests, which wait for their turn to write, when the signal comes."""
    web, lines = two_webs.webs[0], [line("hospital") for _ in range(IN_HAND)]
    with two_webs.database.write():
        for number, one in enumerate(lines):
            one.hand_over(two_webs.parties.referral(f"in-hand-{number}"))
        web.ask_to_end()
        time.sleep(MOMENT_SECONDS)

    answers = [one.answer() for one in lines]

    assert [one.status for one in answers] == [200] * IN_HAND
    assert web.wait() == 0
    two_webs.start(web)
    reached(in_hand=IN_HAND, answered=len(answers))


@pytest.mark.invariant(
    "restarts-in-turn-are-not-noticed",
    "While servers and worker are restarted in turn under load, clients that try again see no failure.",
)
@pytest.mark.parametrize("restarts", sizes(2, 20))
def test_clients_that_try_again_do_not_notice_restarts_in_turn(
    two_webs: Street, restarts: int, reached: Reached
) -> None:
    load = Load(
        two_webs.ports, two_webs.parties, 1_000_000, always_again=True, prefix=f"restart-{restarts}",
        pause_seconds=PAUSE_SECONDS,
    )  # fmt: skip
    worker = two_webs.workers[0]
    two_webs.start(worker)
    turns = [two_webs.webs[0], worker, two_webs.webs[1]]
    with load.running(SENDERS):
        for number in range(restarts):
            one = turns[number % len(turns)]
            assert one.end() == 0
            two_webs.start(one)
        load.stop()
    assert worker.end() == 0

    history, kept = load.history, kept_in(two_webs.database)
    assert history.statuses().keys() <= {0, 200}
    assert (kept.lost(history), kept.doubled(), history.contradictions(), kept.half) == ([], [], [], [])
    reached(
        restarts=restarts,
        acknowledged=len(history.acknowledged()),
        failed=history.count(Outcome.FAIL),
        lost=len(kept.lost(history)),
        cut_and_sent_again=history.count(Outcome.UNKNOWN),
    )
