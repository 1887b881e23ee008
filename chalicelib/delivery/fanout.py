"""Fan out a mailing: take the audience, divide it into slices, and walk each slice page by page.

The order of writes is: rows of messages, queue messages, cursor. An interrupted page is repeated from the cursor, and
the repetition is harmless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from ..clients.recipients import find_named
from ..clients.segments import with_current_segment
from ..clients.slices import read_members
from ..domain.audience import plan_fan_out
from ..domain.audience_slice import AudienceSlice
from ..domain.client import CLIENT_ID
from ..domain.counts import Counts
from ..domain.decisions import started
from ..domain.expiry import ENDED_BEFORE_QUEUED
from ..domain.filter import AudienceMember
from ..domain.jobs import WalkSlice
from ..domain.mailing import CANCELLED, SCHEDULED, Mailing
from ..domain.message import EXPIRED, QUEUED, Message
from ..domain.walk import Cursor, time_limit
from ..errors import RowChanged, TryAgain
from ..logs import log, log_clients, measure
from . import feed, local_hours
from .approvals import conclude_count, must_be_counted
from .queueing import PAGE, SECONDS_FOR_A_PAGE, THREADS, queue_messages
from .rounds import request_reconciliation

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services

ENOUGH = PAGE // 2
"""A page ends at the end of a block if it has this many clients: a part of the next block would cost a read too."""

READ_SECONDS = 5.0
"""After this time no further read begins for a page: most clients may be rejected, each after several lookups."""

CHUNK = 125
"""Clients per thread: five full BatchWriteItem requests, so that eight threads write a page in one round."""

LEASE_MARGIN = timedelta(seconds=5)


@dataclass(frozen=True)
class Page:
    """`cursor`: the start of the next page; None on the last page."""

    clients: list[AudienceMember]
    cursor: Cursor | None


@dataclass(frozen=True)
class Chunk:
    """A written part of a page: the messages to queue, the chosen clients, how many of them expired at once because
    the mailing has ended, and the time zones of the chosen ones, if the mailing has local hours.
    """

    waiting: list[Message]
    chosen: int
    expired: int
    zones: Counter[str]


def start_mailing(services: Services, mailing_id: int) -> bool:
    """Take the audience, once, and queue its slices. Returns False if the mailing is not due or has started.

    A schedule may fire for a mailing that has a new start or is deleted. The row of the mailing decides.
    """
    mailing = services.mailings.get(mailing_id)
    now = services.clock.now()
    if mailing is None or mailing.status != SCHEDULED or now < mailing.datetime_start:
        return False
    chosen = with_current_segment(services, mailing.chosen)
    plan = plan_fan_out(chosen, services.counters.last_id(CLIENT_ID)).naming(find_named(services, chosen))
    try:
        days, is_counted = services.settings.message_retention_days, must_be_counted(services, mailing, chosen)
        after = started(replace(mailing, chosen=chosen), plan, now, days, is_counted)
        mailing = services.mailings.change(mailing, after)
    except RowChanged:  # started or changed by another writer; the sweep starts a mailing that is still due
        return False
    queue_slices(services, mailing, range(plan.slices))
    log.info("started", extra={"mailing_id": mailing_id, "slices": plan.slices})
    return True


def queue_slices(services: Services, mailing: Mailing, numbers: range | list[int]) -> None:
    services.jobs_queue.send([WalkSlice(mailing.id, number) for number in numbers])


def resume_fanout(services: Services, mailing: Mailing) -> None:
    """Queue the slices that are not done. The lease protects a slice that another worker walks now."""
    done = {audience_slice.number for audience_slice in services.slices.of_mailing(mailing.id) if audience_slice.done}
    unfinished = [number for number in range(mailing.started_plan.slices) if number not in done]
    if unfinished:
        queue_slices(services, mailing, unfinished)
    else:
        _complete_fanout(services, mailing)


def walk_slice(services: Services, mailing_id: int, number: int, seconds_left: Callable[[], float]) -> bool:
    """Walk one slice page by page. Returns False if the time is up and the job must be repeated.

    Raises SliceBusy if another worker has the slice, and TryAgain if a table or a queue is throttled for long or fails.
    """
    mailing = services.mailings.get(mailing_id)
    if mailing is None or mailing.plan is None or number not in range(mailing.plan.slices):
        return True
    audience_slice = lease(services, mailing, number, seconds_left)
    try:
        return _walk_pages(services, mailing, audience_slice, seconds_left)
    except TryAgain:
        give_up_lease(services, audience_slice)
        raise


def lease(
    services: Services, mailing: Mailing, number: int, seconds_left: Callable[[], float], feed_number: int = 0
) -> AudienceSlice:
    """Lease a slice, or a lane of a feed, until this invocation ends. Raises SliceBusy if another worker has it."""
    now = services.clock.now()
    until = now + timedelta(seconds=seconds_left()) + LEASE_MARGIN
    kept_until = mailing.kept_until(services.settings.message_retention_days)
    return services.slices.lease(mailing.id, number, now, until, kept_until, feed_number)


def give_up_lease(services: Services, audience_slice: AudienceSlice) -> None:
    """Let the job be repeated within seconds. Otherwise the slice or lane stands still until its lease ends."""
    with suppress(TryAgain, RowChanged):
        services.slices.give_up_lease(audience_slice, services.clock.now())


def _walk_pages(
    services: Services, mailing: Mailing, audience_slice: AudienceSlice, seconds_left: Callable[[], float]
) -> bool:
    """All threads have ended when it returns or raises."""
    with services.thread_pool(THREADS) as threads:
        next_page = threads.submit(_read_page, services, mailing, audience_slice)
        while not audience_slice.done:
            if seconds_left() < SECONDS_FOR_A_PAGE:
                services.slices.end_lease(audience_slice)
                return False
            if mailing.status == CANCELLED:  # clients without a message get none
                audience_slice = replace(audience_slice, done=True)
                services.slices.end_lease(audience_slice)
                break
            page = next_page.result()
            if page.cursor is not None:  # a thread reads the next page while this one is written
                next_page = threads.submit(_read_page, services, mailing, replace(audience_slice, cursor=page.cursor))
            audience_slice, counts = _write_page(services, threads, mailing, audience_slice, page)
            counted = services.mailings.add_counts(mailing.id, counts, services.clock.now())
            if counted is None:  # the mailing is deleted
                return True
            mailing = counted
    _complete_fanout(services, mailing)
    return True


def _write_page(
    services: Services, threads: Executor, mailing: Mailing, audience_slice: AudienceSlice, page: Page
) -> tuple[AudienceSlice, Counts]:
    """Write rows, queue messages and the cursor. Returns the slice and the counts that the page adds to the mailing.

    Messages outside their local hours wait without a queue message; so do messages that the canary holds back.
    """
    started_at = services.clock.now()
    clients = list({client.id: client for client in page.clients}.values())
    chunks = [clients[start : start + CHUNK] for start in range(0, len(clients), CHUNK)]
    written = list(threads.map(lambda chunk: _write_chunk(services, mailing, chunk, audience_slice.in_doubt), chunks))
    hours = local_hours.current_hours(services, mailing)
    waiting = [one for chunk in written for one in chunk.waiting if not hours.needs_release(one.timezone)]
    queue_messages(services, mailing, waiting, threads)
    local_hours.schedule_releases(services, mailing, hours.releases())
    _measure_page(services, len(clients), started_at)
    chosen = sum(chunk.chosen for chunk in written)
    counts = Counts(total=chosen, expired=sum(chunk.expired for chunk in written))
    zones = sum((chunk.zones for chunk in written), audience_slice.zones)
    audience_slice = replace(audience_slice, client_count=audience_slice.client_count + chosen, zones=zones)
    if page.cursor is None:
        audience_slice = replace(audience_slice, done=True)
        services.slices.end_lease(audience_slice)
    else:
        audience_slice = replace(audience_slice, cursor=page.cursor)
        services.slices.advance(audience_slice)
    return audience_slice, counts


def _measure_page(services: Services, number: int, started_at: datetime) -> None:
    if number:
        milliseconds = (services.clock.now() - started_at).total_seconds() * 1000
        measure({"FanOutMessages": number}, {"FanOutMilliseconds": [milliseconds]})


def _read_page(services: Services, mailing: Mailing, audience_slice: AudienceSlice) -> Page:
    has_time = time_limit(services.clock.now, READ_SECONDS)
    return Page(*read_members(services, mailing, audience_slice.number, audience_slice.cursor, PAGE, ENOUGH, has_time))


def _write_chunk(services: Services, mailing: Mailing, clients: list[AudienceMember], in_doubt: bool) -> Chunk:
    """Write the rows that do not exist.

    `in_doubt`: an earlier worker may have written rows beyond the cursor. These rows do not change, and the messages
    that wait are queued again. A client that was read before, under another label, is chosen already.
    """
    now = services.clock.now()
    is_over = mailing.is_over(now)
    status, error = (EXPIRED, ENDED_BEFORE_QUEUED) if is_over else (QUEUED, None)
    shards = mailing.started_plan.shards
    may_exist = in_doubt or mailing.started_plan.may_repeat_clients(mailing.chosen)
    known = services.messages.existing(mailing.message_key(client.id) for client in clients) if may_exist else {}
    missing = [client for client in clients if client.id not in known]
    begun = partial(Message, mailing.id, status=status, created_at=now, last_error=error, shards=shards)
    new = [begun(client.id, timezone=client.timezone if mailing.window else None) for client in missing]
    kept_until = mailing.kept_until(services.settings.message_retention_days)
    services.messages.add(new, kept_until)
    log_clients("created", [message.client_id for message in new], mailing_id=mailing.id, status=status)
    waiting = [message for message in [*known.values(), *new] if message.status == QUEUED]
    chosen = clients if in_doubt else missing
    zones = Counter(client.timezone for client in chosen if mailing.window)
    return Chunk(waiting, len(chosen), len(new) if is_over else 0, zones)


def _complete_fanout(services: Services, mailing: Mailing) -> None:
    """If all slices are done, write the size of the audience as the total of the mailing."""
    slices = services.slices.of_mailing(mailing.id)
    if sum(audience_slice.done for audience_slice in slices) < mailing.started_plan.slices:
        return
    chosen = sum(audience_slice.client_count for audience_slice in slices)
    counted = services.mailings.mark_fanned_out(mailing.id, chosen, services.clock.now())
    log.info("fanned out", extra={"mailing_id": mailing.id, "number": chosen})
    counted = conclude_count(services, counted) if counted is not None else None
    if counted is not None and counted.awaits_feed:
        feed.begin(services, counted)
    if counted is not None and (counted.needs_reconciliation or counted.status == CANCELLED):
        request_reconciliation(services, counted)
