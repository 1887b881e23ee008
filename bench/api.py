"""Create clients over HTTP, with eight connections. The baseline is an empty Chalice route on the same MiniStack.

The empty route has no authorizer and no table; the difference is the cost of a client.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests

from infra.local.deployment import api_url
from infra.local.seed import LOCAL_TOKEN

from .empty_app import deploy_empty_app
from .measure import Row, compare
from .stacks import local_stack

CONNECTIONS, ROUNDS, CALLS = 8, 6, 200
MOST = 1.0


def run() -> list[Row]:
    with local_stack() as stack:
        empty_url = api_url(stack.aws_url, deploy_empty_app())
        service_url = api_url(stack.aws_url, stack.outputs)
        phones = itertools.count(79_000_000_000)

        def create(session: requests.Session) -> None:
            session.post(
                f"{service_url}/Clients", data={"phone_number": str(next(phones))}, timeout=30
            ).raise_for_status()

        def call_empty(session: requests.Session) -> None:
            session.get(f"{empty_url}/", timeout=30).raise_for_status()

        _load(create, CALLS), _load(call_empty, CALLS)  # warms up the Lambdas
        times = [(_load(create, CALLS), _load(call_empty, CALLS)) for _ in range(ROUNDS)]
    what = f"creating a client, {CONNECTIONS} connections, and an empty route"
    rates = [[CALLS / total for total, _ in pair] for pair in times]
    medians = [[1000 * statistics.median(calls) for _, calls in pair] for pair in times]
    slowest = [[1000 * statistics.quantiles(calls, n=100)[98] for _, calls in pair] for pair in times]
    return [
        compare(f"{what}: p50", "ms", *zip(*medians, strict=True), most=MOST),
        compare(f"{what}: p99", "ms", *zip(*slowest, strict=True)),
        compare(f"{what}: requests", "a second", *zip(*rates, strict=True)),
    ]


def _load(call: Callable[[requests.Session], None], number: int) -> tuple[float, list[float]]:
    """Seconds in total, and seconds of each call."""
    sessions = []
    for _ in range(CONNECTIONS):
        session = requests.Session()
        session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"
        sessions.append(session)

    def work(session: requests.Session) -> list[float]:
        return [_timed(call, session) for _ in range(number // CONNECTIONS)]

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        seconds = [call_seconds for part in threads.map(work, sessions) for call_seconds in part]
    return time.perf_counter() - began, seconds


def _timed(call: Callable[[requests.Session], None], session: requests.Session) -> float:
    began = time.perf_counter()
    call(session)
    return time.perf_counter() - began
