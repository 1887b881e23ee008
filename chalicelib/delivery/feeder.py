"""The feeder: walk the rows of a mailing in lanes, and queue the messages whose turn is within the horizon.

A lane is some of the shards of the mailing's messages. Its row has a lease and a cursor, as a slice of a fan-out, and
the order of writes is the same: queue messages, then the cursor. An interrupted page is repeated, which is harmless.
The highest client ids come first, because a fan-out has queued the lowest ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain.audience_slice import AudienceSlice
from ..domain.canary import select_for_queue
from ..domain.jobs import FeedMailing
from ..domain.mailing import RUNNING, Mailing
from ..domain.message import Message
from ..domain.walk import Cursor
from ..errors import SliceBusy, TryAgain
from ..logs import log_clients
from . import local_hours
from .fanout import give_up_lease, lease
from .feed import begin_if_needed, lanes_of, workers_of
from .queueing import PAGE, SECONDS_FOR_A_PAGE, THREADS, queue_next
from .rate_limits import postpone_booking

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services


def feed_mailing(services: Services, job: FeedMailing, seconds_left: Callable[[], float]) -> bool:
    """Walk the free lanes, one after another, until the horizon is reached. Returns False if the time is up.

    Raises TryAgain if a table or a queue is throttled for long or fails.
    """
    mailing = services.mailings.get(job.mailing_id)
    if mailing is None or mailing.status != RUNNING or mailing.feed != job.feed:
        return True
    if not mailing.is_feeding:
        begin_if_needed(services, mailing)
        return True
    postpone_booking(services, mailing, 1 / workers_of(services, mailing))
    done = {lane.number for lane in services.slices.of_mailing(mailing.id, mailing.feed) if lane.done}
    with services.thread_pool(THREADS) as threads:
        for number in sorted(set(range(lanes_of(mailing))) - done):
            try:
                lane = lease(services, mailing, number, seconds_left, mailing.feed)
            except SliceBusy:
                continue
            try:
                lane = _walk_lane(services, mailing, lane, threads, seconds_left)
            except TryAgain:
                give_up_lease(services, lane)
                raise
            services.slices.end_lease(lane)
            if not lane.done:
                return seconds_left() >= SECONDS_FOR_A_PAGE
            done.add(number)
    if len(done) == lanes_of(mailing):
        services.mailings.end_feed(mailing)
    return True


def _walk_lane(
    services: Services, mailing: Mailing, lane: AudienceSlice, threads: Executor, seconds_left: Callable[[], float]
) -> AudienceSlice:
    """Returns the lane with its progress. It is not done if the horizon is reached or the time is up."""
    shards = range(mailing.started_plan.shards)[lane.number :: lanes_of(mailing)]
    while not lane.done and seconds_left() >= SECONDS_FOR_A_PAGE:
        partition, below = lane.cursor.partition, lane.cursor.id
        page = services.messages.queued_below(mailing.message_shard(shards[partition]), below or None, PAGE)
        queued, is_whole = _queue_page(services, mailing, page, threads)
        if is_whole and len(page) < PAGE:
            cursor = Cursor(partition + 1)
        else:
            last = page[-1] if is_whole else queued[-1] if queued else None
            cursor = Cursor(partition, last.client_id if last else below)
        lane = replace(lane, cursor=cursor, client_count=lane.client_count + len(queued))
        lane = replace(lane, done=cursor.partition >= len(shards))
        if lane.done or not is_whole:
            break
        services.slices.advance(lane)
    return lane


def _queue_page(
    services: Services, mailing: Mailing, page: Sequence[Message], threads: Executor
) -> tuple[list[Message], bool]:
    """Returns the queued messages, and whether none of the page is left for a later turn.

    Messages outside their local hours wait for their release, messages that a sender posts now have queue messages, and
    a feed that follows the result of the canary queues the messages that it holds back.
    """
    now = services.clock.now()
    hours = local_hours.current_hours(services, mailing)
    waiting = [m for m in page if not m.is_claimed(now) and not hours.needs_release(m.timezone)]
    local_hours.schedule_releases(services, mailing, hours.releases())
    selected = select_for_queue(mailing.canary, waiting, mailing.counts.cancelled)
    admitted = sorted(selected, key=lambda message: -message.client_id)
    queued = list(admitted[: queue_next(services, mailing, admitted, threads, is_feed=True)])
    log_clients("fed", [message.client_id for message in queued], mailing_id=mailing.id)
    return queued, len(queued) == len(admitted)
