"""HTTP for `requests` whose exchanges end in time: the address lookup, connection, TLS handshake, request and answer.

urllib3's `Timeout(total=)` bounds each read and each address on its own, so a server that sends a byte every few
seconds holds a request without end. Here every wait gets what is left of one deadline.
"""

from __future__ import annotations

import http.client
import logging
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from io import BufferedReader, RawIOBase
from time import monotonic, time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import default_headers
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import allowed_gai_family, create_connection

ANSWER_LIMIT = 256 * 1024
"""Bytes of an answer with its headers. A reader that asks for less stops earlier."""

SECONDS_FOR_AN_ADDRESS = 1.0
"""The least that the connection to an address gets, as long as there is so much time."""

MOST_UNUSED = 1.0
"""Seconds without use after which a connection is closed instead of used.

It must be below the time after which servers close a connection: 2 s for gunicorn, 5 s for Node.js, Apache and
uvicorn, 60 s and more for nginx and load balancers. A server that has just closed a connection resets the next request
on it, and then it is not known whether the request was read. A busy sender uses each connection several times a second.
"""

Times = Callable[[], tuple[float, float]]
"""The monotonic clock and the wall clock, in seconds. While Lambda freezes a container, either one may stand still."""


def times() -> tuple[float, float]:
    return monotonic(), time()


logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
"""It warns about headers that it cannot parse, with their text, and no filter would mask that."""

_lookups = ThreadPoolExecutor(max_workers=4, thread_name_prefix="lookup")
"""`getaddrinfo` has no timeout. A lookup that takes too long keeps its thread until the system gives up."""


class Exchange:
    """One request and its answer. `is_begun`: a part of the request may have reached the server."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = monotonic() + seconds
        self.is_begun = False

    def seconds_left(self) -> float:
        """More than 0. Raises TimeoutError."""
        left = self._ends_at - monotonic()
        if left <= 0:
            raise TimeoutError("the time for this exchange is over")
        return left


_current: ContextVar[Exchange] = ContextVar("exchange")


@contextmanager
def exchange(seconds: float) -> Iterator[Exchange]:
    """The requests of this thread inside the block end within `seconds`, all together."""
    token = _current.set(Exchange(seconds))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


class BoundedHttp:
    """Posts, and gets. Follows no redirect, keeps no cookie and reads no environment. Use it inside `exchange`.

    Threads can share it. It uses no connection that was unused for more than `MOST_UNUSED` by one of the clocks of
    `times`. It is no Session of requests, which merges its settings into each request: a fifth of the time of a post.
    `verify`: the certificates that it trusts, as for requests.
    """

    def __init__(self, connections: int, times: Times) -> None:
        self.verify: bool | str = True
        self._adapter = _Adapter(times, pool_connections=1, pool_maxsize=connections)

    def send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        """The answer, whose body is not read. Raises what requests and urllib3 raise."""
        request = requests.PreparedRequest()
        request.prepare(method, url, headers={**default_headers(), **headers}, data=body)
        return self._adapter.send(request, stream=True, verify=self.verify)

    def close(self) -> None:
        self._adapter.close()


class _Adapter(HTTPAdapter):
    def __init__(self, times: Times, **named: Any) -> None:
        self._times = times
        super().__init__(**named)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        pools = {"http": _Pool, "https": _TlsPool}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: partial(pool, times=self._times) for scheme, pool in pools.items()
        }


class _AnswerReader(RawIOBase):
    """Reads a socket until the end of the exchange, and at most `ANSWER_LIMIT` bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self._exchange = _current.get()
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._bytes_left = ANSWER_LIMIT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._exchange.seconds_left())
        number = self._raw.readinto(buffer)
        self._bytes_left -= number or 0
        if self._bytes_left < 0:
            raise OSError(f"the answer is longer than {ANSWER_LIMIT} bytes")
        return number

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp.close()
        self.fp = BufferedReader(_AnswerReader(sock))


class _Connection(HTTPConnection):
    response_class = _Answer
    unused_since: tuple[float, float] | None = None

    def _new_conn(self) -> socket.socket:
        try:
            sock = self._connected_socket()
            sock.settimeout(_current.get().seconds_left())
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no connection in time") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        return sock

    def _connected_socket(self) -> socket.socket:
        """The addresses of the host share the time that is left, so that a dead one does not take the others' share."""
        addresses = self._addresses()
        for number, address in enumerate(addresses):
            left = _current.get().seconds_left()
            share = max(left / (len(addresses) - number), min(left, SECONDS_FOR_AN_ADDRESS))
            try:
                return create_connection(address, share, socket_options=self.socket_options)
            except OSError:
                if number == len(addresses) - 1:
                    raise
        raise OSError("the host has no address")

    def _addresses(self) -> Sequence[tuple[str, int]]:
        lookup = _lookups.submit(
            socket.getaddrinfo, self._dns_host, self.port, allowed_gai_family(), socket.SOCK_STREAM
        )
        try:
            return [(str(address[0]), self.port) for *_, address in lookup.result(_current.get().seconds_left())]
        finally:
            lookup.cancel()

    def send(self, data: Any) -> None:
        """Also called for each part of a body, and first of all when there is no connection yet.

        The first part is the head of the request, in bytes. A `send` that raises has given no byte of it to the system
        (send(2)), or under TLS no whole record, which the server cannot decrypt.
        """
        if self.sock is None:
            self.connect()
        current = _current.get()
        self.sock.settimeout(current.seconds_left())
        if not current.is_begun:
            written = self.sock.send(data)
            current.is_begun = True
            data = data[written:]
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _DropsUnused(HTTPConnectionPool):
    def __init__(self, *arguments: Any, times: Times, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._times = times

    def _get_conn(self, timeout: float | None = None) -> Any:
        """A closed connection is opened again when it is used."""
        connection: Any = super()._get_conn(timeout)
        if connection.unused_since is not None and not self._is_recent(connection.unused_since):
            connection.close()
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.unused_since = self._times()
        super()._put_conn(conn)

    def _is_recent(self, since: tuple[float, float]) -> bool:
        """A clock that went backwards says nothing, so the connection counts as old."""
        return all(0 <= now - before <= MOST_UNUSED for now, before in zip(self._times(), since, strict=True))


class _Pool(_DropsUnused):
    ConnectionCls = _Connection


class _TlsPool(_DropsUnused, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
