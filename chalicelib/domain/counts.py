"""The counts of messages by status, of a mailing or a part of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace

from .message import ACCEPTED, QUEUED, RESENDABLE, SENT, Message


@dataclass(frozen=True)
class Counts:
    """Messages by status. `queued` is `total` minus all others; `sent` includes `delivered` and `undelivered`.

    `parts`: the SMS parts of the sent messages. `cost`: their cost, as in money.py. Equal counts have as many messages.
    """

    total: int = 0
    sent: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    unknown: int = 0
    delivered: int = 0
    undelivered: int = 0
    parts: int = field(default=0, compare=False)
    cost: int = field(default=0, compare=False)

    @property
    def queued(self) -> int:
        return self.total - self.sent - self.failed - self.expired - self.cancelled - self.unknown

    @property
    def posted(self) -> int:
        """Messages whose post has a final outcome: sent, failed or unknown."""
        return self.sent + self.failed + self.unknown

    @property
    def resendable(self) -> int:
        """Messages with a status that can be resent."""
        by_status = self.by_status()
        return sum(by_status[status] for status in RESENDABLE)

    def by_status(self) -> dict[str, int]:
        """The values sum up to `total`."""
        return {
            "queued": self.queued,
            "sent": self.sent,
            "failed": self.failed,
            "expired": self.expired,
            "cancelled": self.cancelled,
            "unknown": self.unknown,
        }

    def with_receipts(self) -> dict[str, int]:
        """By status, with `delivered` and `undelivered` after `sent`, which includes them."""
        receipts = {"delivered": self.delivered, "undelivered": self.undelivered}
        return {"queued": self.queued, "sent": self.sent, **receipts, **self.by_status()}

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in COUNT_NAMES))

    def __neg__(self) -> Counts:
        return Counts(*(-getattr(self, name) for name in COUNT_NAMES))


NO_COUNTS = Counts()
COUNT_NAMES = tuple(one.name for one in fields(Counts))


def counts_from_statuses(statuses: Mapping[str, int], total: int = 0) -> Counts:
    """Counts from the number of messages of each status. Queued messages are counted by `total` only."""
    numbers = {status: number for status, number in statuses.items() if status != QUEUED}
    return Counts(total=total, **{**numbers, SENT: sum(statuses.get(status, 0) for status in ACCEPTED)})


def counts_of(messages: Iterable[Message]) -> Counts:
    """The counts of these messages, with what the accepted ones cost, without the total."""
    found = list(messages)
    accepted = [message for message in found if message.status in ACCEPTED]
    parts, cost = sum(message.parts for message in accepted), sum(message.cost for message in accepted)
    return replace(counts_from_statuses(Counter(message.status for message in found)), parts=parts, cost=cost)
