"""The send queue of the simulation: messages are counted, not kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import accumulate, pairwise


class SendQueue:
    """Messages by the number of posts. Delayed messages are outside the queue; returned ones stay in flight."""

    def __init__(self) -> None:
        self.visible: Counter[int] = Counter()
        self.in_flight = 0
        self._delayed: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self._given_back: defaultdict[int, Counter[int]] = defaultdict(Counter)

    def add(self, now: int, delays: Iterable[int]) -> None:
        for delay, number in Counter(delays).items():
            self._delayed[now + delay][0] += number

    def give_back(self, now: int, receives: int, delays: Iterable[int]) -> None:
        for delay, number in Counter(delays).items():
            self._given_back[now + max(1, delay)][receives] += number
            self.in_flight += number

    def release_due(self, now: int) -> None:
        """Make the messages visible with a delay until `now`."""
        back = self._given_back.pop(now, Counter())
        self.in_flight -= back.total()
        self.visible += back + self._delayed.pop(now, Counter())

    def receive(self, most: int) -> Counter[int]:
        """Messages without order, as in SQS: of each number of receives its proportional part."""
        waiting = self.visible.total()
        if waiting <= most:
            taken, self.visible = self.visible, Counter()
        else:
            ends = [end * most // waiting for end in accumulate(self.visible.values(), initial=0)]
            taken = Counter(
                {
                    receives: after - before
                    for receives, (before, after) in zip(self.visible, pairwise(ends), strict=True)
                }
            )
            self.visible -= taken
        return Counter({receives + 1: number for receives, number in taken.items()})
