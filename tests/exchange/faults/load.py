"""Senders under which servers are killed: one referral after another, and a note of what came of every try."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from tests.exchange.faults.client import Answer, Line, NotSent, Unanswered
from tests.exchange.faults.history import History, Outcome
from tests.exchange.faults.parties import Parties

SENDERS: Final = 8
#  the words of a refusal that leaves no doubt (exchange/db/session.py)
NOTHING_STORED: Final = "nothing was stored"
PAUSE_SECONDS: Final = 0.05


@dataclass
class Load:
    """So many referrals, each known by its key. `receivers` are taken in turn.

    Of every four keys two are sent with an `Idempotency-Key`, again until they are acknowledged; the other two once,
    whatever comes of it. With `always_again` all are sent again. A sender pauses so long before its next one.
    """

    ports: Sequence[int]
    parties: Parties
    referrals: int
    receivers: Sequence[str] = ("pantry", "shelter")
    always_again: bool = False
    prefix: str = "referral"
    pause_seconds: float = 0
    history: History = field(default_factory=History)
    _enough: threading.Event = field(default_factory=threading.Event)
    _give_up: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self, senders: int = SENDERS) -> Iterator["list[Future[None]]"]:
        """Let the senders send while the block runs, and wait for them at its end; a fault of theirs is raised."""
        with ThreadPoolExecutor(senders, thread_name_prefix="sender") as pool:
            sending = [pool.submit(self._send_all, number) for number in range(senders)]
            try:
                yield sending
            except BaseException:
                self._enough.set()
                self._give_up.set()
                raise
            for one in sending:
                one.result()

    def stop(self) -> None:
        """Let the senders end when what they have in hand is acknowledged."""
        self._enough.set()

    def _send_all(self, sender: int) -> None:
        line = Line(self.ports, self.parties.tokens["hospital"], sender)
        while not self._enough.is_set():
            with self._lock:
                number = next(self._numbers)
            if number >= self.referrals:
                break
            self._send(line, number)
            time.sleep(self.pause_seconds)
        line.hang_up()

    def _send(self, line: Line, number: int) -> None:
        key = f"{self.prefix}-{number}"
        bundle = self.parties.referral(key, self.receivers[number % len(self.receivers)])
        is_sent_again = self.always_again or number % 4 < 2
        headers = {"Idempotency_Key": key} if is_sent_again else {}
        while not self._give_up.is_set():
            try:
                outcome = self._judged(key, line.ask("POST", "", bundle, **headers))
            except NotSent:
                time.sleep(PAUSE_SECONDS)
                continue
            except Unanswered as error:
                self.history.note(key, Outcome.UNKNOWN, place=str(error))
                outcome = Outcome.UNKNOWN
            if outcome is Outcome.OK or not is_sent_again:
                return
            line.move_on()
            time.sleep(PAUSE_SECONDS)

    def _judged(self, key: str, answer: Answer) -> Outcome:
        """Note an answer and return how the try ended: a refusal counts only with the word that nothing was stored."""
        if answer.status == 200:
            outcome = Outcome.OK
        elif answer.status < 500 or NOTHING_STORED in answer.body:
            outcome = Outcome.FAIL
        else:
            outcome = Outcome.UNKNOWN
        self.history.note(key, outcome, answer.status, answer.task if outcome is Outcome.OK else "")
        return outcome
