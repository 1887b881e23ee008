"""Local hours: a message outside its local hours has a row and no queue message. A release queues it later.

A release runs when local hours open, by a one-time schedule. The mailing's row lists its releases, and the sweep runs
those whose schedule has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from ..domain.jobs import ReleaseShard, SendMessage
from ..domain.mailing import PAUSED, RUNNING, Mailing
from ..domain.message import QUEUED
from ..domain.message_change import awaiting_hours
from ..domain.send_window import Hours
from ..errors import confirmed
from ..logs import log, log_clients
from ..zones import zone
from . import feed
from .queueing import PAGE, SECONDS_FOR_A_PAGE, THREADS, queue_messages
from .rate_limits import limits_of
from .waves import count_changes

if TYPE_CHECKING:
    from ..adapters.services import Services


def current_hours(services: Services, mailing: Mailing) -> Hours:
    """The mailing's local hours in each time zone, at this moment."""
    return Hours(mailing.window, zone, services.clock.now())


def schedule_releases(services: Services, mailing: Mailing, moments: Iterable[datetime]) -> Mailing:
    """Schedule and record a release for each moment before the mailing's end that has none yet.

    Returns the mailing with these releases.
    """
    new = {opens_at for opens_at in moments if opens_at < mailing.datetime_end} - mailing.releases
    for opens_at in sorted(new):
        services.schedules.set_release(mailing.id, opens_at)
        services.mailings.await_release(mailing.id, opens_at)
    return replace(mailing, releases=mailing.releases | new)


class ScheduledReleases:
    """Schedules each release once for all groups of a batch, whose mailing was read before it had them.

    A group waits for another one that schedules the same release, and tries itself if that one fails.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = Lock()
        self._known: set[tuple[int, datetime]] = set()

    def add(self, mailing: Mailing, moments: Iterable[datetime]) -> None:
        with self._lock:
            new = {(mailing.id, opens_at) for opens_at in moments} - self._known
            if new:
                schedule_releases(self._services, mailing, [opens_at for _, opens_at in new])
                self._known |= new


def release(services: Services, mailing_id: int, opens_at: datetime) -> bool:
    """Queue the messages whose local hours open at this moment. With a rate limit a feed does this, from the first row.

    Returns False if no message waits for this moment, or if the mailing is not running. If the process dies between the
    two writes, the release is repeated, and a message that is queued twice is sent once.
    """
    mailing = services.mailings.get(mailing_id)
    if mailing is None or mailing.status != RUNNING or opens_at not in mailing.releases:
        return False
    if limits_of(services.settings, mailing) is None:
        opens, released_at = int(opens_at.timestamp()), int(services.clock.now().timestamp() * 1000)
        shards = range(mailing.started_plan.shards)
        services.jobs_queue.send([ReleaseShard(mailing_id, shard, opens, released_at) for shard in shards])
    else:
        services.mailings.await_feed(mailing_id)  # for the end of a fan-out, or if this process dies here
        feed.begin(services, mailing)
    services.mailings.mark_released(mailing_id, opens_at, services.clock.now() if mailing.awaits_hours else None)
    log.info("released", extra={"mailing_id": mailing_id, "opens_at": opens_at.isoformat()})
    return True


def release_due(services: Services, mailing: Mailing, now: datetime) -> None:
    """For the sweep. A schedule that has not fired is deleted, because it may never fire (LocalStack)."""
    for opens_at in sorted(mailing.releases):
        if opens_at <= now and release(services, mailing.id, opens_at):
            services.schedules.remove_release(mailing.id, opens_at)


def release_shard(services: Services, job: ReleaseShard, seconds_left: Callable[[], float]) -> bool:
    """Queue the messages of one shard whose local hours open at `job.opens_at`, from the cursor of this release on.

    Returns False if the time is up: the job is repeated. The cursor is written after each page but the last, so a
    repeated job does not read and queue what is queued already.
    """
    mailing = services.mailings.get(job.mailing_id)
    if mailing is None or mailing.status != RUNNING or mailing.window is None:
        return True
    window, moment = mailing.window, datetime.fromtimestamp(job.opens_at, UTC)
    opens = cache(lambda timezone: timezone is not None and window.is_opening(zone(timezone), moment))
    after = services.slices.release_cursor(job)
    kept_until = mailing.kept_until(services.settings.message_retention_days)
    with services.thread_pool(THREADS) as threads:
        while seconds_left() >= SECONDS_FOR_A_PAGE:
            page = services.messages.page(mailing.message_shard(job.shard), after, PAGE, [QUEUED])
            released = [message for message in page if opens(message.timezone)]
            queue_messages(services, mailing, released, threads)
            log_clients("released", [message.client_id for message in released], mailing_id=mailing.id)
            if len(page) < PAGE:
                return True
            after = page[-1].client_id
            services.slices.advance_release(job, after, kept_until)
    return False


def follow_moved_clients(services: Services, client_ids: Sequence[int]) -> None:
    """Queue the messages of clients whose time zone has changed: the sender applies the new local hours."""
    for mailing in services.mailings.get_many(services.mailings.active_ids(services.clock.now())).values():
        if mailing.window is None or mailing.status not in (RUNNING, PAUSED):
            continue
        if mailing.status == PAUSED:
            _record_zones(services, mailing, client_ids)
        services.send_queue.send([SendMessage(mailing.id, client_id) for client_id in client_ids])


def _record_zones(services: Services, mailing: Mailing, client_ids: Sequence[int]) -> None:
    """A sender drops the messages of a paused mailing, so it does not record the new time zones: the resume queues and
    releases by those in the rows. Raises NotWritten.
    """
    now, clients = services.clock.now(), services.clients.get_many(client_ids)
    found = services.messages.existing(mailing.message_key(client_id) for client_id in clients).values()
    waiting = [message for message in found if message.status == QUEUED and not message.is_claimed(now)]
    moved = [awaiting_hours(message, clients[message.client_id].timezone) for message in waiting]
    changes = [change for change in moved if change is not None]
    written = services.messages.change_all(changes)
    done = [(change.before, change.after) for change, result in zip(changes, written, strict=True) if result is True]
    count_changes(services, mailing, done)
    for result in written:
        confirmed(result)
