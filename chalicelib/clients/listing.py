"""List clients by tag, operator code, phone number or a part of it, attribute and opt-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.audience import Partition
from ..domain.client import CLIENT_ID, MAX_CLIENT_ID, Client
from ..domain.client_search import ClientFilter, stretches_of
from ..domain.search import search
from ..domain.walk import LIST_SECONDS, Cursor, HasTime, time_limit, walk

if TYPE_CHECKING:
    from ..adapters.services import Services

READS_AT_ONCE = 8


@dataclass(frozen=True)
class ClientTotal:
    """How many clients there are: `number` is exact with `is_exact`, a lower bound with `is_least`, or an estimate."""

    number: int
    is_exact: bool = False
    is_least: bool = False


def total_of(services: Services, shown: int, is_whole: bool) -> ClientTotal:
    """`shown`: clients on a page, which are all if it `is_whole`. Otherwise as DynamoDB has counted them lately.

    No counter has the number: each registration, import and deletion would have to write it. A count that is older
    than the clients on the page says nothing.
    """
    if is_whole:
        return ClientTotal(shown, is_exact=True)
    counted = services.clients.counted()
    return ClientTotal(shown, is_least=True) if counted is None or counted <= shown else ClientTotal(counted)


def list_clients(
    services: Services, wanted: ClientFilter, cursor: Cursor, limit: int, has_time: HasTime | None = None
) -> tuple[list[Client], Cursor | None]:
    """A page in the order of ids; from an index, in the order of its shards and ids.

    Without time the page is short: its cursor continues. `has_time`: by default six seconds.
    """
    if wanted.matches_nothing:
        return [], None
    if wanted.phone_number is not None:
        client = services.clients.find_by_phone(wanted.phone_number)
        return [client] if client and wanted.keeps(client) else [], None
    if wanted.phone is not None and wanted.phone.numbers is not None:
        return _look_up(services, wanted, wanted.phone.numbers, cursor, limit)
    has_time = has_time or time_limit(services.clock.now, LIST_SECONDS)
    last_id = services.counters.last_id(CLIENT_ID)
    partitions = wanted.partitions(last_id)
    if not wanted.is_served_by_a_key:
        return _search(services, wanted, partitions, cursor, last_id, limit, has_time)
    return walk(
        read=lambda index, after, size: services.clients.read(partitions[index], after, MAX_CLIENT_ID, size),
        key=lambda client: client.id,
        partitions=len(partitions),
        cursor=cursor,
        limit=limit,
        has_time=has_time,
    )


def _look_up(
    services: Services, wanted: ClientFilter, phone_numbers: list[str], cursor: Cursor, limit: int
) -> tuple[list[Client], Cursor | None]:
    clients, _ = services.clients.find_many(phone_numbers)
    kept = sorted((client for client in clients.values() if wanted.keeps(client)), key=lambda client: client.id)
    found = [client for client in kept if client.id > cursor.id]
    return found[:limit], Cursor(0, found[limit - 1].id) if len(found) > limit else None


def _search(
    services: Services,
    wanted: ClientFilter,
    partitions: list[Partition],
    cursor: Cursor,
    last_id: int,
    limit: int,
    has_time: HasTime,
) -> tuple[list[Client], Cursor | None]:
    def find(number: int, after: int, through: int) -> tuple[list[Client], int | None]:
        clients, last_read = services.clients.find(partitions[number], after, through, wanted)
        return list(filter(wanted.keeps, clients)), last_read

    unread = stretches_of(partitions, cursor, last_id)
    with services.thread_pool(READS_AT_ONCE) as threads:
        return search(find, lambda client: client.id, unread, limit, has_time, threads, 1, READS_AT_ONCE)
