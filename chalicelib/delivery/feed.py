"""Feed the send queue with the messages of a mailing that has a rate limit, a few minutes before their turn.

Messages whose turn is far away wait in their rows without a queue message: the fan-out, a release and a sender leave
them there. A feed walks all rows of the mailing, in lanes, and queues those that wait. The sweep wakes it every minute;
no feed wakes itself. If messages are left behind its cursors, another feed follows.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from ..domain.jobs import FeedMailing
from ..domain.mailing import RUNNING, Mailing
from ..logs import log
from .rate_limits import forget_booking, limits_of, seconds_booked

if TYPE_CHECKING:
    from ..adapters.services import Services

MAX_LANES = 40
LANE_RATE = 400.0
"""Messages a second that one worker queues with ease; a faster mailing needs more workers."""

RUNNING_OUT = 60.0
"""Seconds: messages that left the queue are fed when the others have left it too, because their rows look the same."""


def begin(services: Services, mailing: Mailing) -> None:
    """Begin a feed from the first row, in place of one that is under way. It waits until the fan-out is complete."""
    if mailing.status != RUNNING or not mailing.is_fanned_out:
        return
    begun = services.mailings.begin_feed(mailing)
    if begun is not None:
        log.info("feed begins", extra={"mailing_id": mailing.id, "feed": begun.feed})
        _wake(services, begun)


def begin_after_round(services: Services, mailing: Mailing) -> None:
    """If a reconciliation round has found messages without queue messages: forget their old delays, and feed."""
    if mailing.awaits_feed and mailing.status == RUNNING:
        forget_booking(services, mailing)
        begin(services, mailing)


def continue_feed(services: Services, mailing: Mailing) -> bool:
    """For the sweep: wake the feed, also if it has to begin. Returns False if no message waits for it."""
    waits = mailing.is_feeding or _may_begin(mailing)
    if mailing.status != RUNNING or not waits or mailing.is_over(services.clock.now()):
        return False
    _wake(services, mailing)
    return True


def begin_if_needed(services: Services, mailing: Mailing) -> None:
    """Begin another feed for the messages that left the queue, unless others of the mailing still wait in it."""
    if _may_begin(mailing) and seconds_booked(services, mailing) <= RUNNING_OUT:
        begin(services, mailing)


def _may_begin(mailing: Mailing) -> bool:
    """While the mailing has orders, a reconciliation round begins the feed."""
    return mailing.awaits_feed and mailing.is_fanned_out and not mailing.has_orders


def _wake(services: Services, mailing: Mailing) -> None:
    number = workers_of(services, mailing) if mailing.is_feeding else 1
    services.jobs_queue.send([FeedMailing(mailing.id, mailing.feed)] * number)


def workers_of(services: Services, mailing: Mailing) -> int:
    """The number of workers that walk lanes of a feed at the same time."""
    limits = limits_of(services.settings, mailing)
    return min(ceil(limits.lowest / LANE_RATE) if limits else MAX_LANES, lanes_of(mailing))


def lanes_of(mailing: Mailing) -> int:
    """The number of lanes of a feed. Each has every n-th shard of the mailing's messages."""
    return min(mailing.started_plan.shards, MAX_LANES)
