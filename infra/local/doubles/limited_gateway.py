"""A gateway that takes so many posts in each second of its clock, and answers 429 to all others."""

from __future__ import annotations

from collections import Counter

from chalicelib.gateways.answer import Answer

from .fake_gateway import FakeGateway


class LimitedGateway:
    """Answers in place of `gateway`. `limit` can be changed.

    `by_second`: the posts that it took, `refused`: the others, both by the second of the clock.
    """

    def __init__(self, gateway: FakeGateway, limit: int, retry_after: str | None = None) -> None:
        self.limit = limit
        self.refused: Counter[int] = Counter()
        self.by_second: Counter[int] = Counter()
        self._start = int(gateway.clock.now().timestamp())
        self._gateway = gateway
        self._too_many = Answer(429, "", retry_after)
        gateway.next_answer = self._answer  # type: ignore[method-assign]

    def between(self, first: int, last: int) -> tuple[int, int]:
        """Posts that it took and refused from one second since its beginning to before another one."""
        seconds = range(self._start + first, self._start + last)
        return sum(self.by_second[second] for second in seconds), sum(self.refused[second] for second in seconds)

    def _answer(self, _message_id: int) -> Answer:
        second = int(self._gateway.clock.now().timestamp())
        if self.by_second[second] >= self.limit:
            self.refused[second] += 1
            return self._too_many
        self.by_second[second] += 1
        return self._gateway.OK
