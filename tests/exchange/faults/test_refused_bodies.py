"""Who is refused before the body was read gets the whole answer, and may go on over the same connection."""

from http.client import HTTPConnection
from typing import Final

from tests.exchange.faults.servers import HOST, Street

TIMES: Final = 10
#  more than the buffers of a connection hold
LARGE: Final = "x" * 4_000_000


def test_a_refusal_arrives_although_its_body_was_not_read(two_webs: Street) -> None:
    headers = {"Authorization": "Bearer dead", "Content-Type": "application/fhir+json"}
    connection = HTTPConnection(HOST, two_webs.ports[0], timeout=30)
    statuses = []

    for _time in range(TIMES):
        connection.request("POST", "/fhir", LARGE, headers)
        answer = connection.getresponse()
        statuses.append((answer.status, answer.getheader("Connection")))
        assert "access token" in answer.read().decode()
    connection.close()

    assert statuses == [(401, None)] * TIMES
