"""Count the clients that a filter chooses now, in total and by time zone and operator code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.audience import SLICE_SIZE, Filter, plan_audience
from ..domain.client import CLIENT_ID
from ..domain.spread import spread

if TYPE_CHECKING:
    from ..adapters.services import Services

COUNT_TIME_LIMIT = timedelta(seconds=5)
"""A count that takes longer stops, and its result is a lower bound. A person waits for the answer."""

GROUPS_TIME_LIMIT = timedelta(seconds=3)
"""Reading the clients takes at most this time. The clients read from a larger audience are a sample."""

READ_LIMIT = 1000
"""Clients that one read of a partition returns, if there are more than those of one slice."""

COUNTED_IDS = 500_000
"""Client ids of one count: of one label in one shard of an index, a second."""

Group = tuple[str, str]
"""A time zone and an operator code."""


@dataclass(frozen=True)
class Audience:
    """The number of `clients` that are not opted out, and its groups, which add up to it.

    `is_whole`: the number is exact; otherwise it is a lower bound. `is_sampled`: the groups are an estimate from a
    sample across the audience.
    """

    clients: int
    is_whole: bool
    is_sampled: bool
    groups: Counter[Group]

    @property
    def by_timezone(self) -> dict[str, int]:
        return self._by(0)

    @property
    def by_operator_code(self) -> dict[str, int]:
        return self._by(1)

    def _by(self, position: int) -> dict[str, int]:
        """Numbers by one part of the groups, the largest first."""
        found = Counter[str]()
        for group, number in self.groups.items():
            found[group[position]] += number
        return dict(found.most_common())


def count_audience(services: Services, chosen: Filter) -> tuple[int, bool]:
    """The number of chosen clients that are not opted out, and whether it is exact. DynamoDB returns counts only."""
    started = services.clock.now()
    plan = plan_audience(chosen, services.counters.last_id(CLIENT_ID))
    number = 0
    for partition, first, last in plan.reads(chosen):
        for begin in range(first, last + 1, COUNTED_IDS):
            if services.clock.now() - started > COUNT_TIME_LIMIT:
                return number, False
            number += services.clients.count(partition, chosen, begin, min(last, begin + COUNTED_IDS - 1))
    return number, True


def group_audience(services: Services, chosen: Filter) -> Audience:
    """Read all clients of a small audience, or a sample across a large one. Leaves out opted-out clients."""
    started = services.clock.now()
    plan = plan_audience(chosen, services.counters.last_id(CLIENT_ID))
    groups, is_exact = Counter[Group](), True
    for partition, first, last in plan.reads(chosen, order=spread):  # in this order any part of the walk is a sample
        if services.clock.now() - started > GROUPS_TIME_LIMIT:
            is_exact = False
            break
        most = READ_LIMIT if plan.last_client_id > SLICE_SIZE else last + 1
        clients = services.clients.read(partition, first - 1, last, most)
        groups.update(
            (client.timezone, client.operator_code)
            for client in clients
            if chosen.chooses(client) and client.opted_out_at is None
        )
        is_exact = is_exact and len(clients) < most
    if is_exact:
        return Audience(groups.total(), True, False, groups)
    total, is_whole = count_audience(services, chosen)
    return Audience(total, is_whole, True, _scaled(groups, total))


def _scaled(groups: Counter[Group], total: int) -> Counter[Group]:
    """The groups in whole numbers with this total. The remainder goes to the groups with the largest fractions."""
    sample = groups.total()
    if not sample:
        return Counter()
    exact = {group: number * total / sample for group, number in groups.items()}
    scaled = Counter({group: int(number) for group, number in exact.items()})
    by_loss = sorted(exact, key=lambda group: scaled[group] - exact[group])
    scaled.update(by_loss[: total - scaled.total()])
    return scaled
