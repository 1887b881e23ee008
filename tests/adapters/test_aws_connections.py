"""Botocore repeats a call whose connection died while the container was frozen, on a new connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.adapters import aws
from chalicelib.delivery.sender import WRITERS
from chalicelib.settings import Settings
from tests.gateways.raw_server import RawServer, serving

CALLS = 8
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def _no_clients() -> Iterator[None]:
    aws.reset_clients()
    yield
    aws.reset_clients()


def get_item(_: int = 0) -> Any:
    return aws.client("dynamodb").get_item(TableName="t", Key={"id": {"N": "1"}})


@pytest.mark.usefixtures("_no_clients")
def test_a_call_on_a_dead_connection_is_repeated_once_on_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many connections died: the pool opens the connection again that has just failed."""
    server: RawServer
    together = threading.Barrier(CALLS)
    answered: set[socket.socket] = set()

    def answer_once(connection: socket.socket) -> None:
        if connection in answered:
            connection.shutdown(socket.SHUT_RDWR)
            return
        answered.add(connection)
        if len(server.requests) <= CALLS:
            together.wait(10)
        connection.sendall(EMPTY)

    with serving(answer_once) as server, ThreadPoolExecutor(CALLS) as threads:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        list(threads.map(get_item, range(CALLS)))
        assert server.connections == CALLS
        get_item()
        assert (server.connections, len(server.requests)) == (CALLS + 1, CALLS + 2)


def test_the_threads_of_a_sender_have_a_connection_each() -> None:
    """Another one is opened, closed after its call and logged as discarded."""
    assert Settings(stage="local").sender_threads + WRITERS + 1 <= aws.CONNECTIONS
