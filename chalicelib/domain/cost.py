"""What a mailing costs on AWS: list prices, multiplied by the measured usage of a message.

tests/adapters/test_cost.py measures the usage and fails if it differs from these numbers by 2 %. docs/PERFORMANCE.md
describes the measurement and what it leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass

from .counts import Counts


@dataclass(frozen=True)
class Price:
    """`dollars` for `per` units: the list price in us-east-1 in the month `as_of`, without the free tier."""

    dollars: float
    per: float
    as_of: str
    source: str


MILLION = 1e6
GIGABYTE = 2.0**30
DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
LAMBDA = "https://aws.amazon.com/lambda/pricing/"

PRICES = {
    "writes": Price(0.625, MILLION, "2024-11", DYNAMODB),
    "reads": Price(0.125, MILLION, "2024-11", DYNAMODB),
    "queue_requests": Price(0.40, MILLION, "2026-03", "https://aws.amazon.com/sqs/pricing/"),
    "invocations": Price(0.20, MILLION, "2026-03", LAMBDA),
    "gigabyte_seconds": Price(0.0000133334, 1, "2026-03", LAMBDA),  # arm64
    "log_bytes": Price(0.50, GIGABYTE, "2026-06", "https://aws.amazon.com/cloudwatch/pricing/"),
    "schedules": Price(1.00, MILLION, "2026-03", "https://aws.amazon.com/eventbridge/pricing/"),
}


@dataclass(frozen=True)
class Units:
    """The billed units. `writes` and `reads` are request units of DynamoDB, `queue_requests` are requests to SQS."""

    writes: float = 0.0
    reads: float = 0.0
    queue_requests: float = 0.0
    invocations: float = 0.0
    gigabyte_seconds: float = 0.0
    log_bytes: float = 0.0
    schedules: float = 0.0

    def __add__(self, other: Units) -> Units:
        return Units(*(getattr(self, name) + getattr(other, name) for name in PRICES))

    def __mul__(self, times: float) -> Units:
        return Units(*(getattr(self, name) * times for name in PRICES))

    @property
    def dollars(self) -> float:
        return sum(self.dollars_by_name.values())

    @property
    def dollars_by_name(self) -> dict[str, float]:
        return {name: getattr(self, name) * price.dollars / price.per for name, price in PRICES.items()}


MAX_DOLLARS_PER_MILLION = 2.25
"""For messages to a gateway that answers in 50 ms, logs included."""

PER_MAILING = Units(
    writes=22.8, reads=7.7, queue_requests=4.9, invocations=3, gigabyte_seconds=0.056, log_bytes=2200, schedules=1
)
"""One mailing: announced, started by its schedule, reconciled, ended. API Gateway and its function are not included."""

CREATED = Units(writes=1.002, reads=0.08, queue_requests=0.101, gigabyte_seconds=0.001229, log_bytes=7.01)
"""One client of the audience: the row, the queue message, and the reconciliation at the end."""

POSTED = Units(writes=2.01, reads=1.0, queue_requests=0.2, invocations=0.01, gigabyte_seconds=0.003287, log_bytes=16.3)
"""In addition, a post to a gateway that answers in 50 ms: received from the queue, claimed, settled."""

POSTED_SLOWLY = Units(
    writes=2.01, reads=1.25, queue_requests=0.2, invocations=0.01, gigabyte_seconds=0.006598, log_bytes=17.3
)
"""Instead of POSTED, if the gateway answers in 500 ms: a batch takes longer and reads its clients every second."""

CLOSED = Units(
    writes=1.14, reads=1.13, queue_requests=0.23, invocations=0.02, gigabyte_seconds=0.003312, log_bytes=19.2
)
"""Instead of POSTED, a cancelled or expired message: closed by reconciliation, received from the queue for nothing."""

ASKED = Units(writes=0.01, reads=1.0, queue_requests=0.2, invocations=0.01, gigabyte_seconds=0.000657, log_bytes=3.46)
"""In addition, under a rate limit, each time that a message is received from the queue and gets no permit."""

ASKS_WITHOUT_PERMIT = 0.5
"""For each post under a rate limit: messages leave the queue a little early, so that each permit is used."""

REPORTED = Units(
    writes=2.041, reads=1.01, queue_requests=0.0306, invocations=0.0102, gigabyte_seconds=0.000915, log_bytes=9.6
)
"""In addition, a delivery receipt, in requests of a hundred. The request to API Gateway is not included."""


def estimate(counts: Counts, attempts: int | None = None, is_limited: bool = False) -> float:
    """Dollars for a mailing that has ended, with a gateway that answers in 50 ms.

    `attempts`: all posts, repeated ones included; None counts one post per message. `is_limited`: by a rate limit.
    """
    posted = counts.sent + counts.failed + counts.unknown if attempts is None else attempts
    closed = counts.expired + counts.cancelled
    reported = counts.delivered + counts.undelivered
    asked = ASKS_WITHOUT_PERMIT * posted if is_limited else 0.0
    messages = ASKED * asked + CREATED * counts.total + POSTED * posted + CLOSED * closed + REPORTED * reported
    return (PER_MAILING + messages).dollars
