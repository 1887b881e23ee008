"""A server on a loopback socket that answers with any bytes, as slowly as wanted."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answering = Callable[[socket.socket], None]

DRIPPING = 15.0
"""Seconds. A drip has no end for the other side; this end lets a test fail."""

CONTRACT = b'HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{"code": 0, "message": "OK"}'


class RawServer:
    """Reads one request after the other and lets `answering` answer it. `requests`: the bytes of each.
    `is_drained`: a drip went on to its end, because the other side did not hang up.

    With `tls` the connections are encrypted. With `reads_first=False` it answers before it reads anything.
    """

    def __init__(self, answering: Answering, tls: ssl.SSLContext | None = None, reads_first: bool = True) -> None:
        self._answering = answering
        self._tls = tls
        self._reads_first = reads_first
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.connections = 0
        self._threads: list[threading.Thread] = []
        self.requests: list[bytes] = []
        self.is_stopping = threading.Event()
        self.is_drained = False
        self._run(self._accept)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def drip(self, connection: socket.socket, piece: bytes, pause: float = 0.05) -> None:
        """Send the piece again and again, until the other side hangs up or the server stops, or for `DRIPPING`."""
        ends_at = time.monotonic() + DRIPPING
        while not self.is_stopping.wait(pause) and time.monotonic() < ends_at:
            connection.sendall(piece)
        self.is_drained = not self.is_stopping.is_set()

    def stop(self) -> None:
        self.is_stopping.set()
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(10)

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self.connections += 1
                self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while not self.is_stopping.is_set() and (not self._reads_first or self._read_request(connection)):
                self._answering(connection)
        connection.close()

    def _read_request(self, connection: socket.socket) -> bool:
        read = b""
        while not read.endswith(b"}"):  # the end of every body
            piece = connection.recv(65536)
            if not piece:
                return False
            read += piece
        self.requests.append(read)
        return True


@contextmanager
def serving(answering: Answering, tls: ssl.SSLContext | None = None, reads_first: bool = True) -> Iterator[RawServer]:
    server = RawServer(answering, tls, reads_first)
    try:
        yield server
    finally:
        server.stop()


def answering_with(answer: bytes) -> Answering:
    """Sends these bytes and hangs up."""

    def answer_and_hang_up(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    return answer_and_hang_up
