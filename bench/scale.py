"""The duration of mailings that are too large for one machine, and what limits them: a table for docs/PERFORMANCE.md.

python -m bench.scale        exits with 1 if the fan-out of ten million on a warm table, or of a million with a
                             condition, takes over ten minutes
"""

from __future__ import annotations

import sys
import time

from chalicelib.delivery.queueing import PAGE

from .lambda_time import deciding_seconds
from .simulation import Outcome, Scenario, Simulation

COLUMNS = (
    "clients", "table", "senders", "slices", "shards", "fanned out in", "bound by", "a page", "returned",
    "sent in", "bound by",
)  # fmt: skip
PROMISE = 600
DECIDING = deciding_seconds(PAGE, named=1)
"""No index serves the condition, and it looks up the messages of another mailing. The worst case: it chooses all."""

WARM = 40_000
"""Units a second: the default quota of a table."""


def scenarios() -> list[Scenario]:
    found = []
    for clients in (10**6, 10**7, 10**8):
        found.append(Scenario(clients, senders=50))
        found.append(Scenario(clients, WARM, senders=50))
        found.append(Scenario(clients, WARM, WARM, senders=200))
        found.append(Scenario(clients, WARM, WARM, senders=200, latency=0.5))
    found += [Scenario(clients, WARM, senders=50, rate=1000) for clients in (10**6, 10**7)]
    found += [Scenario(10**6, warm, senders=50, deciding=DECIDING) for warm in (0, WARM)]
    return found


def row(scenario: Scenario, outcome: Outcome) -> str:
    cells = (
        f"{scenario.clients:,}" + (", a condition" if scenario.deciding else ""),
        f"{scenario.warm_writes:,}" if scenario.warm_writes else "cold",
        f"{scenario.senders} at {scenario.latency * 1000:.0f} ms"
        + (f", {scenario.rate:.0f}/s" if scenario.rate else ""),
        f"{outcome.plan.slices}",
        f"{outcome.plan.shards:,}",
        clock(outcome.fanned_out),
        outcome.fan_out_bound_by,
        f"{outcome.slowest_page:.0f} s",
        f"{outcome.returned:.0%}",
        clock(outcome.sent),
        outcome.sending_bound_by,
    )
    return "| " + " | ".join(cells) + " |"


def clock(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{seconds / 60:.1f} min"


def main() -> int:
    began = time.monotonic()
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    is_kept = True
    for scenario in scenarios():
        outcome = Simulation(scenario).run()
        print(row(scenario, outcome), flush=True)
        is_promised = (scenario.clients, scenario.warm_writes, scenario.senders) == (10**7, WARM, 50)
        if is_promised or scenario.deciding:
            is_kept &= outcome.fanned_out < PROMISE
    print(f"simulated in {time.monotonic() - began:.0f} s")
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
