"""What holds in every test: no connection leaves this machine, and hypothesis behaves alike on fast and slow ones."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from tests.reliability import ROOT, Reached, keep

hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("gate", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("gate" if os.environ.get("CI") else "here")

NEVER_RESOLVED = (".invalid", ".test", ".example", ".example.org", ".example.com")


class ConnectionLeavesTheMachine(RuntimeError):
    """A test tried to reach the network. Not an OSError, so that no product code can take it for a network fault."""


def is_on_this_machine(host: str) -> bool:
    """Return whether a host of a socket address is this machine: a loopback address or the name localhost."""
    if host.lower().rstrip(".") in ("localhost", "") or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def is_an_address(host: str) -> bool:
    """Return whether a host is written as a number, which needs no name server."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Iterator[None]:
    """Let sockets connect to this machine only, and let names be looked up only where nobody has to be asked."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))
        yield


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and not is_on_this_machine(str(address[0])):
            raise ConnectionLeavesTheMachine("A test may connect to this machine only; give it a fake to talk to.")
        return connect(self, address)

    return guarded


def _guarded_lookup(lookup: Any) -> Any:
    def guarded(host: Any, *arguments: Any, **named: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if name is None or is_on_this_machine(name) or is_an_address(name):
            return lookup(host, *arguments, **named)
        if name.lower().rstrip(".").endswith(NEVER_RESOLVED):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        raise ConnectionLeavesTheMachine("A test may not ask a name server; use a name below .invalid or a fake.")

    return guarded


@pytest.fixture
def reached(request: pytest.FixtureRequest) -> Reached:
    """Note what a test of an invariant came to: counts, in the order they are to be read (tests/reliability.py)."""
    mark = request.node.get_closest_marker("invariant")
    assert mark is not None, "Only a test with the mark `invariant` has figures."

    def note(**figures: object) -> None:
        path = os.environ.get("EXCHANGE_FIGURES")
        if path:
            parameters = getattr(request.node, "callspec", None)
            counts = [value for value in parameters.params.values() if type(value) is int] if parameters else []
            keep(mark.args[0], str(counts[0]) if counts else "whole", figures, ROOT / path)

    return note
