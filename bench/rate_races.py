# ruff: noqa: S311  (the numbers are no secrets)
"""How often senders lose the race for a row of permits: a simulation, in which all of them write with a condition.

python -m bench.rate_races

A write succeeds if the row is as its sender has read it. A sender that is alone needs no read before its next write
(chalicelib/adapters/tables/rates.py).
"""

from __future__ import annotations

import heapq
from collections.abc import Generator
from dataclasses import dataclass
from random import Random

from bench.lambda_time import AWS_SECONDS, BATCH, batch_seconds
from chalicelib.adapters.tables.rates import BACKOFF
from chalicelib.delivery.rate_limits import LEAST_FALLBACK, LONGEST_FALLBACK
from chalicelib.domain.rate import Bucket, book_asks, buckets_of, take_permits

LATENCY = 0.05
PERMITS = 20
"""That a sender takes at a time. A sender of the service takes at least one for each of its threads."""


@dataclass
class Races:
    """`writes`: all, with the `lost` ones. `given_up`: requests that lost every try. `permits`: all that were taken."""

    writes: int = 0
    lost: int = 0
    requests: int = 0
    given_up: int = 0
    permits: int = 0


class Rows:
    """Buckets with versions, as the table has them."""

    def __init__(self, rate: float, number: int) -> None:
        self.limit = rate / number
        self.buckets = [Bucket()] * number
        self.versions = [0] * number


def simulate(senders: int, rate: float, buckets: int, seconds: float) -> Races:
    races, random, rows = Races(), Random(1), Rows(rate, buckets)
    clock = [0.0]
    events = [(random.random(), number) for number in range(senders)]
    heapq.heapify(events)
    work = [_sender(rows, races, Random(number), clock) for number in range(senders)]
    for sender in work:
        next(sender)
    while events[0][0] < seconds:
        clock[0], number = heapq.heappop(events)
        heapq.heappush(events, (clock[0] + next(work[number]), number))
    return races


def _sender(rows: Rows, races: Races, random: Random, clock: list[float]) -> Generator[float]:
    """Yields the seconds until its next step."""
    yield 0.0
    known: dict[int, int] = {}
    alone: set[int] = set()
    while True:
        index = random.randrange(len(rows.buckets))
        races.requests += 1
        is_taken = yield from _write(rows, races, index, known, alone, random, clock)
        if not is_taken:
            races.given_up += 1
            yield LEAST_FALLBACK + random.random() * (LONGEST_FALLBACK - LEAST_FALLBACK)
            continue
        rows.versions[index] = known[index] = rows.versions[index] + 1
        bucket, taken = take_permits(rows.buckets[index].with_request(1, 1, clock[0]), 1, rows.limit, PERMITS, clock[0])
        rows.buckets[index], _ = book_asks(bucket, 1, rows.limit, PERMITS - len(taken), clock[0])
        races.permits += len(taken)
        yield len(taken) * batch_seconds(LATENCY) / BATCH if len(taken) == PERMITS else random.random()


def _write(
    rows: Rows, races: Races, index: int, known: dict[int, int], alone: set[int], random: Random, clock: list[float]
) -> Generator[float, None, bool]:
    """Returns whether a try succeeded before the time of the backoff was up."""
    until, number = clock[0] + BACKOFF.seconds, 0
    while True:
        if index not in alone:
            yield AWS_SECONDS
            alone |= {index} if known.get(index) == rows.versions[index] else set()
            known[index] = rows.versions[index]
        yield AWS_SECONDS
        races.writes += 1
        if known[index] == rows.versions[index]:
            return True
        races.lost += 1
        alone.discard(index)
        if clock[0] >= until:
            return False
        yield min(until - clock[0], BACKOFF.pause(number, random.random()))
        number += 1


def main() -> None:
    seconds = 30.0
    print("| senders | limit | rows | permits a second | lost writes | requests that lost every try |")
    print("|---|---|---|---|---|---|")
    for senders, rate in ((10, 200.0), (50, 1000.0), (100, 2000.0)):
        for buckets in (1, buckets_of(rate)):
            races = simulate(senders, rate, buckets, seconds)
            lost, given_up = races.lost / races.writes, races.given_up / races.requests
            print(
                f"| {senders} | {rate:.0f} | {buckets} | {races.permits / seconds:.0f} | {lost:.0%} | {given_up:.1%} |"
            )


if __name__ == "__main__":
    main()
