"""A message: the text of one mailing to one client, its statuses, and the transitions between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ..texts import Text
from .client import MAX_CLIENT_ID

QUEUED = "queued"
SENT = "sent"
DELIVERED = "delivered"
UNDELIVERED = "undelivered"
"""`delivered` and `undelivered` come from delivery receipts, after the gateway accepted the message."""

FAILED = "failed"
EXPIRED = "expired"
CANCELLED = "cancelled"
UNKNOWN = "unknown"
"""Too many attempts ended in doubt, or one if the gateway does not deduplicate: a person decides about a resend."""

NO_ANSWER = Text("message.in_doubt")
"""The reason of a message whose last attempt ended in doubt."""

STATUSES = (QUEUED, SENT, FAILED, EXPIRED, CANCELLED, UNKNOWN, DELIVERED, UNDELIVERED)
FINAL = STATUSES[1:]
ACCEPTED = (SENT, DELIVERED, UNDELIVERED)
"""The gateway accepted the message. All of these are counted and listed as sent."""

RECEIVED = (SENT, DELIVERED)
"""The client received the message, as far as is known: the gateway accepted it and reported no failure."""

MAX_ID = 2**63 // (MAX_CLIENT_ID + 1) - 1
"""The highest id of a mailing: with a higher one a message id would not fit into an int64. Segments have the same."""

RESENDABLE = (FAILED, EXPIRED, UNKNOWN)
"""`undelivered` is not resendable: a gateway that deduplicates by id would treat the resend as a repetition."""

MAY_BECOME: dict[str, set[str]] = {
    QUEUED: {SENT, FAILED, EXPIRED, CANCELLED, UNKNOWN, DELIVERED, UNDELIVERED},
    EXPIRED: {QUEUED, DELIVERED, UNDELIVERED},  # the end is moved into the future, or a resend is ordered
    FAILED: {QUEUED, DELIVERED},  # a resend is ordered
    UNKNOWN: {QUEUED, DELIVERED, UNDELIVERED},  # a resend is ordered
    CANCELLED: {DELIVERED, UNDELIVERED},
    SENT: {DELIVERED, UNDELIVERED},
    UNDELIVERED: {DELIVERED},
    DELIVERED: set(),
}
"""A delivery receipt proves that the gateway has the message, whatever its status. It may replace `undelivered` by
`delivered`, but not the reverse."""


@dataclass(frozen=True)
class MessageShard:
    """One of the `shards` partitions that hold a mailing's messages; `number` counts from 0."""

    mailing_id: int
    number: int
    shards: int


@dataclass(frozen=True)
class MessageKey:
    """The key of a message, which is stored in one of the `shards` partitions of its mailing."""

    mailing_id: int
    client_id: int
    shards: int

    @property
    def shard(self) -> MessageShard:
        return MessageShard(self.mailing_id, self.client_id % self.shards, self.shards)


@dataclass(frozen=True)
class Message:
    """`claimed_until`: the end of the claim in epoch seconds; None without a claim. `attempts` counts the claims.

    `attempts_before`: those before the last resend order that was carried out, which is `resends`, and those since that
    have ended without a post.
    `reopened_in`: the number of the reconciliation round that gave the message the status queued again; 0 if none did.
    `reopened_from`: its status before that.
    `doubts`: attempts since that order after which the gateway may have the message. A claim counts as one of them
    until its attempt has a clear outcome, so that attempts of dead senders are counted too. Of the final statuses only
    an expired message has doubts: its end may be moved.
    `posted_at`: when the last attempt began its post.
    `timezone`: the client's time zone, if the mailing has local hours. `reported_at`: the time in the delivery receipt.
    `gateway`: the name of the gateway of the last attempt; empty before it, and in rows of earlier versions.
    `address`: a digest of the URL that the gateway had then; empty if the row has none.
    `parts`: the SMS parts of the text that was posted last. `cost`: their price at that moment, as in money.py. Both
    are 0 before a post, and in rows of earlier versions.
    `consent_at`: of marketing, the moment of the client's consent at the last attempt; None without a consent.
    `shards`: the number of shards in the mailing's plan.
    """

    mailing_id: int
    client_id: int
    status: str
    created_at: datetime
    sent_at: datetime | None = None
    attempts: int = 0
    last_error: Text | None = None
    claimed_until: float | None = None
    posted_at: datetime | None = None
    resends: int = 0
    attempts_before: int = 0
    reopened_in: int = 0
    reopened_from: str | None = None
    doubts: int = 0
    timezone: str | None = None
    reported_at: datetime | None = None
    gateway: str = ""
    address: str = ""
    parts: int = 0
    cost: int = 0
    consent_at: datetime | None = None
    shards: int = 1

    @property
    def key(self) -> MessageKey:
        return MessageKey(self.mailing_id, self.client_id, self.shards)

    @property
    def id(self) -> int:
        return message_id(self.mailing_id, self.client_id)

    @property
    def recent_attempts(self) -> int:
        """The attempts since the fan-out or the last resend order, without those that have ended without a post."""
        return self.attempts - self.attempts_before

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def is_claimed(self, now: datetime) -> bool:
        """An attempt is under way, and its claim has not expired."""
        return self.claimed_until is not None and self.claimed_until > now.timestamp()

    def is_in_doubt(self, now: datetime) -> bool:
        """The claim of an attempt expired without an outcome: the gateway may have the message."""
        return self.status == QUEUED and self.claimed_until is not None and not self.is_claimed(now)


@dataclass(frozen=True)
class Claim:
    """A message to be claimed for one attempt at this gateway, until this moment.

    If another gateway may have the message, the attempt is one at that gateway.
    `is_marketing`: the row gets the moment of the client's consent, `consent_at`.
    """

    key: MessageKey
    until: datetime
    gateway: str
    is_marketing: bool = False
    consent_at: datetime | None = None


@dataclass(frozen=True)
class Settlement:
    """The end of an attempt. `message`: as claimed, with its `posted_at`.

    `status`: the final status; None if the message can be claimed again. Without a status, no `error` means that
    nothing was posted, and `in_doubt` that the gateway may have the message.
    """

    message: Message
    status: str | None = None
    error: Text | None = None
    in_doubt: bool = False

    @property
    def key(self) -> MessageKey:
        return self.message.key


def settled(row: Message, settlement: Settlement, now: datetime) -> Message:
    """The message as a settlement makes it. `row`: as found, queued."""
    message, status, error = settlement.message, settlement.status, settlement.error
    doubts = doubts_after(settlement)
    if status is None and error is None:
        return replace(row, claimed_until=None, doubts=doubts, attempts_before=message.attempts_before + 1)
    priced = message if message.parts else row
    return replace(
        row,
        status=row.status if status is None else status,
        sent_at=now if status == SENT else row.sent_at,
        last_error=error,
        claimed_until=None,
        posted_at=message.posted_at or row.posted_at,
        doubts=doubts,
        parts=priced.parts,
        cost=priced.cost,
    )


def doubts_after(settlement: Settlement) -> int:
    """The attempts after which the gateway may have the message, with this one only if it ends in doubt."""
    if settlement.status is not None:
        return 0
    doubts = settlement.message.doubts
    return doubts if settlement.in_doubt else max(0, doubts - 1)


def is_settled_by(row: Message, settlement: Settlement, now: datetime) -> bool:
    """The row, which is no longer queued, is as this settlement at this moment made it: an earlier try took effect."""
    is_of_attempt = settlement.status == SENT or row.attempts == settlement.message.attempts
    return is_of_attempt and row.status == settlement.status and row == settled(row, settlement, now)


def require_transition(before: str, after: str) -> None:
    if after not in MAY_BECOME[before]:
        raise ValueError(f"a {before} message cannot become {after}")


def message_id(mailing_id: int, client_id: int) -> int:
    """The id for the gateway, the same on every attempt: an int64, 120000000345 for mailing 12 and client 345."""
    if not 0 < client_id <= MAX_CLIENT_ID:
        raise ValueError(f"client id {client_id} is outside 1 to {MAX_CLIENT_ID}")
    return mailing_id * (MAX_CLIENT_ID + 1) + client_id


def read_message_id(number: int) -> tuple[int, int] | None:
    """The ids of the mailing and the client; None if no mailing has such a message (the id of a test message)."""
    mailing_id, client_id = divmod(number, MAX_CLIENT_ID + 1)
    return (mailing_id, client_id) if 0 < number < 2**63 and mailing_id and client_id else None


def statuses_listed_as(status: str) -> tuple[str, ...]:
    """The statuses in a list of this status, so that the list has as many messages as the count."""
    return ACCEPTED if status == SENT else (status,)
