"""Plan a mailing into segments; walk one segment.

First the messages' rows, then their queue messages, then the cursor: whatever is interrupted is done again
from the cursor, and doing it again is harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.audience import plan_audience
from ..domain.client import CLIENT_ID, Client
from ..domain.decisions import started
from ..domain.mailing import CANCELLED, SCHEDULED, Counts, Mailing
from ..domain.message import EXPIRED, QUEUED, Message
from ..domain.segment import Segment
from ..domain.walk import Cursor, walk
from ..errors import RowChanged
from ..logs import log, log_clients, measure
from . import local_hours, reconcile
from .queueing import queue_messages

if TYPE_CHECKING:
    from ..adapters.outside import Outside

PAGE = 1000
ENOUGH = PAGE // 2
"""Clients that are worth a page: a block is one read, and so is what would be left of the next one."""

CHUNK = 125
"""Clients whose rows one thread writes: five BatchWriteItem, all of them full; eight threads have a page in one go."""

THREADS = 8
SECONDS_FOR_A_PAGE = 15.0
LEASE_MARGIN = timedelta(seconds=5)


@dataclass(frozen=True)
class Page:
    """`cursor`: where the next page begins; None: this one is the last."""

    clients: list[Client]
    cursor: Cursor | None


def ask_start(outside: Outside, mailing_id: int) -> None:
    outside.segments_queue.send([{"job": "start", "mailing": mailing_id}])


def start_mailing(outside: Outside, mailing_id: int) -> bool:
    """Take the audience, once, and queue its segments. False when it is not, or no longer, to be started.

    A schedule may fire for a mailing that was moved or deleted: what counts is the mailing as it is now.
    """
    mailing = outside.mailings.get(mailing_id)
    now = outside.clock.now()
    if mailing is None or mailing.status != SCHEDULED or now < mailing.datetime_start:
        return False
    plan = plan_audience(mailing.chosen, outside.counters.last_id(CLIENT_ID))
    try:
        mailing = outside.mailings.change(mailing, started(mailing, plan, now))
    except RowChanged:  # started by another, or changed: then it is asked for anew, at the latest by the sweep
        return False
    queue_segments(outside, mailing, range(plan.segments))
    log.info("started", extra={"mailing_id": mailing_id, "segments": plan.segments})
    return True


def queue_segments(outside: Outside, mailing: Mailing, numbers: range | list[int]) -> None:
    outside.segments_queue.send([{"job": "walk", "mailing": mailing.id, "segment": n} for n in numbers])


def resume_fanout(outside: Outside, mailing: Mailing) -> None:
    """Queue again the segments that are not done; those that somebody walks right now are leased to him."""
    done = {segment.number for segment in outside.segments.of_mailing(mailing.id) if segment.done}
    missing = [number for number in range(mailing.started_plan.segments) if number not in done]
    if missing:
        queue_segments(outside, mailing, missing)
    else:
        _conclude(outside, mailing)


def walk_segment(outside: Outside, mailing_id: int, number: int, seconds_left: Callable[[], float]) -> bool:
    """Walk one segment page by page; False when time ran out, and the rest is for the next turn.

    Raises SegmentBusy while another worker walks it.
    """
    mailing = outside.mailings.get(mailing_id)
    if mailing is None or mailing.plan is None or number not in range(mailing.plan.segments):
        return True
    now = outside.clock.now()
    until = now + timedelta(seconds=seconds_left()) + LEASE_MARGIN
    kept_until = mailing.kept_until(outside.settings.message_retention_days)
    segment = outside.segments.lease(mailing_id, number, now, until, kept_until)
    with ThreadPoolExecutor(THREADS) as threads:
        ahead = threads.submit(_read_page, outside, mailing, segment)
        while not segment.done:
            if seconds_left() < SECONDS_FOR_A_PAGE:
                outside.segments.give_back(segment)
                return False
            if mailing.status == CANCELLED:  # whoever is not reached by now is not chosen any more
                segment = replace(segment, done=True)
                outside.segments.give_back(segment)
                break
            page = ahead.result()
            if page.cursor is not None:  # the next one is read while this one is written
                ahead = threads.submit(_read_page, outside, mailing, replace(segment, cursor=page.cursor))
            segment, counts = _write_page(outside, threads, mailing, segment, page)
            counted = outside.mailings.add_counts(mailing_id, counts, outside.clock.now())
            if counted is None:  # deleted meanwhile
                return True
            mailing = counted
    _conclude(outside, mailing)
    return True


def _write_page(
    outside: Outside, threads: ThreadPoolExecutor, mailing: Mailing, segment: Segment, page: Page
) -> tuple[Segment, Counts]:
    """Rows, then queue messages, then the cursor; the counts are what the page adds to the mailing's.

    Whose window is closed waits without a queue message, and so does whom a canary keeps waiting.
    """
    begun_at = outside.clock.now()
    clients = page.clients
    chunks = [clients[start : start + CHUNK] for start in range(0, len(clients), CHUNK)]
    written = list(threads.map(lambda chunk: _write_chunk(outside, mailing, chunk, segment.in_doubt), chunks))
    there = local_hours.now_for(outside, mailing)
    waiting = [message for messages, _ in written for message in messages if not there.holds(message.timezone)]
    queue_messages(outside, mailing, waiting, threads)
    local_hours.await_releases(outside, mailing, there)
    _measure_page(outside, len(clients), begun_at)
    counts = Counts(total=len(clients), expired=sum(expired for _, expired in written))
    segment = replace(segment, chosen=segment.chosen + len(clients))
    if page.cursor is None:
        segment = replace(segment, done=True)
        outside.segments.give_back(segment)
    else:
        segment = replace(segment, cursor=page.cursor)
        outside.segments.advance(segment)
    return segment, counts


def _measure_page(outside: Outside, number: int, begun_at: datetime) -> None:
    if number:
        took = (outside.clock.now() - begun_at).total_seconds() * 1000
        measure({"FanOutMessages": number}, {"FanOutMilliseconds": [took]})


def _read_page(outside: Outside, mailing: Mailing, segment: Segment) -> Page:
    plan = mailing.started_plan
    first, last = plan.id_range(segment.number)
    partitions = plan.partitions(mailing.chosen, segment.number)
    clients, cursor = walk(
        read=lambda index, after, size: outside.clients.read(partitions[index], max(after, first - 1), last, size),
        key=lambda client: client.id,
        partitions=len(partitions),
        cursor=segment.cursor,
        limit=PAGE,
        keep=mailing.chosen.chooses,
        enough=ENOUGH,
    )
    return Page(clients, cursor)


def _write_chunk(
    outside: Outside, mailing: Mailing, clients: list[Client], in_doubt: bool
) -> tuple[list[Message], int]:
    """Write the rows; those that wait are to be queued, and so many came too late and are expired from the start.

    Where a turn ended without a word, rows beyond the cursor may exist: they are kept as they are, and
    those that wait are queued again.
    """
    now = outside.clock.now()
    status = EXPIRED if mailing.is_over(now) else QUEUED
    shards = mailing.started_plan.shards
    known = outside.messages.existing(mailing.id, [client.id for client in clients], shards) if in_doubt else {}
    zones = {client.id: client.timezone if mailing.window else None for client in clients}
    new = [Message(mailing.id, one, status, now, timezone=zones[one]) for one in zones if one not in known]
    kept_until = mailing.kept_until(outside.settings.message_retention_days)
    outside.messages.add(new, shards, kept_until)
    log_clients("created", [message.client_id for message in new], mailing_id=mailing.id, status=status)
    waiting = [message for message in [*known.values(), *new] if message.status == QUEUED]
    return waiting, len(new) if status == EXPIRED else 0


def _conclude(outside: Outside, mailing: Mailing) -> None:
    """When the last segment is done the audience is known: its size becomes the mailing's total."""
    segments = outside.segments.of_mailing(mailing.id)
    if sum(segment.done for segment in segments) < mailing.started_plan.segments:
        return
    chosen = sum(segment.chosen for segment in segments)
    counted = outside.mailings.mark_fanned_out(mailing.id, chosen, outside.clock.now())
    log.info("fanned out", extra={"mailing_id": mailing.id, "number": chosen})
    if counted is not None and (counted.is_ripe or counted.status == CANCELLED):
        reconcile.ask_recount(outside, counted)
