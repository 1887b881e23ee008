"""Local hours: whoever has to wait for them has a row and no queue message, and is released when the window opens.

For each such moment there is a one-time schedule, and a note in the mailing's row, by which the sweep does what the
schedule did not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from ..domain.jobs import ReleaseShard, SendMessage
from ..domain.mailing import RUNNING, Mailing
from ..domain.message import QUEUED
from ..domain.send_window import Hours
from ..logs import log, log_clients
from ..zones import zone
from .queueing import queue_messages

if TYPE_CHECKING:
    from ..adapters.services import Services

PAGE = 1000
THREADS = 8
SECONDS_FOR_A_PAGE = 15.0


def now_for(services: Services, mailing: Mailing) -> Hours:
    """The mailing's hours at this moment."""
    return Hours(mailing.window, zone, services.clock.now())


def await_releases(services: Services, mailing: Mailing, there: Hours) -> None:
    see_to_releases(services, mailing, there.releases())


def see_to_releases(services: Services, mailing: Mailing, moments: Iterable[datetime]) -> None:
    """A schedule and a note for each moment that has none yet; one after the mailing's end is nobody's."""
    for opens_at in sorted(set(moments) - mailing.releases):
        if opens_at < mailing.datetime_end:
            services.schedules.set_release(mailing.id, opens_at)
            services.mailings.await_release(mailing.id, opens_at)


def release(services: Services, mailing_id: int, opens_at: datetime) -> bool:
    """Queue whoever waits for this moment; False when nobody does, or when the mailing may not send.

    First the jobs, then the note: dead between the two, it is done again, and a message queued twice is sent once.
    """
    mailing = services.mailings.get(mailing_id)
    if mailing is None or mailing.status != RUNNING or opens_at not in mailing.releases:
        return False
    shards = range(mailing.started_plan.shards)
    opens = int(opens_at.timestamp())
    services.jobs_queue.send([ReleaseShard(mailing_id, shard, opens) for shard in shards])
    services.mailings.released(mailing_id, opens_at)
    log.info("released", extra={"mailing_id": mailing_id, "opens_at": opens_at.isoformat()})
    return True


def release_due(services: Services, mailing: Mailing, now: datetime) -> None:
    for opens_at in sorted(mailing.releases):
        if opens_at <= now:
            release(services, mailing.id, opens_at)


def release_shard(services: Services, job: ReleaseShard, seconds_left: Callable[[], float]) -> bool:
    """Queue those in one shard for whom it opens at this moment; False when time ran out, and it is done again."""
    mailing = services.mailings.get(job.mailing_id)
    if mailing is None or mailing.status != RUNNING or mailing.window is None:
        return True
    window, moment = mailing.window, datetime.fromtimestamp(job.opens_at, UTC)
    opens = cache(lambda timezone: timezone is not None and window.is_opening(zone(timezone), moment))
    after = 0
    with ThreadPoolExecutor(THREADS) as threads:
        while seconds_left() >= SECONDS_FOR_A_PAGE:
            page = services.messages.page(mailing.message_shard(job.shard), after, PAGE, [QUEUED])
            released = [message for message in page if opens(message.timezone)]
            queue_messages(services, mailing, released, threads)
            log_clients("released", [message.client_id for message in released], mailing_id=mailing.id)
            if len(page) < PAGE:
                return True
            after = page[-1].client_id
    return False


def follow_moved_clients(services: Services, client_ids: Sequence[int]) -> None:
    """Clients live by another clock now: what waits for them is looked at again, wherever it waits."""
    for mailing in services.mailings.get_many(services.mailings.open_ids()).values():
        if mailing.window is not None and mailing.status == RUNNING:
            services.send_queue.send([SendMessage(mailing.id, client_id) for client_id in client_ids])
