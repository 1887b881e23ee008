"""A message: one text to one client of one mailing, and what may become of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .client import MAX_CLIENT_ID

QUEUED = "queued"
SENT = "sent"
DELIVERED = "delivered"
UNDELIVERED = "undelivered"
"""The last two by the gateway's receipts, which come after it took the message."""

FAILED = "failed"
EXPIRED = "expired"
CANCELLED = "cancelled"
UNKNOWN = "unknown"
"""An attempt ended without a word, and the gateway would not notice a repetition: a person decides."""

STATUSES = (QUEUED, SENT, FAILED, EXPIRED, CANCELLED, UNKNOWN, DELIVERED, UNDELIVERED)
FINAL = STATUSES[1:]
TAKEN = (SENT, DELIVERED, UNDELIVERED)
"""The gateway has it: all of these are counted, and listed, as sent."""

RESENDABLE = (FAILED, EXPIRED, UNKNOWN)
"""Not the undelivered: a gateway that takes an id only once would take theirs for a repetition."""

MAY_BECOME: dict[str, set[str]] = {
    QUEUED: {SENT, FAILED, EXPIRED, CANCELLED, UNKNOWN, DELIVERED, UNDELIVERED},
    EXPIRED: {QUEUED, DELIVERED, UNDELIVERED},  # the end was moved into the future, or a person says so
    FAILED: {QUEUED, DELIVERED},  # a person says so
    UNKNOWN: {QUEUED, DELIVERED, UNDELIVERED},  # a person says so
    CANCELLED: {DELIVERED, UNDELIVERED},
    SENT: {DELIVERED, UNDELIVERED},
    UNDELIVERED: {DELIVERED},
    DELIVERED: set(),
}
"""A receipt proves that the gateway has the message, whatever we made of its silence; delivered beats undelivered."""


@dataclass(frozen=True)
class MessageShard:
    """One of the `shards` partitions that hold a mailing's messages; `number` counts from 0."""

    mailing_id: int
    number: int
    shards: int


@dataclass(frozen=True)
class MessageKey:
    """Where a message is stored: in one of its mailing's `shards` partitions."""

    mailing_id: int
    client_id: int
    shards: int

    @property
    def shard(self) -> MessageShard:
        return MessageShard(self.mailing_id, self.client_id % self.shards, self.shards)


@dataclass(frozen=True)
class Message:
    """`claimed_until` is set while an attempt is under way (epoch seconds), `attempts` counts the claims.

    `posted_at`: when the last attempt began its post. `resends`: the last order to send again that was met.
    `timezone`: whose clock it waits for, where the mailing has local hours.
    `reported_at`: when it was delivered, or given up, by the gateway's receipt. `shards`: of its mailing's plan.
    """

    mailing_id: int
    client_id: int
    status: str
    created_at: datetime
    sent_at: datetime | None = None
    attempts: int = 0
    last_error: str | None = None
    claimed_until: float | None = None
    posted_at: datetime | None = None
    resends: int = 0
    timezone: str | None = None
    reported_at: datetime | None = None
    shards: int = 1

    @property
    def key(self) -> MessageKey:
        return MessageKey(self.mailing_id, self.client_id, self.shards)

    @property
    def id(self) -> int:
        return message_id(self.mailing_id, self.client_id)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def is_claimed(self, now: datetime) -> bool:
        """An attempt is under way, and not yet given up for dead."""
        return self.claimed_until is not None and self.claimed_until > now.timestamp()

    def is_in_doubt(self, now: datetime) -> bool:
        """An attempt ended without a word: nobody knows whether the gateway has it."""
        return self.status == QUEUED and self.claimed_until is not None and not self.is_claimed(now)


def require_transition(before: str, after: str) -> None:
    if after not in MAY_BECOME[before]:
        raise ValueError(f"a {before} message cannot become {after}")


def message_id(mailing_id: int, client_id: int) -> int:
    """The id the gateway sees, the same on every attempt: 12 and 345 give 120000000345, an int64."""
    if not 0 < client_id <= MAX_CLIENT_ID:
        raise ValueError(f"client id {client_id} is outside 1 to {MAX_CLIENT_ID}")
    return mailing_id * (MAX_CLIENT_ID + 1) + client_id


def read_message_id(number: int) -> tuple[int, int] | None:
    """The mailing's and the client's ids; None where no message of a mailing can have this one (a trial has such)."""
    mailing_id, client_id = divmod(number, MAX_CLIENT_ID + 1)
    return (mailing_id, client_id) if 0 < number < 2**63 and mailing_id and client_id else None


def listed_as(status: str) -> tuple[str, ...]:
    """The statuses that a list of this one shows: as many messages as are counted."""
    return TAKEN if status == SENT else (status,)
