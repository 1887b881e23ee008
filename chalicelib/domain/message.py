"""A message: one text to one client of one mailing, and what may become of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .client import MAX_CLIENT_ID

QUEUED = "queued"
SENT = "sent"
FAILED = "failed"
EXPIRED = "expired"
CANCELLED = "cancelled"
UNKNOWN = "unknown"
"""An attempt ended without a word, and the gateway would not notice a repetition: a person decides."""

STATUSES = (QUEUED, SENT, FAILED, EXPIRED, CANCELLED, UNKNOWN)
FINAL = (SENT, FAILED, EXPIRED, CANCELLED, UNKNOWN)
RESENDABLE = (FAILED, EXPIRED, UNKNOWN)

MAY_BECOME: dict[str, set[str]] = {
    QUEUED: {SENT, FAILED, EXPIRED, CANCELLED, UNKNOWN},
    EXPIRED: {QUEUED},  # the end was moved into the future, or a person says so
    FAILED: {QUEUED},  # a person says so
    UNKNOWN: {QUEUED},  # a person says so
    SENT: set(),
    CANCELLED: set(),
}


@dataclass(frozen=True)
class Message:
    """`claimed_until` is set while an attempt is under way (epoch seconds), `attempts` counts the claims.

    `posted_at`: when the last attempt began its post. `resends`: the last order to send again that was met.
    `timezone`: whose clock it waits for, where the mailing has local hours.
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


def shard_of(client_id: int, shards: int) -> int:
    """The part of the mailing's messages that a client's message is stored in."""
    return client_id % shards


def queue_body(mailing_id: int, client_id: int) -> dict[str, object]:
    """What the send queue carries: no text and no phone number, those are read when it is sent."""
    return {"mailing": mailing_id, "client": client_id}
