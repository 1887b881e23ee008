"""How busy senders keep a gateway that takes so many posts a second and answers 429 above that, and what they cost it.

python -m bench.throttling        exits with 1 if a gateway is kept less busy, or refuses more, than allowed

A simulation without real time: 100,000 messages wait, and senders have batches of 100 and 50 threads.
"""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout

from bench.outage import fill
from chalicelib.logs import log
from infra.local.doubles.fleet import Fleet
from infra.local.doubles.limited_gateway import LimitedGateway

CASES = ((1, 100), (4, 20), (4, 100), (4, 400), (10, 100))
"""Senders, and posts a second that the gateway takes."""

BEFORE, SECONDS, MARGIN = 60, 180, 10
LEAST_BUSY, MOST_REFUSED = 0.8, 0.1


def main() -> int:
    log.setLevel("CRITICAL")
    is_good = True
    print("senders  limit/s  kept busy  answers 429  deliveries a post  busy and 429 in the first minute")
    for senders, limit in CASES:
        with redirect_stdout(io.StringIO()):  # senders print their metrics
            first, later, deliveries = simulate(senders, limit)
        is_good &= later.busy >= LEAST_BUSY and later.refused <= MOST_REFUSED
        print(
            f"{senders:7} {limit:8} {later.busy:10.0%} {later.refused:12.1%} {deliveries:18.1f}"
            f" {first.busy:26.0%} {first.refused:6.1%}"
        )
    return int(not is_good)


class Phase:
    """Some seconds of a mailing: the part of the limit that was used, and the part of the posts that were refused."""

    def __init__(self, gateway: LimitedGateway, first: int, last: int) -> None:
        accepted, refused = gateway.between(first, last)
        self.busy = accepted / (last - first) / gateway.limit
        self.refused = refused / max(1, accepted + refused)


def simulate(senders: int, limit: int) -> tuple[Phase, Phase, float]:
    """The first minute, the minutes after it, and the deliveries of queue messages for each accepted post."""
    fleet = Fleet(senders)
    fill(fleet.world)
    gateway = LimitedGateway(fleet.gateway, limit)
    fleet.run(SECONDS + MARGIN)
    deliveries = fleet.deliveries / gateway.by_second.total()
    return Phase(gateway, 0, BEFORE), Phase(gateway, BEFORE, SECONDS), deliveries


if __name__ == "__main__":
    sys.exit(main())
