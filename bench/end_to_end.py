"""A mailing of 10,000 on the local stack, from its announcement to its last post; the gateway takes 50 ms."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from infra.local.deployment import STACK_NAME
from infra.local.seed import LOCAL_TOKEN

from .ground import fill, whole_stack
from .measure import Row

CLIENTS, LATENCY = 10_000, 0.05
MOST_SECONDS = 3
PATIENCE = 300
MEMORY = {"SendMessages": 512, "FanOut": 512}
"""MB that the Lambdas have which do the work of a mailing."""


def run() -> list[Row]:
    with whole_stack() as stack:
        assert stack.simulator is not None
        fill(CLIENTS, STACK_NAME)
        stack.simulator.behave(latency=LATENCY)
        start = datetime.now(UTC)
        fields = {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=1)).isoformat()}
        headers = {"Authorization": f"Token {LOCAL_TOKEN}"}
        url = f"{stack.url}/Mailing/"
        requests.post(url, json={**fields, "message_text": "bench"}, headers=headers, timeout=30).raise_for_status()
        seen = stack.simulator.seen
        deadline = time.monotonic() + PATIENCE
        while len(seen.accepted) < CLIENTS:
            if time.monotonic() > deadline:
                raise SystemExit(f"only {len(seen.accepted):,} of {CLIENTS:,} were posted within {PATIENCE} s")
            time.sleep(0.2)
        assert seen.first_at is not None
        assert seen.last_at is not None
        lasted = (seen.last_at - seen.first_at).total_seconds()
        first_after = (seen.first_at - start).total_seconds()
        peaks = {name: max(_peak(pid) for pid in stack.workers(name)) for name in MEMORY}
    what = f"a mailing of {CLIENTS:,}, gateway at {LATENCY * 1000:.0f} ms"
    return [
        Row(f"{what}: the first post after the start", "seconds", first_after, most=MOST_SECONDS),
        Row(f"{what}: posts", "a second", CLIENTS / lasted),
        *(Row(f"{what}: peak memory of {name}", "MB", peaks[name], most=size) for name, size in MEMORY.items()),
    ]


def _peak(pid: int) -> float:
    """Of a process, in MB, as Linux has it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
