"""AWS's documented limits, as a mailing meets them: a table that is written to, and a function that a queue feeds.

They are defaults: those of an account, a table or a function may be raised. AWS's pages were read as others have stored
them, in November 2026; they could not be opened from here.
"""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from dataclasses import dataclass
from functools import cache

DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg"
SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide"
SCHEDULER = "https://docs.aws.amazon.com/scheduler/latest/UserGuide"

PARTITION_WRITES = 1_000
"""Units a second for one partition, and so for one key: {DYNAMODB}/bp-partition-key-design.html"""

COLD_WRITES, COLD_READS = 4_000, 12_000
"""Units a second that a new on-demand table takes: {DYNAMODB}/on-demand-capacity-mode.html"""

SECONDS_TO_DOUBLE = 1_800
"""It takes up to twice the peak of the last half hour: same page."""

TABLE_WRITES = 40_000
"""Units a second, an on-demand table's default quota: {DYNAMODB}/ServiceQuotas.html"""

IN_FLIGHT = 120_000
"""Messages of a standard queue that were received and neither deleted nor come back; those that a delay holds are not
in flight: {SQS}/quotas-messages.html"""

FIRST_BATCHES, MORE_BATCHES_A_MINUTE, MOST_BATCHES = 5, 300, 1_000
"""That Lambda takes from one standard queue at once: {LAMBDA}/services-sqs-scaling.html"""

FUNCTION_RAMP = 100
"""Executions at once that a function gains in a second, 1,000 in ten: {LAMBDA}/lambda-concurrency.html"""

ACCOUNT_EXECUTIONS = 1_000
"""At once, of all functions of an account in a region: {LAMBDA}/gettingstarted-limits.html. New accounts have fewer."""

SCHEDULER_LATENESS = 60
"""Seconds: a schedule fires within its minute: {SCHEDULER}/schedule-types.html. A mailing has one; the quota of
invocations, 500 a second or more by region ({SCHEDULER}/scheduler-quotas.html), is far away."""

LIKELY = 21
"""Mailings whose keys are looked at, to say how evenly keys fall."""


@dataclass
class Table:
    """An on-demand table, with what it takes a second by now. `warm`: what it was set to take; 0: a new one."""

    warm: int = 0
    busy_seconds: int = 0

    def __post_init__(self) -> None:
        self.writes = max(self.warm, COLD_WRITES)

    def takes(self, shards: int) -> float:
        """Units a second, when all of a mailing's shards are written to alike: the fullest partition is done last."""
        return min(self.writes, PARTITION_WRITES * shards / fullest_partition(shards, self.writes // PARTITION_WRITES))

    def note(self, wanted: float, shards: int) -> None:
        """So much was wanted in this second: after half an hour of more than it takes, it takes twice as much."""
        self.busy_seconds = self.busy_seconds + 1 if wanted >= self.takes(shards) else 0
        if self.busy_seconds == SECONDS_TO_DOUBLE:
            self.writes, self.busy_seconds = max(self.writes, min(TABLE_WRITES, 2 * self.writes)), 0


@cache
def fullest_partition(shards: int, partitions: int) -> float:
    """How many of a mailing's shards are on the partition that has most of them.

    DynamoDB spreads keys by a hash of its own: which ones meet nobody knows, but how many any good hash tells. That it
    splits a partition which stays hot is left out: it takes minutes.
    """
    return statistics.median(_fullest(mailing, shards, partitions) for mailing in range(LIKELY))


def _fullest(mailing: int, shards: int, partitions: int) -> int:
    hashes = (hashlib.md5(f"{mailing}#{shard}".encode(), usedforsecurity=False).digest() for shard in range(shards))
    return max(Counter(int.from_bytes(each) * partitions >> 128 for each in hashes).values())


@dataclass(frozen=True)
class Feed:
    """A function that is fed by a queue. `most`: its MaximumConcurrency."""

    most: int = MOST_BATCHES

    def executions(self, seconds: float) -> int:
        """At once, so long after the queue has filled."""
        polled = FIRST_BATCHES + MORE_BATCHES_A_MINUTE / 60 * seconds
        return int(min(self.most, MOST_BATCHES, polled, FIRST_BATCHES + FUNCTION_RAMP * seconds))
