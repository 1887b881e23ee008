"""The faults of `make chaos`: what its proxy makes of a call, and which process it kills or freezes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Thread
from typing import Any

import pytest
import requests

from tools.chaos.fault_proxy import FaultProxy
from tools.chaos.faults import split_batch, split_statements, with_refused, with_unprocessed
from tools.chaos.processes import frozen, owner_of
from tools.chaos.turn_attacks import CALLS, TurnEnder

PUTS = [{"PutRequest": {"Item": {"id": {"N": str(number)}}}} for number in range(4)]


class Upstream(ThreadingHTTPServer):
    """A server in the place of DynamoDB that answers every call and records the bodies."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.bodies: list[dict[str, Any]] = []


class Answering(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"UnprocessedItems": {}}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        Thread(target=upstream.serve_forever, args=[0.01], daemon=True).start()
        yield upstream
        upstream.shutdown()


@pytest.fixture(scope="module")
def proxy(upstream: Upstream) -> Iterator[FaultProxy]:
    proxy = FaultProxy(f"http://127.0.0.1:{upstream.server_port}")
    proxy.start()
    yield proxy
    proxy.stop()


def call(proxy: FaultProxy, operation: str, **body: Any) -> requests.Response:
    return requests.post(proxy.url, json=body, headers={"X-Amz-Target": f"DynamoDB.{operation}"}, timeout=5)


def test_throttled_items_are_not_forwarded_and_are_returned_as_unprocessed() -> None:
    chances = iter([True, False, False, True])
    body, unprocessed = split_batch(json.dumps({"RequestItems": {"t": PUTS}}).encode(), lambda: next(chances))
    assert json.loads(body) == {"RequestItems": {"t": [PUTS[1], PUTS[2]]}}
    assert json.loads(with_unprocessed(b"{}", "BatchWriteItem", unprocessed)) == {
        "UnprocessedItems": {"t": [PUTS[0], PUTS[3]]}
    }


def test_throttled_keys_keep_the_options_of_their_table() -> None:
    asked = {"t": {"Keys": [{"id": {"N": "1"}}, {"id": {"N": "2"}}], "ConsistentRead": True}}
    chances = iter([True, False])
    body, unprocessed = split_batch(json.dumps({"RequestItems": asked}).encode(), lambda: next(chances))
    answer = json.loads(with_unprocessed(b'{"Responses": {}}', "BatchGetItem", unprocessed))
    assert json.loads(body)["RequestItems"]["t"] == {"Keys": [{"id": {"N": "2"}}], "ConsistentRead": True}
    assert answer["UnprocessedKeys"]["t"] == {"Keys": [{"id": {"N": "1"}}], "ConsistentRead": True}


def test_unprocessed_items_of_the_answer_stay() -> None:
    answer = json.dumps({"UnprocessedItems": {"t": PUTS[:1]}}).encode()
    assert json.loads(with_unprocessed(answer, "BatchWriteItem", {"t": PUTS[1:2]}))["UnprocessedItems"]["t"] == PUTS[:2]


def test_throttled_statements_are_not_forwarded_and_are_errors_in_their_positions() -> None:
    statements = [{"Statement": str(number)} for number in range(4)]
    chances = iter([True, False, False, True])
    body, refused = split_statements(json.dumps({"Statements": statements}).encode(), lambda: next(chances))
    assert json.loads(body) == {"Statements": statements[1:3]}
    answer = json.loads(with_refused(b'{"Responses": [{"Item": 1}, {"Item": 2}]}', refused))
    assert [response.get("Item") or response["Error"]["Code"] for response in answer["Responses"]] == [
        "ThrottlingError",
        1,
        2,
        "ThrottlingError",
    ]


def test_statements_that_are_all_throttled_are_not_forwarded(upstream: Upstream, proxy: FaultProxy) -> None:
    upstream.bodies.clear()
    proxy.inject(throttle_parts=1.0)
    response = call(proxy, "BatchExecuteStatement", Statements=[{"Statement": "1"}, {"Statement": "2"}])
    assert (response.status_code, upstream.bodies) == (200, [])
    assert [one["Error"]["Code"] for one in response.json()["Responses"]] == ["ThrottlingError"] * 2


def test_a_batch_that_is_throttled_as_a_whole_is_an_error(upstream: Upstream, proxy: FaultProxy) -> None:
    upstream.bodies.clear()
    proxy.inject(throttle_parts=1.0)
    response = call(proxy, "BatchWriteItem", RequestItems={"t": PUTS})
    assert (response.status_code, upstream.bodies) == (400, [])
    assert response.json()["__type"].endswith("#ProvisionedThroughputExceededException")


def test_the_parts_of_a_batch_are_forwarded_or_returned(upstream: Upstream, proxy: FaultProxy) -> None:
    upstream.bodies.clear()
    proxy.inject(throttle_parts=0.5)
    response = call(proxy, "BatchWriteItem", RequestItems={"t": PUTS * 50})
    written, left = upstream.bodies[0]["RequestItems"]["t"], response.json()["UnprocessedItems"]["t"]
    assert written
    assert sorted(map(str, [*written, *left])) == sorted(map(str, PUTS * 50))


def test_a_lost_call_takes_effect_and_has_no_answer(upstream: Upstream, proxy: FaultProxy) -> None:
    upstream.bodies.clear()
    proxy.inject(lose=1.0)
    with pytest.raises(requests.ConnectionError):
        call(proxy, "UpdateItem", Key=1)
    assert upstream.bodies == [{"Key": 1}]
    assert call(proxy, "GetItem", Key=2).ok


@pytest.mark.parametrize(("kills_after", "effects"), [(False, []), (True, [{"Key": 1}])])
def test_a_lambda_is_killed_before_or_after_its_call_takes_effect(
    upstream: Upstream, proxy: FaultProxy, kills_after: bool, effects: list[Any]
) -> None:
    upstream.bodies.clear()
    proxy.inject(is_killed=lambda port, after: after == kills_after)
    with pytest.raises(requests.ConnectionError):
        call(proxy, "UpdateItem", Key=1)
    assert upstream.bodies == effects


class Connected:
    """Another process with a connection to this one; `port` is its end."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            number = server.getsockname()[1]
            code = f"import socket, time; s = socket.create_connection(('127.0.0.1', {number})); time.sleep(60)"
            self.process = subprocess.Popen([sys.executable, "-S", "-c", code])
            self.connection, (_, self.port) = server.accept()

    @property
    def pid(self) -> int:
        return self.process.pid

    def workers(self, _: str) -> list[int]:
        return [self.pid]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()


class FirstCall(Random):
    def randint(self, low: int, high: int) -> int:
        return low


@pytest.fixture
def other() -> Iterator[Connected]:
    other = Connected()
    yield other
    other.stop()


def test_a_frozen_process_goes_on_after_the_block(other: Connected) -> None:
    with frozen([other.pid, 2**22]):
        os.waitid(os.P_PID, other.pid, os.WSTOPPED)
    assert os.waitid(os.P_PID, other.pid, os.WCONTINUED) is not None


def test_the_process_of_a_connection_is_found_by_its_port(other: Connected) -> None:
    assert owner_of(other.port, [os.getpid(), other.pid]) == other.pid
    assert owner_of(other.port, [os.getpid()]) is None


@pytest.mark.parametrize("seed", [1, 2])
def test_a_turn_ends_once_at_one_of_its_calls(other: Connected, seed: int) -> None:
    stack: Any = other
    ender = TurnEnder(stack, "SendMessages", Random(seed), left=1)
    ends = [ender.is_killed(other.port, after) for _ in range(CALLS["SendMessages"]) for after in (False, True)]
    assert (sum(ends), ender.killed) == (1, 1)
    assert other.process.wait() == -signal.SIGKILL


def test_calls_of_other_processes_end_no_turn(other: Connected) -> None:
    stack: Any = other
    ender = TurnEnder(stack, "SendMessages", FirstCall(), left=1)
    assert not any(ender.is_killed(other.connection.getsockname()[1], after) for after in (False, True))
    assert any(ender.is_killed(other.port, after) for after in (False, True))
