"""A mailing to 10,000 clients on the local stack, from its start to its last post. The gateway responds in 50 ms.

A mailing to one client precedes it and starts all Lambdas cold; its time is a separate figure.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from chalicelib.domain.message import message_id
from infra.local.deployment import STACK_NAME
from infra.local.seed import LOCAL_TOKEN
from infra.local.stack import DevStack

from .measure import Row
from .stacks import fill, local_stack

CLIENTS, LATENCY = 10_000, 0.05
MOST_SECONDS = 3
PATIENCE = 300
TAG = "first"
MEMORY = {"SendMessages": 512, "RunJobs": 512}
"""Configured memory in MB of the Lambdas that process a mailing."""


def run() -> list[Row]:
    with local_stack() as stack:
        assert stack.simulator is not None
        fill(CLIENTS - 1, STACK_NAME)
        stack.simulator.behave(latency=LATENCY)
        _call(stack, "Clients", {"phone_number": "79000000000", "tag": TAG})
        cold, _ = _seconds(stack, 1, filter_tag=TAG)
        first_after, last_after = _seconds(stack, CLIENTS)
        peaks = {name: max(_peak(pid) for pid in stack.workers(name)) for name in MEMORY}
    what = f"a mailing of {CLIENTS:,}, gateway at {LATENCY * 1000:.0f} ms"
    return [
        Row("a mailing of one, all Lambdas cold: the post after the start", "seconds", cold),
        Row(f"{what}: the first post after the start", "seconds", first_after, most=MOST_SECONDS),
        Row(f"{what}: posts", "a second", CLIENTS / (last_after - first_after)),
        *(Row(f"{what}: peak memory of {name}", "MB", peaks[name], most=size) for name, size in MEMORY.items()),
    ]


def _seconds(stack: DevStack, number: int, **fields: object) -> tuple[float, float]:
    """Start a mailing to `number` clients now; returns the seconds until its first and its last post."""
    assert stack.simulator is not None
    accepted = stack.simulator.seen.accepted
    before, start = len(accepted), datetime.now(UTC)
    times = {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=1)).isoformat()}
    mailing = _call(stack, "Mailing", {**times, "message_text": "bench", **fields})
    deadline = time.monotonic() + PATIENCE
    while len(accepted) < before + number:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {len(accepted) - before:,} of {number:,} were posted within {PATIENCE} s")
        time.sleep(0.2)
    first_id, messages = message_id(mailing["id"], 1), stack.simulator.seen.messages
    posts = [datetime.fromisoformat(message["times"][0]) for number, message in messages.items() if number >= first_id]
    return (min(posts) - start).total_seconds(), (max(posts) - start).total_seconds()


def _call(stack: DevStack, path: str, body: dict[str, object]) -> dict[str, Any]:
    headers = {"Authorization": f"Token {LOCAL_TOKEN}"}
    answer = requests.post(f"{stack.url}/{path}/", json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    result: dict[str, Any] = answer.json()
    return result


def _peak(pid: int) -> float:
    """Peak memory of a process in MB, from Linux."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
