"""Read the clients of one slice of an audience, page by page, in the order of the plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..domain.audience import Plan
from ..domain.client import Client
from ..domain.filter import ALL_CLIENTS, AudienceMember, Filter, member_fields
from ..domain.mailing import Mailing
from ..domain.walk import Cursor, HasTime, always, walk
from .recipients import choose

if TYPE_CHECKING:
    from ..adapters.services import Services


def read_slice(
    services: Services,
    plan: Plan,
    chosen: Filter,
    number: int,
    cursor: Cursor,
    limit: int,
    keep: Callable[[Client], bool],
    has_time: HasTime = always,
    read_at_least: int = 0,
) -> tuple[list[Client], Cursor | None]:
    """The next chosen clients of the slice, at most `limit`, and the cursor of the next page; None at the end.

    `keep` can reject chosen clients. Without time the page is short. `read_at_least`: clients of one read.
    """
    partitions = plan.partitions(chosen, number)
    kept: set[int] = set()

    def read(index: int, after: int, size: int) -> list[Client]:
        partition, first, last = partitions[index]
        found = services.clients.read(partition, max(after, first - 1), last, size)
        kept.update(client.id for client in choose(services, chosen, plan.named, found))
        return found

    return walk(
        read=read,
        key=lambda client: client.id,
        partitions=len(partitions),
        cursor=cursor,
        limit=limit,
        keep=lambda client: client.id in kept and keep(client),
        has_time=has_time,
        read_at_least=read_at_least,
    )


def read_members(
    services: Services, mailing: Mailing, number: int, cursor: Cursor, limit: int, enough: int, has_time: HasTime
) -> tuple[list[AudienceMember], Cursor | None]:
    """As `read_slice`, for the fan-out of a started mailing: only the fields that it needs of each client.

    `enough`: with this many clients the page ends at the end of a partition.
    """
    chosen = mailing.chosen
    partitions = mailing.started_plan.partitions(chosen, number)
    fields = member_fields(chosen, has_local_hours=mailing.window is not None)
    named, kept = mailing.started_plan.named, set[int]()

    def read(index: int, after: int, size: int) -> list[AudienceMember]:
        partition, first, last = partitions[index]
        found = services.clients.read_members(partition, max(after, first - 1), last, size, fields)
        if chosen != ALL_CLIENTS:
            kept.update(member.id for member in choose(services, chosen, named, found))
        return found

    return walk(
        read=read,
        key=lambda member: member.id,
        partitions=len(partitions),
        cursor=cursor,
        limit=limit,
        keep=(lambda member: member.id in kept) if chosen != ALL_CLIENTS else None,
        enough=enough,
        has_time=has_time,
    )
