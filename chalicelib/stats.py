"""Statistics: totals over all mailings, and one mailing's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .domain.mailing import Counts, Mailing
from .domain.message import Message
from .domain.walk import Cursor, walk

if TYPE_CHECKING:
    from .adapters.outside import Outside


def totals(outside: Outside) -> tuple[int, Counts]:
    """Mailings in all, and their messages: those of finished mailings are kept as a sum, open ones are added."""
    mailings, counts = outside.counters.totals()
    running = outside.mailings.get_many(outside.mailings.open_ids())
    for mailing in running.values():
        if mailing.is_open:
            counts += mailing.counts
    return mailings, counts


def list_messages(
    outside: Outside, mailing: Mailing, status: str | None, cursor: Cursor, limit: int
) -> tuple[list[Message], Cursor | None]:
    """A page of the mailing's messages, shard by shard; none before it has started."""
    if mailing.plan is None:
        return [], None
    return walk(
        read=lambda shard, after, size: outside.messages.page(mailing.id, shard, after, size, status),
        key=lambda message: message.client_id,
        partitions=mailing.plan.shards,
        cursor=cursor,
        limit=limit,
    )
