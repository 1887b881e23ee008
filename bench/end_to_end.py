"""A mailing to 10,000 clients on the local stack, from its start to its last post. The gateway responds in 50 ms.

A mailing to one client precedes it and starts each Lambda cold, one sender too; its time is a separate figure. The
other senders start during the measurement.
"""

from __future__ import annotations

import os
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
MOST_SECONDS = 1
LEAST_POSTS = 400
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
        before = _processor_seconds(stack)
        first_after, last_after = _seconds(stack, CLIENTS)
        after = _processor_seconds(stack)
        peaks = {name: max(_peak(pid) for pid in stack.workers(name)) for name in MEMORY}
    what = f"a mailing of {CLIENTS:,}, gateway at {LATENCY * 1000:.0f} ms"
    return [
        Row("a mailing of one, all Lambdas cold: the post after the start", "seconds", cold),
        Row(f"{what}: the first post after the start", "seconds", first_after, most=MOST_SECONDS),
        Row(f"{what}: posts", "a second", CLIENTS / (last_after - first_after), least=LEAST_POSTS),
        *(
            Row(f"{what}: processor time of {name}", "ms each", 1000 * (after[name] - before[name]) / CLIENTS)
            for name in after
        ),
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


def _processor_seconds(stack: DevStack) -> dict[str, float]:
    """By part of the local stack. The front and the simulator of the gateway are in this process."""
    return {
        "MiniStack": _spent(stack.emulator_pid),
        "senders": sum(map(_spent, stack.workers("SendMessages"))),
        "fan-out": sum(map(_spent, stack.workers("RunJobs"))),
        "front and simulator": time.process_time(),
    }


def _spent(pid: int) -> float:
    """Seconds of the processor that a process has used, in user mode and in the kernel, from Linux."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    """Peak memory of a process in MB, from Linux."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
