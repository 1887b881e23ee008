"""The canary: the first clients of a mailing. The other clients wait until the error rate of the canary is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..texts import Text
from .message import CANCELLED, EXPIRED, QUEUED, Message

if TYPE_CHECKING:
    from .send_window import Hours

MAX_CANARY_SIZE = 10_000
DEFAULT_ERROR_RATE = 10

REPLACEMENTS = 3
"""Messages that are queued for each cancelled one. Most of them may be cancelled too; those without a place wait."""


@dataclass(frozen=True)
class Canary:
    """`admitted`: how many of the first `size` messages were admitted. `max_error_rate` is in percent.

    `is_passed`: the error rate was within the limit, or a person resumed the mailing. The other messages are admitted.
    """

    size: int
    max_error_rate: int = DEFAULT_ERROR_RATE
    admitted: int = 0
    is_passed: bool = False

    @property
    def remaining(self) -> int:
        return max(0, self.size - self.admitted)

    def admits(self, was_attempted: bool) -> bool:
        """`was_attempted`: the message was admitted before, and keeps its place in the canary."""
        return self.is_passed or was_attempted or self.remaining > 0

    def is_within_limit(self, errors: int, posted: int) -> bool:
        return errors * 100 <= self.max_error_rate * posted

    def pause_reason(self, errors: int, posted: int) -> Text:
        """Explains to people why the mailing pauses."""
        return Text("mailing.too_many_errors", errors=errors, known=posted, most=self.max_error_rate)


def select_for_queue(canary: Canary | None, waiting: Sequence[Message], cancelled: int = 0) -> Sequence[Message]:
    """The messages to queue: all of them, or until the canary passes the attempted ones and as many as it still admits.

    `cancelled`: how many the mailing has. REPLACEMENTS for each are queued too: if most clients have no consent, and
    each round replaced only what was cancelled in the last one, the canary would not end for hours.

    This keeps a large audience out of the queue while none of it may be posted. The sender checks the canary again
    before each post.
    """
    if canary is None or canary.is_passed:
        return waiting
    others = [message for message in waiting if not message.attempts]
    places = canary.remaining
    return [message for message in waiting if message.attempts] + others[
        : places + REPLACEMENTS * cancelled if places else 0
    ]


def is_in_canary(message: Message, status: str, hours: Hours) -> bool:
    """Whether the outcome of this message is known, or will be known soon. `status`: its current status.

    A message that waits for its local hours, or that was closed without an answer, frees its place for another one.
    """
    if not message.attempts or status in (EXPIRED, CANCELLED):
        return False
    return status != QUEUED or not hours.needs_release(message.timezone)
