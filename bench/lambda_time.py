"""How long Lambda works, which nobody can measure without an account: a model of it, with what it rests on.

Waiting is assumed, computing is measured (`make cost` measures it again, on whatever machine it runs).
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence
from pathlib import Path

CONFIG = json.loads((Path(__file__).parents[1] / ".chalice" / "config.json").read_text())

AWS_SECONDS = 0.005
"""For each call to DynamoDB or SQS: an assumption, within the "single-digit milliseconds" that DynamoDB promises."""

VCPU_MEMORY = 1769
"""MB that have one vCPU; less has its share: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

CPU_TO_CREATE = 0.0005
CPU_TO_POST = 0.005
"""Seconds of one core for a message, measured on 2026-11-24 (docs/PERFORMANCE.md); Graviton is taken to be as fast."""

BATCH, THREADS = 100, 20
"""Of the sender: as in workers/send_queue.py and settings.py."""


def memory(function: str) -> int:
    """MB."""
    return int(CONFIG["lambda_functions"][function]["lambda_memory_size"])


def gigabyte_seconds(function: str, seconds: float) -> float:
    return memory(function) / 1024 * seconds


def computing(function: str, cpu: float) -> float:
    """Seconds that so much of one core's work takes on this function's share of it."""
    return cpu * max(1.0, VCPU_MEMORY / memory(function))


def batch_seconds(latency: float) -> float:
    """Of the sender, for a full batch: clients are read, each message is claimed, posted and settled, all are counted.

    `latency`: the gateway's, in seconds.
    """
    cpu = computing("send_messages", CPU_TO_POST) / 3
    return 2 * AWS_SECONDS + together(THREADS, BATCH, [(cpu, AWS_SECONDS), (cpu, latency), (cpu, AWS_SECONDS)])


def together(threads: int, jobs: int, steps: Sequence[tuple[float, float]]) -> float:
    """How long threads take for so many jobs; a step first computes, one thread at a time, and then waits.

    That is Python: one thread holds the interpreter, whatever the number of cores.
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
