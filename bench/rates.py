"""How near to its limit a mailing is sent, never above it, and how much a large mailing delays a small one.

python -m bench.rates        exits with 1 if a rate is missed or exceeded, or the small one takes over twice its time

It runs on the local stack and measures rates by the arrival of posts at the simulator.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from chalicelib.adapters.clock import Clock
from chalicelib.adapters.tables.base import bind_table
from chalicelib.adapters.tables.client_row import ClientRow
from chalicelib.adapters.tables.counters import CounterRow
from chalicelib.domain.rate import BURST
from infra.local.arrivals import arrivals, most_in_a_second
from infra.local.deployment import STACK_NAME
from infra.local.doubles.aws import add_clients, forget_connections
from infra.local.local_settings import any_settings
from infra.local.seed import LOCAL_TOKEN
from infra.local.seen import Seen
from infra.local.stack import DevStack

LIMIT, MESSAGES = 100, 5_000
LEAST_SHARE = 0.95
LARGE, SMALL, GATEWAY_LIMIT = 10_000, 100, 20
"""MiniStack reads a whole queue at each call, so more messages would measure that. tests/domain/test_rate.py has
100,000 messages and no queue."""
MOST_TIMES = 2.0


class LoadedStack:
    """A local stack with clients of the operator codes 900 to 929."""

    def __init__(self, stack: DevStack, clients: int) -> None:
        self.stack = stack
        bind_table(ClientRow, STACK_NAME, Clock())
        bind_table(CounterRow, STACK_NAME, Clock())
        add_clients(clients)
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"

    @property
    def seen(self) -> Seen:
        assert self.stack.simulator is not None
        return self.stack.simulator.seen

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        response = self.session.request(method, self.stack.url + path, json=body or None, timeout=60)
        response.raise_for_status()
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def announce(self, **fields: Any) -> int:
        now = datetime.now(UTC)
        times = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=3)).isoformat()}
        return int(self.call("POST", "/Mailing/", **times, message_text="bench", **fields)["id"])

    def await_sent(self, mailing_id: int, number: int, patience: float) -> None:
        deadline = time.monotonic() + patience
        while self.call("GET", f"/Stats/{mailing_id}/?limit=1")["messages"]["sent"] < number:
            if time.monotonic() > deadline:
                raise SystemExit(f"mailing {mailing_id} did not reach {number} clients within {patience:.0f} s")
            time.sleep(0.5)


def measure_rate(loaded: LoadedStack, **fields: Any) -> bool:
    mailing_id = loaded.announce(**fields)
    loaded.await_sent(mailing_id, MESSAGES, 3 * MESSAGES / LIMIT + 60)
    moments = arrivals(loaded.seen, mailing_id)
    share = (len(moments) - 1) / (moments[-1] - moments[0]) / LIMIT
    most = most_in_a_second(moments)
    most_allowed = LIMIT * (1 + BURST)
    print(f"{MESSAGES:,} messages at {LIMIT} a second, the {'mailing' if fields else 'gateway'}'s limit:")
    print(f"  {share:.1%} of the limit (at least {LEAST_SHARE:.0%}, at most 100%)")
    print(f"  {most} in the busiest second (at most {most_allowed:.0f})", flush=True)
    return LEAST_SHARE <= share <= 1 and most <= most_allowed


def measure_fairness(loaded: LoadedStack) -> bool:
    alone = _small(loaded)
    large = loaded.announce(filter_op_codes=",".join(f"9{code:02d}" for code in range(30)))
    loaded.await_sent(large, 10 * GATEWAY_LIMIT, 600)
    together = _small(loaded)
    loaded.call("POST", f"/Mailing/{large}/cancel/")
    print(f"{SMALL} messages where the gateway takes {GATEWAY_LIMIT} a second:")
    times = together / alone
    print(f"  {alone:.1f} s alone, {together:.1f} s with {LARGE:,} others: {times:.2f} times (at most {MOST_TIMES})")
    return times <= MOST_TIMES


def _small(loaded: LoadedStack) -> float:
    began = time.time()
    mailing_id = loaded.announce(filter_op_codes="999")
    loaded.await_sent(mailing_id, SMALL, 600)
    moments = arrivals(loaded.seen, mailing_id)
    print(f"  first after {moments[0] - began:.1f} s, last {moments[-1] - moments[0]:.1f} s later", flush=True)
    return moments[-1] - began


def main() -> int:
    results = []
    if "fair" not in sys.argv:
        with stack() as running:
            results.append(measure_rate(LoadedStack(running, MESSAGES), rate_limit=LIMIT))
        with stack(LIMIT) as running:
            results.append(measure_rate(LoadedStack(running, MESSAGES)))
    with stack(GATEWAY_LIMIT) as running:
        loaded = LoadedStack(running, LARGE)
        for number in range(SMALL):
            loaded.call("POST", "/Clients/", phone_number=f"79990{number:06d}")
        results.append(measure_fairness(loaded))
    return 0 if all(results) else 1


def stack(gateway_rate: int | None = None) -> DevStack:
    forget_connections()
    settings = replace(any_settings(), gateway_rate=str(gateway_rate or ""))
    return DevStack(settings, Path(tempfile.mkdtemp()), print_line=lambda _: None)


if __name__ == "__main__":
    sys.exit(main())
