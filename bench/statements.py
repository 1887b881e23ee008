"""The claims and settlements of senders, in partitions that workers write to as well: amounts in short ticks."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.adapters.tables.batches import BACKOFF
from chalicelib.delivery.batch import GROUP
from infra.local.doubles.partition import Units

TICK = 0.02
"""Seconds between two amounts of writes. The claim and the settlement of a post are in the same amount."""


@dataclass(frozen=True)
class Load:
    """`writes`: the throughput in units a second that the table is prepared for.

    `posts`: the most a second, by the senders' processors or by a rate. While there are walkers, only messages that
    they have queued are posted.
    """

    shards: int
    writes: int
    walkers: int
    senders: int = 0
    posts: float = 0.0


def _mean_pauses() -> list[float]:
    """The pauses before a throttled statement is repeated, in seconds, until its time is over."""
    pauses: list[float] = []
    while sum(pauses) < BACKOFF.seconds:
        pauses.append(BACKOFF.pause(len(pauses), jitter=0.5))
    return pauses


PAUSES = _mean_pauses()


class SenderWrites:
    """Statements, spread over the shards. A sender claims one group and settles another, and begins no other before
    they are confirmed: throttled statements slow it down.

    `backlog`: messages that wait for a post.
    """

    def __init__(self, load: Load, units: list[Units], homes: list[int]) -> None:
        self.load = load
        self.units = units
        self.shares = [homes.count(home) / len(homes) for home in range(len(units))]
        self.waiting = [[0.0] * len(PAUSES) for _ in units]
        self.missed = [0] * len(units)
        self.backlog = 0.0 if load.walkers else float("inf")
        self.posted = self.refused = 0.0

    def tick(self, now: float) -> None:
        """Half of the refused writes are claims: their messages return to the queue. Settlements are repeated."""
        posts = min(self.load.posts * self._free_part() * TICK, self.backlog)
        refused = 0.0
        for home, share in enumerate(self.shares):
            refused += self._write(home, 2 * posts * share, now) / 2
        self.backlog += refused - posts
        self.posted += posts - refused
        self.refused += refused

    def _free_part(self) -> float:
        """The part of the senders' statements that are not waiting to be repeated."""
        most = self.load.senders * 2 * GROUP
        return max(0.0, 1 - sum(map(sum, self.waiting)) / most) if most else 0.0

    def _write(self, home: int, new: float, now: float) -> float:
        """Returns the writes that are refused until their time is over."""
        waiting = self.waiting[home]
        due = [amount * TICK / mean for amount, mean in zip(waiting, PAUSES, strict=True)]
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
        for number in range(len(PAUSES)):
            waiting[number] += tried[number] * throttled - due[number]
        waiting[0] += due[-1] * throttled / 2
        return due[-1] * throttled
