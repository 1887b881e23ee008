"""What some of those who are chosen would get: a text with fields is seen before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.audience import Filter, Plan, plan_audience
from ..domain.client import CLIENT_ID, Client
from ..domain.sms import Length, measure
from ..domain.template import fill, fill_masked
from ..domain.walk import BEGINNING, walk

if TYPE_CHECKING:
    from ..adapters.services import Services

SAMPLE = 100
"""Clients whose texts are measured; some of them are shown."""

PATIENCE = timedelta(seconds=3)


@dataclass(frozen=True)
class Example:
    """`text` with the phone number masked, `length` as it would be sent."""

    client: Client
    text: str
    length: Length


def sample_texts(services: Services, chosen: Filter, text: str) -> list[Example]:
    """Of the first clients who are chosen and have not opted out; none where they are hard to find."""
    clients = _sample(services, chosen)
    return [Example(client, fill_masked(text, client), measure(fill(text, client))) for client in clients]


def worth_seeing(sample: list[Example]) -> tuple[Example, ...]:
    """The first one, the shortest and the longest: there it is seen what is missing, and what is too long."""
    by_length = sorted(sample, key=lambda example: example.length.units)
    found = {example.client.id: example for example in [*sample[:1], *by_length[:1], *by_length[-1:], *sample[1:3]]}
    return tuple(found.values())[:3]


def _sample(services: Services, chosen: Filter) -> list[Client]:
    deadline = services.clock.now() + PATIENCE
    plan = plan_audience(chosen, services.counters.last_id(CLIENT_ID))
    for audience_slice in range(plan.slices):
        if found := _walk(services, chosen, plan, audience_slice):
            return found
        if services.clock.now() > deadline:
            break
    return []


def _walk(services: Services, chosen: Filter, plan: Plan, audience_slice: int) -> list[Client]:
    first, last = plan.id_range(audience_slice)
    partitions = plan.partitions(chosen, audience_slice)
    found, _ = walk(
        read=lambda index, after, size: services.clients.read(partitions[index], max(after, first - 1), last, size),
        key=lambda client: client.id,
        partitions=len(partitions),
        cursor=BEGINNING,
        limit=SAMPLE,
        keep=lambda client: chosen.chooses(client) and client.opted_out_at is None,
    )
    return found
