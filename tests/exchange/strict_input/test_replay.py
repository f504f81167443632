"""One assertion, many times at once, at two processes over one database: one token, and none after a restart."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from joserfc.jwk import ECKey

from tests.contract.backend_client import ASSERTION_TYPE, BackendClient, public
from tests.exchange.strict_input.processes import HOST, Server, Town, a_town
from tests.reliability import Reached, sizes

AT_ONCE = 20
KEY = ECKey.generate_key("P-384", {"kid": "ec-1"})
WAITING = (429, "temporarily_unavailable")


@pytest.mark.invariant(
    "jwt-replay-two-processes",
    "Of 20 requests with one assertion, at once at two processes, one gets a token; after a restart none does.",
)
@pytest.mark.parametrize("rounds", sizes(4, 100))
def test_an_assertion_gets_one_token_whichever_process_is_asked(rounds: int, town: Town, reached: Reached) -> None:
    used, winners, losers = [], [], set()
    with town.served(2) as servers:
        for _round in range(rounds):
            used.append(a_program(town).assertion())
            answers = ask_at_once(used[-1], servers)
            winners.append(sum(status == 200 for status, _error in answers))
            losers |= {answer for answer in answers if answer[0] != 200}
        twice = a_program(town).assertion()
        before = [ask(twice, server) for server in servers]
    with town.served() as (restarted,):
        after = [ask(twice, restarted), *(ask(one, restarted) for one in used)]
        fresh = ask(a_program(town).assertion(), restarted)

    assert winners == [1] * rounds
    assert losers <= {(401, "invalid_client"), WAITING}
    assert (401, "invalid_client") in losers
    assert before == [(200, ""), (401, "invalid_client")]
    assert after[0] == (401, "invalid_client")
    assert set(after) <= {(401, "invalid_client"), WAITING}
    assert fresh == (200, "")
    reached(rounds=rounds, requests=rounds * AT_ONCE, tokens=sum(winners), after_a_restart=0)


def ask_at_once(assertion: str, servers: list[Server]) -> list[tuple[int, str]]:
    """Send one assertion by twenty threads at one moment, to each server in turn."""
    begin = threading.Barrier(AT_ONCE)

    def send(number: int) -> tuple[int, str]:
        begin.wait()
        return ask(assertion, servers[number % len(servers)])

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(send, range(AT_ONCE)))


def ask(assertion: str, server: Server) -> tuple[int, str]:
    """Return the status and the error code of a request for a token."""
    form = {"grant_type": "client_credentials", "scope": "system/Task.rs", "client_assertion": assertion,
            "client_assertion_type": ASSERTION_TYPE}  # fmt: skip
    answer = requests.post(f"http://{HOST}:{server.port}/oauth/token", data=form, timeout=60)
    return answer.status_code, answer.json().get("error", "")


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with a_town(tmp_path_factory.mktemp("replay")) as made:
        yield made


def a_program(town: Town) -> BackendClient:
    """Register a program of the hospital: each round has its own, because ten failures make one wait."""
    client_id = town.exchange.register("hospital", "system/Task.rs", jwks=public(KEY))
    return BackendClient(town.exchange, "hospital", KEY, client_id, requests.Session())
