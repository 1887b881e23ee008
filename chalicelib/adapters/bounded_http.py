"""HTTP for `requests` whose exchanges end in time: the address lookup, connection, TLS handshake, request and answer.

urllib3's `Timeout(total=)` bounds each read and each address on its own, so a server that sends a byte every few
seconds holds a request without end. Here every wait gets what is left of one deadline.
"""

from __future__ import annotations

import http.client
import logging
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import allowed_gai_family, create_connection

ANSWER_LIMIT = 256 * 1024
"""Bytes of an answer with its headers. A reader that asks for less stops earlier."""

SECONDS_FOR_AN_ADDRESS = 1.0
"""The least that the connection to an address gets, as long as there is so much time."""

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


class BoundedSession(requests.Session):
    """A Session that follows no redirect, keeps no cookie and reads no environment. Use it inside `exchange`."""

    def __init__(self, connections: int) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(pool_connections=1, pool_maxsize=connections))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Without this, requests reads the whole body of a redirect that it does not follow."""


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


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
        """Also called for each part of a body, and first of all when there is no connection yet."""
        if self.sock is None:
            self.connect()
        self.sock.settimeout(_current.get().seconds_left())
        _current.get().is_begun = True
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
