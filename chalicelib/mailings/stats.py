"""Statistics: totals over all mailings, one mailing's messages, and how things stand at this moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ..domain import cost
from ..domain.mailing import FINISHED, RUNNING, STATUSES, Counts, Mailing
from ..domain.message import Message, statuses_listed_as
from ..domain.walk import Cursor, walk

if TYPE_CHECKING:
    from ..adapters.services import Services


UNFINISHED_STATUSES = tuple(status for status in STATUSES if status != FINISHED)


@dataclass(frozen=True)
class Snapshot:
    """Numbers by status and by queue, and seconds. A cancelled mailing is counted so until its messages are closed."""

    mailings: Mapping[str, int]
    messages: Mapping[str, int]
    queues: Mapping[str, int]
    waiting: float
    silence: float


def totals(services: Services) -> tuple[int, Counts]:
    """Mailings in all, and their messages: those of finished mailings are kept as a sum, open ones are added."""
    mailings, ended = services.counters.totals()
    return mailings, sum((mailing.counts for mailing in _open(services)), ended)


def snapshot(services: Services) -> Snapshot:
    """From what is cheap to read: the totals, the open mailings, the queues' own counts. Seven calls."""
    number, ended = services.counters.totals()
    still_open = _open(services)
    now = services.clock.now()
    sending = [mailing for mailing in still_open if mailing.status == RUNNING and mailing.counts.queued > 0]
    by_status = Counter(mailing.status for mailing in still_open)
    return Snapshot(
        mailings={
            **{status: by_status[status] for status in UNFINISHED_STATUSES},
            "ended": max(0, number - len(still_open)),
        },
        messages=sum((mailing.counts for mailing in still_open), ended).by_status(),
        queues={
            "send": services.send_queue.size(),
            "jobs": services.jobs_queue.size(),
            "imports": services.imports_queue.size(),
            "dead_letters": services.dead_letters.size(),
        },
        waiting=_longest([mailing.datetime_start for mailing in sending], now),
        silence=_longest([mailing.progress_at or mailing.datetime_start for mailing in sending], now),
    )


def cost_estimate(mailing: Mailing) -> float | None:
    """US dollars that a mailing has cost at AWS, to a millionth; None until it has ended."""
    return round(cost.estimate(mailing.counts, mailing.attempts), 6) if mailing.ended_at else None


def _open(services: Services) -> list[Mailing]:
    found = services.mailings.get_many(services.mailings.open_ids())
    return [mailing for mailing in found.values() if mailing.is_open]


def _longest(moments: Sequence[datetime], now: datetime) -> float:
    """Seconds since the first of them, 0 where there is none."""
    return round(max(((now - moment).total_seconds() for moment in moments), default=0.0), 1)


def list_messages(
    services: Services, mailing: Mailing, status: str | None, cursor: Cursor, limit: int
) -> tuple[list[Message], Cursor | None]:
    """A page of the mailing's messages, shard by shard; none before it has started."""
    if mailing.plan is None:
        return [], None
    statuses = statuses_listed_as(status) if status else ()
    return walk(
        read=lambda shard, after, size: services.messages.page(mailing.message_shard(shard), after, size, statuses),
        key=lambda message: message.client_id,
        partitions=mailing.plan.shards,
        cursor=cursor,
        limit=limit,
    )
