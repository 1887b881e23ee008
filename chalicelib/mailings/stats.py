"""Statistics: totals of all mailings, messages of one mailing, and a snapshot of the current state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from ..delivery.balances import known_balances
from ..domain import cost
from ..domain.counts import Counts
from ..domain.mailing import FINISHED, RUNNING, SCHEDULED, STATUSES, Mailing
from ..domain.message import Message, statuses_listed_as
from ..domain.money import UNIT
from ..domain.search import reads_for, search, stretches
from ..domain.silence import longest_silence
from ..domain.walk import LIST_SECONDS, Cursor, HasTime, time_limit, walk
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services


READS_AT_ONCE = 8

UNFINISHED_STATUSES = tuple(status for status in STATUSES if status != FINISHED)


@dataclass(frozen=True)
class Snapshot:
    """Numbers by status and by queue. A cancelled mailing counts as `cancelled` until its messages are closed.

    `waiting`: the longest time since the start of a running mailing with queued messages. `silence`: the longest one,
    as in domain/silence.py. Both are in seconds. `spent`: what all sent messages have cost, in units of the currency.
    `balances`: of the gateways that have told one, each in the currency of its account.
    """

    mailings: Mapping[str, int]
    messages: Mapping[str, int]
    queues: Mapping[str, int]
    waiting: float
    silence: float
    spent: float
    balances: Mapping[str, float]


def totals(services: Services) -> tuple[int, Counts]:
    """The number of mailings, and the counts of their messages: a stored sum of ended mailings, plus the open ones."""
    mailings, ended = services.counters.totals()
    open_mailings = _open_mailings(services, services.clock.now())
    return mailings, sum((mailing.counts for mailing in open_mailings), ended)


def snapshot(services: Services) -> Snapshot:
    """Reads the totals, the open mailings, the number of scheduled ones and the queues' own counts: nine calls."""
    now = services.clock.now()
    number, ended = services.counters.totals()
    open_mailings, scheduled = _open_mailings(services, now), services.mailings.scheduled_number(now)
    sending = [mailing for mailing in open_mailings if mailing.status == RUNNING and mailing.counts.queued > 0]
    silence = longest_silence(open_mailings, now) or timedelta()
    counts = sum((mailing.counts for mailing in open_mailings), ended)
    by_status = Counter(mailing.status for mailing in open_mailings) + Counter({SCHEDULED: scheduled})
    return Snapshot(
        mailings={
            **{status: by_status[status] for status in UNFINISHED_STATUSES},
            "ended": max(0, number - len(open_mailings) - scheduled),
        },
        messages=counts.by_status(),
        queues={
            "send": services.send_queue.size(),
            "jobs": services.jobs_queue.size(),
            "imports": services.imports_queue.size(),
            "dead_letters": services.dead_letters.size(),
        },
        waiting=_longest_seconds([mailing.datetime_start for mailing in sending], now),
        silence=round(silence.total_seconds(), 1),
        spent=counts.cost / UNIT,
        balances={balance.gateway: balance.amount.units for balance in known_balances(services)},
    )


def cost_estimate(mailing: Mailing) -> float | None:
    """The AWS cost of a mailing in US dollars, rounded to a millionth. None before the mailing ends."""
    is_limited = mailing.rate_limit is not None or mailing.feed > 0  # no feed without a limit
    return round(cost.estimate(mailing.counts, mailing.attempts, is_limited), 6) if mailing.ended_at else None


def _open_mailings(services: Services, now: datetime) -> list[Mailing]:
    """Without those that start later: they have no messages."""
    found = services.mailings.get_many(services.mailings.active_ids(now))
    return [mailing for mailing in found.values() if mailing.is_open]


def _longest_seconds(moments: Sequence[datetime], now: datetime) -> float:
    """Seconds since the earliest moment; 0 without moments."""
    return round(max(((now - moment).total_seconds() for moment in moments), default=0.0), 1)


def list_messages(
    services: Services,
    mailing: Mailing,
    status: str | None,
    cursor: Cursor,
    limit: int,
    has_time: HasTime | None = None,
    at_once: int = READS_AT_ONCE,
    error: Text | None = None,
) -> tuple[list[Message], Cursor | None]:
    """A page of the mailing's messages, shard by shard, and the next cursor. Empty before the start.

    Without time the page is short: its cursor continues. `has_time`: by default six seconds. `at_once`: at most so many
    reads at once, if messages with a status are rare. `error`: only those with this one, if a status is given.
    """
    if mailing.plan is None:
        return [], None
    has_time = has_time or time_limit(services.clock.now, LIST_SECONDS)
    if status is not None:
        return _search(services, mailing, status, cursor, limit, has_time, at_once, error)

    def read(shard: int, after: int, size: int) -> list[Message]:
        return services.messages.page(mailing.message_shard(shard), after, size)

    return walk(read, _client_id, mailing.plan.shards, cursor, limit, has_time=has_time)


def _search(
    services: Services,
    mailing: Mailing,
    status: str,
    cursor: Cursor,
    limit: int,
    has_time: HasTime,
    at_once: int,
    error: Text | None,
) -> tuple[list[Message], Cursor | None]:
    """By the counts of the mailing, no more rows are read at first than the page probably needs."""
    plan, total, statuses = mailing.started_plan, max(1, mailing.counts.total), statuses_listed_as(status)
    matching = mailing.counts.with_receipts()[status]
    reads, rows = reads_for(limit + 1, matching, total, at_once)
    ids = ceil(rows * plan.shards * plan.last_client_id / total)

    def find(shard: int, after: int, through: int) -> tuple[list[Message], int | None]:
        return services.messages.find(mailing.message_shard(shard), after, through, statuses, error)

    with services.thread_pool(at_once) as threads:
        return search(
            find,
            _client_id,
            stretches(cursor, plan.shards, plan.last_client_id, ids),
            limit,
            has_time,
            threads,
            reads,
            at_once,
        )


def _client_id(message: Message) -> int:
    return message.client_id
