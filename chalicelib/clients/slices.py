"""Read the clients of one slice of an audience, page by page, in the order of the plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..domain.audience import Filter, Plan
from ..domain.client import Client
from ..domain.walk import Cursor, HasTime, always, walk

if TYPE_CHECKING:
    from ..adapters.services import Services


def read_slice(
    services: Services,
    plan: Plan,
    chosen: Filter,
    number: int,
    cursor: Cursor,
    limit: int,
    enough: int | None = None,
    keep: Callable[[Client], bool] | None = None,
    has_time: HasTime = always,
    read_at_least: int = 0,
    reads_current: bool = False,
) -> tuple[list[Client], Cursor | None]:
    """The next chosen clients of the slice, at most `limit`, and the cursor of the next page; None at the end.

    `enough`: with this many clients the page ends at the end of a partition. `keep` can reject chosen clients. Without
    time the page is short. `read_at_least`: clients of one read. `reads_current`: read blocks of the table
    consistently, which costs twice as much.
    """
    partitions = plan.partitions(chosen, number)

    def read(index: int, after: int, size: int) -> list[Client]:
        partition, first, last = partitions[index]
        is_current = reads_current and partition.by == "block"  # an index cannot be read consistently
        read_partition = services.clients.read_current if is_current else services.clients.read
        return read_partition(partition, max(after, first - 1), last, size)

    return walk(
        read=read,
        key=lambda client: client.id,
        partitions=len(partitions),
        cursor=cursor,
        limit=limit,
        keep=lambda client: chosen.chooses(client) and (keep is None or keep(client)),
        enough=enough,
        has_time=has_time,
        read_at_least=read_at_least,
    )
