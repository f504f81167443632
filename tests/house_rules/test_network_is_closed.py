"""The tests themselves keep the first rule of tests: no connection leaves this machine."""

import socket

import pytest

CONNECTION_REFUSED = pytest.raises(RuntimeError, match="this machine only")


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "0.0.0.0", "169.254.169.254"])
def test_a_connection_to_another_machine_is_refused(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    with socket.socket(family) as opened, CONNECTION_REFUSED:
        opened.connect((address, 80))


def test_a_connection_to_this_machine_is_allowed() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_no_name_server_is_asked() -> None:
    with pytest.raises(RuntimeError, match="may not ask a name server"):
        socket.getaddrinfo("www.hl7.org", 443)


def test_a_reserved_name_is_unknown_as_it_would_be_anywhere() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("agency.invalid", 443)


def test_localhost_and_numbers_need_no_name_server() -> None:
    assert socket.getaddrinfo("localhost", 80)
    assert socket.getaddrinfo("192.0.2.1", 80)
