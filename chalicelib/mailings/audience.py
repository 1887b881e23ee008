"""How many clients a filter chooses as of now, and where and by which operator they live."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.audience import Filter, plan_audience
from ..domain.client import CLIENT_ID
from ..domain.spread import spread

if TYPE_CHECKING:
    from ..adapters.services import Services

PATIENCE = timedelta(seconds=5)
"""A person waits for the number; an audience that takes longer to count is given as `at least`."""

PATIENCE_FOR_GROUPS = timedelta(seconds=3)
"""Clients are looked at one by one for so long; of a larger audience this is a sample."""

LOOK = 1000
"""Clients of one partition that a sample looks at together."""

Group = tuple[str, str]
"""A time zone and an operator code."""


@dataclass(frozen=True)
class Audience:
    """`clients` are all unless `is_whole` is false: then there are at least so many.

    The groups add up to them; where they are `is_sampled`, they are as in a sample from everywhere in the audience.
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

    def _by(self, place: int) -> dict[str, int]:
        """The largest first."""
        found = Counter[str]()
        for group, number in self.groups.items():
            found[group[place]] += number
        return dict(found.most_common())


def count_audience(services: Services, chosen: Filter) -> tuple[int, bool]:
    """How many clients are chosen, by the same plan as a mailing's; nothing but numbers is read."""
    started = services.clock.now()
    plan = plan_audience(chosen, services.counters.last_id(CLIENT_ID))
    number = 0
    for partition, first, last in plan.reads(chosen):
        if services.clock.now() - started > PATIENCE:
            return number, False
        number += services.clients.count(partition, chosen, first, last)
    return number, True


def group_audience(services: Services, chosen: Filter) -> Audience:
    """All of a small audience are looked at, and of a large one some from everywhere."""
    started = services.clock.now()
    plan = plan_audience(chosen, services.counters.last_id(CLIENT_ID))
    groups, is_exact = Counter[Group](), True
    for partition, first, last in plan.reads(chosen, order=spread):  # neighbours are far apart: any part is a sample
        if services.clock.now() - started > PATIENCE_FOR_GROUPS:
            is_exact = False
            break
        most = LOOK if plan.slices > 1 else last + 1
        clients = services.clients.read(partition, first - 1, last, most)
        groups.update(
            (client.timezone, client.operator_code)
            for client in clients
            if chosen.chooses(client) and client.opted_out_at is None
        )
        is_exact = is_exact and len(clients) < most
    if is_exact:
        return Audience(groups.total(), True, False, groups)
    clients_in_all, is_whole = count_audience(services, chosen)
    return Audience(clients_in_all, is_whole, True, _scaled(groups, clients_in_all))


def _scaled(groups: Counter[Group], total: int) -> Counter[Group]:
    """The same shares of another total, in whole numbers: who is rounded off most gets what is left over."""
    sample = groups.total()
    if not sample:
        return Counter()
    exact = {group: number * total / sample for group, number in groups.items()}
    scaled = Counter({group: int(number) for group, number in exact.items()})
    by_loss = sorted(exact, key=lambda group: scaled[group] - exact[group])
    scaled.update(by_loss[: total - scaled.total()])
    return scaled
