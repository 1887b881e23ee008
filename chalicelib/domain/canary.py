"""The canary: so many clients first, and nobody else until it is known how many of them could not be reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .message import CANCELLED, EXPIRED, QUEUED, Message

if TYPE_CHECKING:
    from .send_window import Hours

MAX_CANARY = 10_000
USUAL_ERROR_RATE = 10


@dataclass(frozen=True)
class Canary:
    """`taken`: so many of the first `size` messages have been let go. `max_error_rate` in percent.

    `is_passed`: their errors were few enough, or a person took them as they were; everybody else may go.
    """

    size: int
    max_error_rate: int = USUAL_ERROR_RATE
    taken: int = 0
    is_passed: bool = False

    @property
    def left(self) -> int:
        return max(0, self.size - self.taken)

    def admits(self, tried: bool) -> bool:
        """`tried`: the message has been let go before, and is one of the first whatever becomes of it."""
        return self.is_passed or tried or self.left > 0

    def forgives(self, errors: int, known: int) -> bool:
        return errors * 100 <= self.max_error_rate * known

    def verdict(self, errors: int, known: int) -> str:
        """Why the mailing pauses, for people."""
        return f"{errors} of the first {known} messages failed: more than {self.max_error_rate} %."


def worth_queueing(canary: Canary | None, waiting: Sequence[Message]) -> Sequence[Message]:
    """While the canary is out: whoever was tried before, and of the others as many as may follow.

    It saves the queue a large audience of which nobody may go; whether one may is asked when it is sent.
    """
    if canary is None or canary.is_passed:
        return waiting
    others = [message for message in waiting if not message.attempts]
    return [message for message in waiting if message.attempts] + others[: canary.left]


def counts_for_canary(message: Message, status: str, there: Hours) -> bool:
    """Of this message it is known, or soon will be, whether it arrived; one that waits for its morning, or was
    closed without an answer, leaves its place to another. `status`: what it is by now."""
    if not message.attempts or status in (EXPIRED, CANCELLED):
        return False
    return status != QUEUED or not there.holds(message.timezone)
