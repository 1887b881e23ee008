"""A receipt: what the gateway reports of a message some time after it took it. At least once, and in any order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ..texts import Text
from .message import DELIVERED, MAY_BECOME, QUEUED, UNDELIVERED, Message, read_message_id

REPORTED = (DELIVERED, UNDELIVERED)
NUMBER = re.compile(r"\+?\d(?:[\s().-]*\d){6,}")
LONGEST_REASON = 255
MOST = 500
"""In one request."""

NO_REASON = Text("message.not_delivered_without_reason")


@dataclass(frozen=True)
class Receipt:
    """`at`: when it happened, by the gateway's clock, or when we were told. `message_id` may be nobody's."""

    message_id: int
    status: str
    at: datetime
    reason: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether a message of a mailing can have this id; a test message, for one, cannot."""
        return read_message_id(self.message_id) is not None

    @property
    def key(self) -> tuple[int, int]:
        """The mailing's and the client's ids."""
        key = read_message_id(self.message_id)
        if key is None:
            raise ValueError(f"{self.message_id} is no message's id")
        return key


def merged(receipts: Iterable[Receipt]) -> list[Receipt]:
    """One for each message: delivered if any of them says so, else the first."""
    kept: dict[int, Receipt] = {}
    for receipt in receipts:
        if receipt.message_id not in kept or receipt.status in MAY_BECOME[kept[receipt.message_id].status]:
            kept[receipt.message_id] = receipt
    return list(kept.values())


def reported(message: Message, receipt: Receipt) -> Message | None:
    """The message after its receipt; None where that says nothing new, or speaks of what was never posted."""
    if not message.attempts or receipt.status not in MAY_BECOME[message.status]:
        return None
    return replace(
        message,
        status=receipt.status,
        sent_at=message.sent_at or message.posted_at or receipt.at,
        reported_at=receipt.at,
        claimed_until=None,
        last_error=None if receipt.status == DELIVERED else _error(receipt.reason),
    )


def seconds_to_wait(message: Message, now: datetime) -> int | None:
    """A receipt may be faster than the answer to the post: the sender that has the message in hand writes first."""
    if message.status != QUEUED or message.claimed_until is None or not message.is_claimed(now):
        return None
    return int(message.claimed_until - now.timestamp()) + 1


def readable(reason: str) -> str:
    """A reason as people may see it: in one line, not too long, and without what may be a phone number."""
    return NUMBER.sub("***", " ".join(reason.split()))[:LONGEST_REASON]


def _error(reason: str) -> Text:
    return Text("message.not_delivered", reason=reason) if reason else NO_REASON
