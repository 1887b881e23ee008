"""The state that all containers share: the knobs, the weather, the transactions that hold items, and what was used."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from infra.local.doubles.fakes import FakeServices

from .knobs import Knobs
from .partitions import Partitions
from .row_history import RowHistory

T = TypeVar("T")

Chain = Counter[str]
"""How often each function was invoked in one chain of events."""


@dataclass
class Usage:
    """What the service used. `faults`: what the layer did to it. `errors`: of invocations that failed by one."""

    calls: Counter[str] = field(default_factory=Counter)
    rows_read: int = 0
    invocations: Counter[str] = field(default_factory=Counter)
    largest_turn: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


class HostileAws:
    """`weather` is the seed of the faults; 0 is none. In the same weather the n-th invocation meets the same faults.

    So a sequence of events keeps its faults when another event is left out, and a failing sequence can be shortened.
    """

    def __init__(self, services: FakeServices, knobs: Knobs) -> None:
        self.services = services
        self.knobs = knobs
        self.clock = services.clock
        self.usage = Usage()
        self.partitions = Partitions(services.clock, knobs)
        self.weather = 0
        self.chain: Chain = Counter()
        self.overlap: Callable[[], None] = lambda: None
        self._invocations = 0
        self._random = Random(0)
        self._held: dict[str, datetime] = {}
        self._keep_histories()

    def begin_weather(self, weather: int) -> None:
        self.weather = weather
        self._invocations = 0
        self._random = Random(weather)

    def begin_invocation(self) -> None:
        self._invocations += 1
        self._random = Random(self.weather * 1_000_003 + self._invocations)

    @property
    def is_calm(self) -> bool:
        return self.weather == 0

    def happens(self, chance: float, fault: str) -> bool:
        """Whether a fault happens now. It is counted."""
        if self.is_calm or chance <= 0 or self._random.random() >= chance:
            return False
        self.usage.faults[fault] += 1
        return True

    def up_to(self, most: float) -> float:
        """A random number of seconds."""
        return 0.0 if self.is_calm else self._random.random() * most

    def one_of(self, items: Sequence[T]) -> T:
        return self._random.choice(items)

    def shuffled(self, items: list[Any]) -> list[Any]:
        return self._random.sample(items, len(items))

    def is_held(self, item: str) -> bool:
        """Whether a transaction holds the item. A retry within its time meets the same transaction."""
        now = self.clock.now()
        if self._held.get(item, now) > now:
            return True
        if not self.happens(self.knobs.held, "held"):
            return False
        self._held[item] = now + timedelta(seconds=self.up_to(self.knobs.held_for))
        return True

    def expire_rows(self) -> None:
        """The time to live deletes rows of messages."""
        if not self.knobs.deletes_expired:
            return
        messages, now = self.services.messages, self.clock.now()
        for key in [key for key, kept_until in messages.kept_until.items() if kept_until <= now]:
            messages.rows.pop(key, None)
            del messages.kept_until[key]
            self.usage.faults["expired"] += 1

    def _keep_histories(self) -> None:
        for part in (self.services.mailings, self.services.series, self.services.clients):
            part.rows = RowHistory(self.clock, part.rows)


def longest(chains: list[Chain]) -> Chain:
    """The chain of a batch: of each function the longest, because AWS does not say which message's chain counts."""
    joined: dict[str, int] = defaultdict(int)
    for chain in chains:
        for function, times in chain.items():
            joined[function] = max(joined[function], times)
    return Counter(joined)
