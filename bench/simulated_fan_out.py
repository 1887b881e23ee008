"""The fan-out of the simulation: the plan and the walk of the service over clients that are numbers."""

from __future__ import annotations

from collections import deque

from chalicelib.delivery.fanout import ENOUGH
from chalicelib.delivery.queueing import PAGE
from chalicelib.domain.audience import Plan
from chalicelib.domain.client import BLOCK_SIZE
from chalicelib.domain.filter import ALL_CLIENTS
from chalicelib.domain.walk import BEGINNING, Cursor, walk


class FanOut:
    """The real plan, walked over consecutive client ids. Walkers take slices in turns, page by page."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._slices: deque[tuple[int, Cursor]] = deque((number, BEGINNING) for number in range(plan.slices))
        self._blocks = [plan.partitions(ALL_CLIENTS, number) for number in range(plan.slices)]
        self._pages = 0.0

    @property
    def slices_left(self) -> int:
        return len(self._slices)

    def walk(self, pages: float) -> int:
        """Walk more pages and return the number of their clients. A part of a page is kept for the next call."""
        self._pages += pages
        found = 0
        while self._slices and self._pages >= 1:
            self._pages -= 1
            number, cursor = self._slices.popleft()
            clients, rest = self._page(number, cursor)
            found += len(clients)
            if rest is not None:
                self._slices.append((number, rest))
        return found

    def _page(self, audience_slice: int, cursor: Cursor) -> tuple[list[int], Cursor | None]:
        first, last = self.plan.id_range(audience_slice)
        blocks = [partition for partition, _, _ in self._blocks[audience_slice]]

        def read(index: int, after: int, limit: int) -> list[int]:
            begin = int(blocks[index].key) * BLOCK_SIZE
            ids = range(max(begin, first, after + 1), min(begin + BLOCK_SIZE, last + 1))
            return list(ids[:limit])

        return walk(read, int, len(blocks), cursor, PAGE, enough=ENOUGH)
