"""Begin a reconciliation round, or continue one: queue the jobs of its shards. reconcile.py does these jobs.

Apart from the jobs, because each sender begins rounds: it loads nothing that only the jobs need.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..domain import rounds
from ..domain.jobs import ReconcileShard
from ..domain.mailing import Mailing
from ..errors import RowChanged

if TYPE_CHECKING:
    from ..adapters.services import Services


def request_reconciliation(services: Services, mailing: Mailing, requeues: str = "") -> None:
    """Begin a round, unless one is running, or too many have begun lately: then the sweep begins it later.

    `requeues`: which waiting messages have lost their queue messages: QUEUE_ALL or QUEUE_OVERDUE.
    """
    now = services.clock.now()
    if not rounds.may_begin(mailing, now):
        return
    try:
        begun = services.mailings.begin_round(mailing, now, requeues)
    except RowChanged:  # another round has begun since the mailing was read
        return
    _queue_shards(services, begun, range(mailing.started_plan.shards))


def continue_round(services: Services, mailing: Mailing) -> None:
    """For the sweep: if the running round makes no progress, queue the jobs of the shards that it has not read.

    The shards that are read are not read again. If all are, the job of one of them concludes the round.
    """
    now = services.clock.now()
    reports = services.slices.reports(mailing.id, mailing.rounds)
    if any(report.written_at and now - report.written_at < rounds.JOBS_LOST_AFTER for report in reports.values()):
        return
    complete = {shard for shard, report in reports.items() if report.is_complete}
    missing = [shard for shard in range(mailing.started_plan.shards) if shard not in complete]
    try:
        services.mailings.continue_round(mailing, now)
    except RowChanged:  # another round has begun, or another sweep has continued this one
        return
    _queue_shards(services, mailing, missing or [0])


def _queue_shards(services: Services, mailing: Mailing, shards: Iterable[int]) -> None:
    services.jobs_queue.send([ReconcileShard(mailing.id, mailing.rounds, shard) for shard in shards])
