"""The sweep plan: the step that the sweep takes for a stalled or late mailing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from .approval import COUNTING
from .mailing import CANCELLED, PAUSED, RUNNING, SCHEDULED, Mailing
from .rounds import LONGEST_PAUSE, QUIET_PERIOD, is_running, may_begin, may_have_lost_jobs

STALLED_AFTER = timedelta(minutes=2)
"""Without progress for this long, a worker has died or a queue message is lost."""

ROUND_INTERVAL = timedelta(seconds=50)
"""The shortest time between two reconciliation rounds that the sweep begins."""

BUSY_ROUND_INTERVAL = timedelta(minutes=5)
"""The same for a stalled mailing while the send queue is busy: its messages may only wait behind those of others."""

STILL_AFTER = timedelta(minutes=20)
"""If no mailing makes progress for this long, no message waits behind others: a delay of the queue is at most 15
minutes."""

LONGEST_BACKLOG = timedelta(hours=4)
"""After this long nothing is taken for a backlog: other mailings may progress by retries alone, which do not show how
far the queue is read."""

WAIT_RECORD_INTERVAL = timedelta(minutes=1)


class SweepStep(Enum):
    START = "start"
    RELEASE = "release"
    WALK = "walk"
    CONTINUE = "continue"
    RECONCILE = "reconcile"
    REQUEUE = "requeue"
    REQUEUE_OVERDUE = "requeue_overdue"


@dataclass(frozen=True)
class SendQueue:
    """What the sweep knows of the send queue.

    `is_idle`: it has no messages, so waiting messages have lost their queue messages. `read_until`: messages that were
    queued before this moment have been received, unless the queue delays them; None if this is not known.
    """

    is_idle: bool
    read_until: datetime | None = None


def read_until(mailings: Iterable[Mailing], now: datetime) -> datetime | None:
    """How far senders have read the queue, by the progress of all running mailings."""
    running = [mailing for mailing in mailings if mailing.status == RUNNING]
    progress_at = max((mailing.progress_at for mailing in running if mailing.progress_at), default=None)
    if progress_at is None or now - progress_at >= STILL_AFTER:
        return now
    return max((mailing.reached_at for mailing in running if mailing.reached_at), default=None)


def next_sweep_step(mailing: Mailing, now: datetime, queue: SendQueue) -> SweepStep | None:
    """The step for an open mailing; None if it needs none."""
    if mailing.status == SCHEDULED:
        return SweepStep.START if now >= mailing.datetime_start else None
    if mailing.status == RUNNING and any(opens_at + QUIET_PERIOD <= now for opens_at in mailing.releases):
        return SweepStep.RELEASE
    if (not mailing.is_fanned_out or _awaits_count(mailing)) and _is_stalled(mailing, now):
        return SweepStep.WALK
    if is_running(mailing):
        return SweepStep.CONTINUE if may_have_lost_jobs(mailing, now) else None
    return _next_round(mailing, now, queue) if may_begin(mailing, now) else None


def _awaits_count(mailing: Mailing) -> bool:
    """The end of the fan-out decides whether the mailing needs an approval, and has not done it yet."""
    return mailing.status == PAUSED and mailing.approval == COUNTING


def _next_round(mailing: Mailing, now: datetime, queue: SendQueue) -> SweepStep | None:
    progress_age, round_age = _since(mailing.progress_at, now), _since(mailing.round_started_at, now)
    if mailing.has_orders and (mailing.rounds < mailing.first_valid_round or round_age >= STALLED_AFTER):
        return SweepStep.RECONCILE
    if not mailing.is_fanned_out:
        return None
    if _needs_round(mailing, now):
        return SweepStep.RECONCILE if round_age >= ROUND_INTERVAL else None
    has_progressed = progress_age < round_age
    if mailing.status == RUNNING and mailing.awaits_canary and _is_stalled(mailing, now) and has_progressed:
        return SweepStep.RECONCILE  # all other messages wait for the canary, so this does not wait for an idle queue
    if mailing.status == RUNNING and mailing.awaits_hours and mailing.rounds < mailing.first_valid_round:
        return SweepStep.RECONCILE  # local hours may open before the new end, and no release is scheduled for them
    if mailing.status != RUNNING or (mailing.awaits_hours and not has_progressed):
        return None
    if queue.is_idle and progress_age >= QUIET_PERIOD and has_progressed:
        return SweepStep.RECONCILE  # all messages may be final: a dead sender adds no counts
    if not _is_stalled(mailing, now):
        return None
    if queue.is_idle:
        return SweepStep.REQUEUE
    # Other mailings may keep the queue busy for hours.
    if has_progressed:
        return SweepStep.RECONCILE if round_age >= BUSY_ROUND_INTERVAL else None
    return SweepStep.REQUEUE_OVERDUE if _has_lost_messages(mailing, now, queue) else None


def _has_lost_messages(mailing: Mailing, now: datetime, queue: SendQueue) -> bool:
    """Whether senders have read the queue beyond the messages of this mailing, and none of them brought progress.

    Its messages may wait behind those of others (then the queue is not read so far), for the gateway or a rate (then
    senders record it in `waits_until`), or for their own next attempt (their rows say so). The pauses between two such
    rounds double.
    """
    moments = (mailing.progress_at, mailing.round_started_at, mailing.waits_until)
    active_at = max((moment for moment in moments if moment), default=mailing.datetime_start)
    pause = max(BUSY_ROUND_INTERVAL, min(LONGEST_PAUSE, _since(mailing.progress_at, active_at)))
    is_read = queue.read_until is not None and queue.read_until - active_at >= STALLED_AFTER
    return now - active_at >= (pause if is_read else LONGEST_BACKLOG)


def needs_wait_record(mailing: Mailing, now: datetime, waits_until: datetime) -> bool:
    """Whether to record that senders have received messages of this mailing, and until when they gave them back."""
    if mailing.status != RUNNING or _since(mailing.progress_at, now) < STALLED_AFTER:
        return False
    return mailing.waits_until is None or waits_until - mailing.waits_until >= WAIT_RECORD_INTERVAL


def _is_stalled(mailing: Mailing, now: datetime) -> bool:
    return min(_since(mailing.progress_at, now), _since(mailing.round_started_at, now)) >= STALLED_AFTER


def _needs_round(mailing: Mailing, now: datetime) -> bool:
    """The mailing can end, its canary has a result, or messages are expired although the end was moved."""
    expired_too_early = mailing.status == RUNNING and mailing.counts.expired > 0
    return mailing.is_over(now) or mailing.needs_reconciliation or mailing.status == CANCELLED or expired_too_early


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return now - moment if moment else timedelta.max
