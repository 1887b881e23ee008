"""Connections to the gateway that die while they are not used, for example in a frozen Lambda container."""

from __future__ import annotations

import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.gateways.answer import Answer
from chalicelib.gateways.bounded_http import MOST_UNUSED, Times

from .contract_gateway import ContractGateway, KnownToken, post
from .raw_server import CONTRACT, Answering, RawServer, serving

OK = Answer(200, '{"code": 0, "message": "OK"}')
POSTS = 20
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class FakeTimes:
    """The monotonic clock and the wall clock. `on_read` runs when the clocks are read."""

    def __init__(self) -> None:
        self.now = [100.0, 1_000_000.0]

    def __call__(self) -> tuple[float, float]:
        self.on_read()
        return self.now[0], self.now[1]

    def on_read(self) -> None: ...


def made_gateway(server: RawServer, times: Times, connections: int = POSTS) -> ContractGateway:
    return ContractGateway(server.url, KnownToken("secret"), connections, times)


def answering_once(together: threading.Barrier) -> Answering:
    """The server forgets a connection after its first answer, as after a long silence, and reads no other request on
    it. It answers `POSTS` requests together, so that each one has its own connection."""
    answered: set[socket.socket] = set()

    def answer(connection: socket.socket) -> None:
        if connection in answered:
            connection.shutdown(socket.SHUT_RDWR)
            return
        answered.add(connection)
        together.wait(10)
        connection.sendall(CONTRACT)

    return answer


@pytest.mark.parametrize("frozen_clock", [0, 1], ids=["the monotonic clock runs", "the wall clock runs"])
@pytest.mark.parametrize("seconds", [MOST_UNUSED + 0.1, -1.0], ids=["later", "set back"])
def test_connections_that_died_while_the_container_was_frozen_are_not_used(frozen_clock: int, seconds: float) -> None:
    times = FakeTimes()
    with serving(answering_once(threading.Barrier(POSTS))) as server, ThreadPoolExecutor(POSTS) as threads:
        gateway = made_gateway(server, times)
        for _ in range(2):
            assert list(threads.map(lambda _: post(gateway), range(POSTS))) == [OK] * POSTS
            times.now[1 - frozen_clock] += seconds
        assert server.connections == 2 * POSTS
        gateway.close()


def test_connections_are_used_again_within_the_limit_by_both_clocks() -> None:
    times = FakeTimes()
    with serving(lambda connection: connection.sendall(CONTRACT)) as server:
        gateway = made_gateway(server, times)
        for _ in range(5):
            assert post(gateway) == OK
            times.now = [now + MOST_UNUSED for now in times.now]
        assert server.connections == 1
        gateway.close()


def test_a_connection_that_is_reset_before_the_first_byte_leaves_no_doubt() -> None:
    """The reset arrives between the check of the connection and the request, when the clocks are read."""
    is_unused, is_reset = threading.Event(), threading.Event()
    times = FakeTimes()

    def answer_and_reset(connection: socket.socket) -> None:
        connection.sendall(CONTRACT)
        is_unused.wait(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        connection.close()
        is_reset.set()

    def reset() -> None:
        is_unused.set()
        is_reset.wait(10)

    with serving(answer_and_reset) as server:
        gateway = made_gateway(server, times)
        assert post(gateway) == OK
        times.on_read = reset  # type: ignore[method-assign]
        answer = post(gateway)
        assert (answer.status, answer.never_sent) == (None, True)
        assert len(server.requests) == 1
        gateway.close()


def test_a_request_that_gets_no_answer_on_a_used_connection_is_in_doubt() -> None:
    with serving(answering_once(threading.Barrier(1))) as server:
        gateway = made_gateway(server, FakeTimes())
        assert post(gateway) == OK
        answer = post(gateway)
        assert (answer.status, answer.never_sent) == (None, False)
        assert len(server.requests) == 2
        gateway.close()
