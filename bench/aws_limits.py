"""AWS's documented limits for a mailing: a table that takes writes, and a function that a queue invokes.

They are defaults, which AWS can raise for an account, a table or a function. They were read in stored copies of AWS's
pages, in November 2026, because the pages themselves could not be opened.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from functools import cache

from infra.local.doubles.partition import COLD_WRITES, PARTITION_WRITES, partition_of

DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg"
SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide"

SECONDS_TO_DOUBLE = 1_800
"""An on-demand table takes up to twice its peak of the last half hour: same page."""

TABLE_WRITES = 40_000
"""Units a second, an on-demand table's default quota: {DYNAMODB}/ServiceQuotas.html"""

IN_FLIGHT = 120_000
"""Messages of a standard queue that were received and neither deleted nor returned. Delayed messages are not in flight:
{SQS}/quotas-messages.html"""

FIRST_BATCHES, MORE_BATCHES_A_MINUTE, MOST_BATCHES = 5, 300, 1_000
"""Batches of one standard queue that Lambda processes at once: {LAMBDA}/services-sqs-scaling.html"""

FUNCTION_RAMP = 100
"""Concurrent executions that a function gains in a second, 1,000 in ten seconds: {LAMBDA}/lambda-concurrency.html"""

ACCOUNT_EXECUTIONS = 1_000
"""Concurrent executions of all functions of an account in a region: {LAMBDA}/gettingstarted-limits.html.
New accounts have fewer."""

SAMPLE = 21
"""Mailings whose keys are hashed to estimate how evenly keys spread over partitions."""


@dataclass
class Table:
    """An on-demand table and the units a second that it takes now. `warm` is its warm throughput; 0 is a new table."""

    warm: int = 0
    busy_seconds: int = 0

    def __post_init__(self) -> None:
        self.writes = max(self.warm, COLD_WRITES)

    def takes(self, shards: int) -> float:
        """Units a second if all shards of a mailing get equal writes. The fullest partition limits them."""
        return min(self.writes, PARTITION_WRITES * shards / fullest_partition(shards, self.writes // PARTITION_WRITES))

    def note(self, wanted: float, shards: int) -> None:
        """Record the wanted units of this second. The table doubles after half an hour above its limit."""
        self.busy_seconds = self.busy_seconds + 1 if wanted >= self.takes(shards) else 0
        if self.busy_seconds == SECONDS_TO_DOUBLE:
            self.writes, self.busy_seconds = max(self.writes, min(TABLE_WRITES, 2 * self.writes)), 0


@cache
def fullest_partition(shards: int, partitions: int) -> float:
    """The number of a mailing's shards on the partition with most of them.

    DynamoDB's hash is not public, but any good hash spreads keys alike. DynamoDB also splits hot partitions; that takes
    minutes and is left out.
    """
    return statistics.median(_fullest(mailing, shards, partitions) for mailing in range(SAMPLE))


def _fullest(mailing: int, shards: int, partitions: int) -> int:
    return max(Counter(_homes(mailing, shards, partitions)).values())


@cache
def homes_of_shards(shards: int, partitions: int) -> list[int]:
    """The partition of each shard, of a mailing whose shards spread as evenly as those of the median mailing."""
    usual = fullest_partition(shards, partitions)
    typical = min(range(SAMPLE), key=lambda mailing: abs(_fullest(mailing, shards, partitions) - usual))
    return _homes(typical, shards, partitions)


def _homes(mailing: int, shards: int, partitions: int) -> list[int]:
    return [partition_of(f"{mailing}#{shard}", partitions) for shard in range(shards)]


@dataclass(frozen=True)
class Feed:
    """A function that a queue invokes. `most` is its MaximumConcurrency."""

    most: int = MOST_BATCHES

    def executions(self, seconds: float) -> int:
        """Concurrent executions `seconds` after messages arrived in the queue."""
        polled = FIRST_BATCHES + MORE_BATCHES_A_MINUTE / 60 * seconds
        return int(min(self.most, MOST_BATCHES, polled, FIRST_BATCHES + FUNCTION_RAMP * seconds))
