"""A TCP server on this machine that misbehaves in the way it is told to, until it is closed."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

PAUSE: Final = 0.02


@contextmanager
def hung_server(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """Give the port of a server that lets each connection be treated by `behave` in a thread of its own."""
    stop = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    listening.settimeout(0.05)
    treating: list[threading.Thread] = []

    def treat(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            behave(connection, stop)

    def accept() -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                connection, _peer = listening.accept()
                treating.append(threading.Thread(target=treat, args=(connection,)))
                treating[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listening.getsockname()[1]
    finally:
        stop.set()
        accepting.join()
        for thread in treating:
            thread.join()
        listening.close()


def silent(_connection: socket.socket, stop: threading.Event) -> None:
    """Say nothing, for ever."""
    stop.wait()


def half_open(connection: socket.socket, stop: threading.Event) -> None:
    """Be gone for our side without a word: read nothing and answer nothing, the way a machine does that lost power."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    stop.wait()


def dripping(connection: socket.socket, stop: threading.Event) -> None:
    """Send an answer byte by byte, each in time, never the whole."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _repeat(connection, stop, b"x")


def endless_headers(connection: socket.socket, stop: threading.Event) -> None:
    """Send headers as fast as they are taken, without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not stop.is_set():
        connection.sendall(b"X-More: yes\r\n" * 100)


def endless_lines(connection: socket.socket, stop: threading.Event) -> None:
    """Greet, as a mail server may, in lines that each promise another."""
    _repeat(connection, stop, b"220-welcome\r\n")


def dripping_greeting(connection: socket.socket, stop: threading.Event) -> None:
    """Greet letter by letter."""
    _repeat(connection, stop, b"2")


def huge_answer(connection: socket.socket, stop: threading.Event) -> None:
    """Answer 200 with a body without end."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while not stop.is_set():
        connection.sendall(b"x" * 65_536)


def hanging_up(connection: socket.socket, _stop: threading.Event) -> None:
    """Hang up before the status is told."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1")


def _repeat(connection: socket.socket, stop: threading.Event, piece: bytes) -> None:
    while not stop.wait(PAUSE):
        connection.sendall(piece)
