"""Changes of a message without an attempt: a final status, queued again, the time zone of its local hours, no error.

Each is decided from the row as it was read, and written only if it is still so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ..texts import Text
from .message import EXPIRED, QUEUED, Message, MessageKey, require_transition


@dataclass(frozen=True)
class MessageChange:
    """`before`: the message as read, `after`: as it is to be written."""

    before: Message
    after: Message

    @property
    def key(self) -> MessageKey:
        return self.before.key

    @property
    def reversal(self) -> MessageChange:
        """The opposite change, for a row that nobody has changed since."""
        return MessageChange(self.after, self.before)

    def is_of(self, found: Message) -> bool:
        """The row is still as it was read: no attempt, other change or resend order has come between.

        Whether a final message was ever claimed does not matter.
        """
        if _version(found) != _version(self.before):
            return False
        return self.before.is_final or found.claimed_until == self.before.claimed_until


def closing(message: Message, status: str, error: Text | None = None) -> MessageChange:
    """The message, which has no attempt in progress, gets a final status.

    An expired message keeps its doubts, and the error of its last attempt, if there is one.
    """
    require_transition(message.status, status)
    kept = message.last_error if status == EXPIRED or not error else None
    doubts = message.doubts if status == EXPIRED else 0
    after = replace(message, status=status, claimed_until=None, doubts=doubts, last_error=kept or error)
    return MessageChange(message, after)


def reopening(message: Message, resends: int, reopened_in: int) -> MessageChange:
    """The message, which has a final status, is queued again.

    `resends`: the number of the order that this carries out. `reopened_in`: the number of the round. A message without
    an attempt loses the reason of its expiry.
    """
    require_transition(message.status, QUEUED)
    error = message.last_error if message.attempts else None
    after = replace(message, status=QUEUED, claimed_until=None, attempts_before=message.attempts, last_error=error)
    after = replace(after, resends=resends, reopened_in=reopened_in, reopened_from=message.status)
    return MessageChange(message, after)


def restoring(message: Message, reopened_in: int) -> MessageChange | None:
    """A queued message gets the final status back that it had before this round reopened it.

    None if this round has not reopened it, or if an attempt has begun since.
    """
    if message.status != QUEUED or message.reopened_in != reopened_in or message.recent_attempts:
        return None
    if message.reopened_from is None:  # an earlier version has reopened it
        return None
    return MessageChange(message, replace(message, status=message.reopened_from, claimed_until=None))


def awaiting_hours(message: Message, timezone: str) -> MessageChange | None:
    """A queued message waits for the local hours of this time zone. None if its row says so already."""
    return MessageChange(message, replace(message, timezone=timezone)) if message.timezone != timezone else None


def forgetting(message: Message, now: datetime) -> MessageChange | None:
    """The message loses its error. None if it has none, or has an attempt in progress, which will write its own."""
    if message.last_error is None or message.is_claimed(now):
        return None
    return MessageChange(message, replace(message, last_error=None))


def _version(message: Message) -> tuple[object, ...]:
    return message.status, message.attempts, message.resends
