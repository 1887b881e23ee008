"""A model of the time for which a Lambda runs, which cannot be measured without an account.

The time of waiting is assumed, the time of computing is measured; `make cost` measures it again on its machine.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence
from pathlib import Path

CONFIG = json.loads((Path(__file__).parents[1] / ".chalice" / "config.json").read_text())

ASKING = 0.2
"""The time of a message that gets no permit, as a part of the time of a post. An assumption."""

AWS_SECONDS = 0.005
"""For each call to DynamoDB or SQS. An assumption, within the "single-digit milliseconds" that DynamoDB promises."""

VCPU_MEMORY = 1769
"""Memory in MB that has one vCPU; less memory has its part: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

CPU_TO_CREATE = 0.0005
CPU_TO_POST = 0.0017
"""Seconds of one core for a message, measured on 2026-11-26 (docs/PERFORMANCE.md). Graviton is assumed to be equal."""

CPU_TO_CALL = 0.0005
"""Seconds of one core for a repeated call to DynamoDB. An assumption: a create is a share of 1/25 of one, and more."""

CPU_TO_DECIDE = 0.00003
"""Seconds of one core to read a client and decide about a condition. `python -m bench.conditions` measured 18 µs."""

CPU_TO_LOOK_UP = 0.00003
"""Seconds of one core to ask for the message of a client and to read it, a hundred in a call. An assumption."""

BATCH, THREADS = 100, 50
"""The sender's, as in workers/send_queue.py and settings.py."""


def memory(function: str) -> int:
    """The configured memory of a function in MB."""
    return int(CONFIG["lambda_functions"][function]["lambda_memory_size"])


def gigabyte_seconds(function: str, seconds: float) -> float:
    return memory(function) / 1024 * seconds


def computing(function: str, cpu: float) -> float:
    """The seconds that `cpu` seconds of one core take with the function's part of a vCPU."""
    return cpu * max(1.0, VCPU_MEMORY / memory(function))


def deciding_seconds(clients: int, named: int) -> float:
    """A worker's time for reading a page of clients and deciding about a condition, which no thread shares.

    `named`: the mailings of which the message of each client is looked up, a hundred in a call, one call after another.
    """
    calls = 1 + named * -(-clients // 100)
    return calls * AWS_SECONDS + computing("run_jobs", clients * (CPU_TO_DECIDE + named * CPU_TO_LOOK_UP))


def batch_seconds(latency: float) -> float:
    """The sender's time for a full batch: read clients, claim, post and settle the messages, and count them.

    `latency` is the gateway's in seconds. Only the first claims and the last settlements are not written while posts
    are under way.
    """
    cpu = computing("send_messages", CPU_TO_POST)
    return 4 * AWS_SECONDS + together(THREADS, BATCH, [(cpu, latency)])


def together(threads: int, jobs: int, steps: Sequence[tuple[float, float]]) -> float:
    """The time of `threads` for `jobs`. Each step computes and then waits; only one thread computes at a time.

    This is Python's global interpreter lock: one thread runs Python code, on any number of cores.
    """
    ready = [(0.0, thread, 0) for thread in range(min(threads, jobs))]
    left, free_at, ended_at = jobs - len(ready), 0.0, 0.0
    while ready:
        at, thread, step = heapq.heappop(ready)
        computes, waits = steps[step]
        free_at = max(at, free_at) + computes
        ended_at = max(ended_at, free_at + waits)
        if step + 1 < len(steps):
            heapq.heappush(ready, (free_at + waits, thread, step + 1))
        elif left:
            left -= 1
            heapq.heappush(ready, (free_at + waits, thread, 0))
    return ended_at
