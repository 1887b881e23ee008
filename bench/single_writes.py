"""The single writes of senders to the partitions that workers write to as well: amounts in short ticks, not events."""

from __future__ import annotations

from dataclasses import dataclass

from bench.lambda_time import THREADS
from infra.local.doubles.partition import Units

TICK = 0.02
"""Seconds between two amounts of writes. The claim and the settlement of a post are in the same amount."""

RETRIES = (0.5, 1.0, 2.0)
"""Mean seconds of botocore's pauses before it repeats a throttled call, in its standard mode with four attempts."""


@dataclass(frozen=True)
class Load:
    """`writes`: the throughput in units a second that the table is prepared for.

    `posts`: the most a second, by the senders' processors or by a rate. `post_seconds`: of a thread for one post. While
    there are walkers, only messages that they have queued are posted.
    """

    shards: int
    writes: int
    walkers: int
    senders: int = 0
    posts: float = 0.0
    post_seconds: float = 0.1


class SingleWrites:
    """Claims and settlements, spread over the shards. Throttled ones keep a thread of a sender until they are repeated.

    `backlog`: messages that wait for a post.
    """

    def __init__(self, load: Load, units: list[Units], homes: list[int]) -> None:
        self.load = load
        self.units = units
        self.shares = [homes.count(home) / len(homes) for home in range(len(units))]
        self.waiting = [[0.0] * len(RETRIES) for _ in units]
        self.missed = [0] * len(units)
        self.backlog = 0.0 if load.walkers else float("inf")
        self.posted = self.refused = 0.0

    def tick(self, now: float) -> None:
        """Half of the refused writes are claims: their messages return to the queue. Settlements are repeated."""
        posts = min(self.load.posts * TICK, self.backlog, self._free_threads() * TICK / self.load.post_seconds)
        refused = 0.0
        for home, share in enumerate(self.shares):
            refused += self._write(home, 2 * posts * share, now) / 2
        self.backlog += refused - posts
        self.posted += posts - refused
        self.refused += refused

    def _free_threads(self) -> float:
        return self.load.senders * THREADS - sum(map(sum, self.waiting))

    def _write(self, home: int, new: float, now: float) -> float:
        """Returns the writes that are refused after the last of botocore's retries."""
        waiting = self.waiting[home]
        due = [amount * TICK / mean for amount, mean in zip(waiting, RETRIES, strict=True)]
        wanted = new + sum(due)
        missed, self.missed[home] = self.missed[home], 0
        if not wanted:
            return 0.0
        chance = min(1.0, max(0.0, self.units[home].left(now)) / (wanted + missed))
        taken = self.units[home].take_part(wanted * chance, now)
        throttled = 1 - taken / wanted
        if throttled < 1e-9 and wanted == new:
            return 0.0
        tried = [new, *due]
        for number in range(len(RETRIES)):
            waiting[number] += tried[number] * throttled - due[number]
        waiting[0] += due[-1] * throttled / 2
        return due[-1] * throttled
