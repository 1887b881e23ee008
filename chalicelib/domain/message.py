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

STATUSES = (QUEUED, SENT, FAILED, EXPIRED, CANCELLED)
FINAL = (SENT, FAILED, EXPIRED, CANCELLED)

MAY_BECOME = {
    QUEUED: {SENT, FAILED, EXPIRED, CANCELLED},
    EXPIRED: {QUEUED},  # the end was moved into the future: never reached, so tried again
    SENT: set(),
    FAILED: set(),
    CANCELLED: set(),
}


@dataclass(frozen=True)
class Message:
    """`claimed_until` is set while an attempt is under way (epoch seconds), `attempts` counts the claims."""

    mailing_id: int
    client_id: int
    status: str
    created_at: datetime
    sent_at: datetime | None = None
    attempts: int = 0
    last_error: str | None = None
    claimed_until: float | None = None

    @property
    def id(self) -> int:
        return message_id(self.mailing_id, self.client_id)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def is_claimed(self, now: datetime) -> bool:
        """An attempt is under way, and not yet given up for dead."""
        return self.claimed_until is not None and self.claimed_until > now.timestamp()


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
