"""The recent answer times of the gateway, as one sender measures them."""

from __future__ import annotations

from collections import deque

ANSWERS_REMEMBERED = 50
MARGIN = 1.5


class Pace:
    """Threads share an instance: each operation on a deque is atomic."""

    def __init__(self) -> None:
        self._answers: deque[float] = deque(maxlen=ANSWERS_REMEMBERED)

    def record(self, seconds: float) -> None:
        self._answers.append(seconds)

    @property
    def seconds_needed(self) -> float:
        """The time to allow for a post: the slowest recent answer times MARGIN; 0 before the first answer."""
        return MARGIN * max(tuple(self._answers), default=0.0)
