"""The jobs of the jobs queue: start a mailing, walk a slice, reconcile or release a shard, follow moved clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from ..domain.jobs import (
    BUSY_SECONDS,
    NAMES,
    FollowMovedClients,
    ReconcileShard,
    ReleaseShard,
    StartMailing,
    WalkSlice,
)
from ..errors import Conflict
from ..logs import log_context
from .fanout import start_mailing, walk_slice
from .local_hours import follow_moved_clients, release_shard
from .reconcile import reconcile_shard

if TYPE_CHECKING:
    from ..adapters.services import Services

QueuedJob = StartMailing | WalkSlice | ReconcileShard | ReleaseShard | FollowMovedClients
KINDS: tuple[type[QueuedJob], ...] = (StartMailing, WalkSlice, ReconcileShard, ReleaseShard, FollowMovedClients)


def run_job(services: Services, job: QueuedJob, seconds_left: Callable[[], float]) -> int | None:
    """Seconds until the job is to come back, None when it is done.

    0 if its time ran out; BUSY_SECONDS if another worker has it.
    """
    known = {} if isinstance(job, FollowMovedClients) else {"mailing_id": job.mailing_id}
    with log_context(job=NAMES[type(job)], **known):
        try:
            return None if _run(services, job, seconds_left) else 0
        except Conflict:
            return BUSY_SECONDS


def _run(services: Services, job: QueuedJob, seconds_left: Callable[[], float]) -> bool:
    """Whether it is done; False: it has to go on where it stopped."""
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
        case FollowMovedClients():
            follow_moved_clients(services, job.client_ids)
            return True
    assert_never(job)
