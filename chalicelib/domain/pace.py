"""How long the gateway takes to answer, as far as this sender has seen."""

from __future__ import annotations

from collections import deque

ANSWERS_REMEMBERED = 50
MARGIN = 1.5


class Pace:
    """A deque is safe to be shared by threads: each call on it is one step."""

    def __init__(self) -> None:
        self._answers: deque[float] = deque(maxlen=ANSWERS_REMEMBERED)

    def note(self, seconds: float) -> None:
        self._answers.append(seconds)

    @property
    def seconds_needed(self) -> float:
        """What a post should be given: somewhat more than the slowest of the last ones took; 0 before the first."""
        return MARGIN * max(tuple(self._answers), default=0.0)
