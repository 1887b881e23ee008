"""Run a job of the jobs queue: for a mailing, a slice, a shard, moved clients, or an erased person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from ..clients.traces import erase_traces
from ..domain.backoff import retry_delay
from ..domain.job_bodies import NAMES
from ..domain.jobs import (
    BUSY_SECONDS,
    EraseTraces,
    FeedMailing,
    FollowMovedClients,
    ReconcileShard,
    ReleaseShard,
    StartMailing,
    WalkSlice,
)
from ..errors import Conflict, TryAgain
from ..logs import log, log_context, measure
from .fanout import start_mailing, walk_slice
from .feeder import feed_mailing
from .local_hours import follow_moved_clients, release_shard
from .reconcile import reconcile_shard

if TYPE_CHECKING:
    from ..adapters.services import Services

QueuedJob = StartMailing | WalkSlice | ReconcileShard | ReleaseShard | FeedMailing | FollowMovedClients | EraseTraces
KINDS: tuple[type[QueuedJob], ...] = (
    StartMailing,
    WalkSlice,
    ReconcileShard,
    ReleaseShard,
    FeedMailing,
    FollowMovedClients,
    EraseTraces,
)


LONGEST_PAUSE = 60
"""Seconds: the most after which a job is repeated that met a throttled table or queue."""


def run_job(
    services: Services, job: QueuedJob, seconds_left: Callable[[], float], receive_count: int = 1
) -> int | None:
    """Returns None if the job is done, otherwise the seconds until it is repeated.

    They are 0 if the time is up, and BUSY_SECONDS if another worker has the job. If a table or a queue is throttled or
    fails, they are random, and their bound doubles with each receive of the queue message: not all workers come back at
    once.
    """
    log_keys = {} if isinstance(job, FollowMovedClients | EraseTraces) else {"mailing_id": job.mailing_id}
    with log_context(job=NAMES[type(job)], **log_keys):
        try:
            return None if _run(services, job, seconds_left) else 0
        except Conflict:
            return BUSY_SECONDS
        except TryAgain:
            log.exception("job not done")
            measure({"JobErrors": 1})
            return min(LONGEST_PAUSE, retry_delay(receive_count, services.clock.jitter()))


def _run(services: Services, job: QueuedJob, seconds_left: Callable[[], float]) -> bool:
    """Returns False if the time is up and the job must be repeated."""
    match job:
        case StartMailing():
            start_mailing(services, job.mailing_id)
            return True
        case WalkSlice():
            return walk_slice(services, job.mailing_id, job.number, seconds_left)
        case ReconcileShard():
            return reconcile_shard(services, job, seconds_left)
        case ReleaseShard():
            return release_shard(services, job, seconds_left)
        case FeedMailing():
            return feed_mailing(services, job, seconds_left)
        case FollowMovedClients():
            follow_moved_clients(services, job.client_ids)
            return True
        case EraseTraces():
            return erase_traces(services, job.name, seconds_left)
    assert_never(job)
