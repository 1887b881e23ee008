"""Before a mailing is announced: whom it would reach, and what it would cost in parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from .clients import CLIENT_ID
from .domain.audience import Filter, plan_audience
from .domain.sms import Length, measure

if TYPE_CHECKING:
    from .adapters.outside import Outside

PATIENCE = timedelta(seconds=5)
"""A person waits for the number; an audience that takes longer to count is given as `at least`."""


@dataclass(frozen=True)
class Preview:
    """`clients` are chosen as of now, `is_whole` unless counting them all took too long; None: no text yet."""

    clients: int
    is_whole: bool
    length: Length | None

    @property
    def parts(self) -> int:
        """Of all messages together: what the gateway's owner charges for."""
        return self.clients * self.length.parts if self.length else 0


def preview_mailing(outside: Outside, chosen: Filter, message_text: str) -> Preview:
    clients, is_whole = count_audience(outside, chosen)
    return Preview(clients, is_whole, measure(message_text) if message_text else None)


def count_audience(outside: Outside, chosen: Filter) -> tuple[int, bool]:
    """How many clients are chosen, by the same plan as a mailing's; nothing but numbers is read."""
    started = outside.clock.now()
    plan = plan_audience(chosen, outside.counters.last_id(CLIENT_ID))
    number = 0
    for segment in range(plan.segments):
        first, last = plan.id_range(segment)
        for partition in plan.partitions(chosen, segment):
            if outside.clock.now() - started > PATIENCE:
                return number, False
            number += outside.clients.count(partition, chosen, first, last)
    return number, True
