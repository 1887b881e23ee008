"""Delivery receipts: the gateway's reports about messages that it accepted. They come at least once, in any order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ..texts import Text
from .message import DELIVERED, EXPIRED, MAY_BECOME, QUEUED, UNDELIVERED, Message, read_message_id

RECEIPT_STATUSES = (DELIVERED, UNDELIVERED)
PHONE_LIKE = re.compile(r"\+?\d(?:[\s().-]*\d){6,}")
MAX_REASON_LENGTH = 255
MAX_RECEIPTS = 500
"""The limit of one request."""

NO_REASON = Text("message.not_delivered_without_reason")


@dataclass(frozen=True)
class Receipt:
    """`at`: the time by the gateway's clock, or the time of arrival. The message may not exist.

    `gateway`: the name of the one that reports; empty if it is not known.
    """

    message_id: int
    status: str
    at: datetime
    reason: str = ""
    gateway: str = ""

    @property
    def is_of_mailing(self) -> bool:
        """Whether the id can be that of a mailing's message. The id of a test message cannot."""
        return read_message_id(self.message_id) is not None

    @property
    def key(self) -> tuple[int, int]:
        """The ids of the mailing and the client. Raises ValueError if the id is not that of a mailing's message."""
        key = read_message_id(self.message_id)
        if key is None:
            raise ValueError(f"{self.message_id} is no message's id")
        return key


def merge_receipts(receipts: Iterable[Receipt]) -> list[Receipt]:
    """One receipt per message and gateway: a delivered one if there is any, else the first."""
    kept: dict[tuple[int, str], Receipt] = {}
    for receipt in receipts:
        key = receipt.message_id, receipt.gateway
        if key not in kept or receipt.status in MAY_BECOME[kept[key].status]:
            kept[key] = receipt
    return list(kept.values())


def apply_receipt(message: Message, receipt: Receipt) -> Message | None:
    """The message with the receipt's status; None if the receipt changes nothing, or the message was never posted."""
    if not message.attempts or receipt.status not in MAY_BECOME[message.status] or _is_of_refusal(message, receipt):
        return None
    return replace(
        message,
        status=receipt.status,
        sent_at=message.sent_at or message.posted_at or receipt.at,
        reported_at=receipt.at,
        claimed_until=None,
        last_error=None if receipt.status == DELIVERED else _error(receipt.reason),
    )


def _is_of_refusal(message: Message, receipt: Receipt) -> bool:
    """It reports what its gateway has answered to the post: the message waits or expired, or another gateway has it.

    Some providers report messages that they did not take.
    """
    if receipt.status == DELIVERED:
        return False
    has_another = message.gateway not in ("", receipt.gateway) and receipt.gateway != ""
    return has_another or (message.status in (QUEUED, EXPIRED) and message.doubts == 0)


def without_reason(message: Message) -> Message:
    """The message of a receipt that gives no reason."""
    return replace(message, last_error=NO_REASON)


def seconds_to_wait(message: Message, now: datetime) -> int | None:
    """Seconds until the claim expires; None if the message is not claimed.

    A receipt can arrive before the answer to the post: the sender writes its outcome first.
    """
    if message.status != QUEUED or message.claimed_until is None or not message.is_claimed(now):
        return None
    return int(message.claimed_until - now.timestamp()) + 1


def clean_reason(reason: str) -> str:
    """The reason in one line of at most MAX_REASON_LENGTH characters. Possible phone numbers are replaced by `***`."""
    return PHONE_LIKE.sub("***", " ".join(reason.split()))[:MAX_REASON_LENGTH]


def _error(reason: str) -> Text:
    return Text("message.not_delivered", reason=reason) if reason else NO_REASON
