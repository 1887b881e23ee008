"""List clients by tag, operator code or phone number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.audience import Partition, block_partitions, label_partitions
from ..domain.client import CLIENT_ID, MAX_CLIENT_ID, MAX_LABEL, PHONE, Client
from ..domain.unicode_text import compose
from ..domain.walk import FILTERED_READ, LIST_SECONDS, Cursor, HasTime, time_limit, walk

if TYPE_CHECKING:
    from ..adapters.services import Services


@dataclass(frozen=True)
class ClientFilter:
    """The filter of a list of clients. None means any value."""

    tag: str | None = None
    operator_code: str | None = None
    phone_number: str | None = None

    @property
    def matches_nothing(self) -> bool:
        """Whether no client can have these values. As a key, such a value may be longer than DynamoDB allows."""
        return any(value is not None and len(value) > MAX_LABEL for value in (self.tag, self.operator_code)) or (
            self.phone_number is not None and not PHONE.fullmatch(self.phone_number)
        )

    def keeps(self, client: Client) -> bool:
        return self.tag in (None, compose(client.tag or "")) and self.operator_code in (None, client.operator_code)


def list_clients(
    services: Services, wanted: ClientFilter, cursor: Cursor, limit: int, has_time: HasTime | None = None
) -> tuple[list[Client], Cursor | None]:
    """A page in the order of ids; with a tag or an operator code, in the order of index shards and ids.

    Without time the page is short: its cursor continues. `has_time`: by default six seconds.
    """
    if wanted.matches_nothing:
        return [], None
    if wanted.phone_number is not None:
        client = services.clients.find_by_phone(wanted.phone_number)
        return [client] if client and wanted.keeps(client) else [], None
    partitions = _partitions(services, wanted)
    return walk(
        read=lambda index, after, size: services.clients.read(partitions[index], after, MAX_CLIENT_ID, size),
        key=lambda client: client.id,
        partitions=len(partitions),
        cursor=cursor,
        limit=limit,
        keep=wanted.keeps,
        has_time=has_time or time_limit(services.clock.now, LIST_SECONDS),
        read_at_least=FILTERED_READ if wanted.tag and wanted.operator_code else 0,
    )


def _partitions(services: Services, wanted: ClientFilter) -> list[Partition]:
    if wanted.tag is not None:
        return label_partitions("tag", wanted.tag)
    if wanted.operator_code is not None:
        return label_partitions("operator_code", wanted.operator_code)
    return block_partitions(services.counters.last_id(CLIENT_ID))
