"""The sweep plan: the step that the sweep takes for a stalled or late mailing."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from .mailing import CANCELLED, RUNNING, SCHEDULED, Mailing

STALLED_AFTER = timedelta(minutes=2)
"""Without progress for this long, a worker has died or a queue message is lost."""

QUIET_PERIOD = timedelta(seconds=30)
"""Without progress for this long, no worker is expected to report more outcomes soon."""

ROUND_INTERVAL = timedelta(seconds=50)
"""The shortest time between two reconciliation rounds that the sweep begins."""

BUSY_ROUND_INTERVAL = timedelta(minutes=5)
"""The same for a stalled mailing while the send queue is busy: its messages may only wait behind those of others."""


class SweepStep(Enum):
    START = "start"
    RELEASE = "release"
    WALK = "walk"
    RECONCILE = "reconcile"
    REQUEUE = "requeue"


def next_sweep_step(mailing: Mailing, now: datetime, queue_is_idle: bool) -> SweepStep | None:
    """The step for an open mailing; None if it needs none.

    `queue_is_idle`: the send queue has no messages left, so waiting messages have lost their queue messages.
    """
    if mailing.status == SCHEDULED:
        return SweepStep.START if now >= mailing.datetime_start else None
    if mailing.status == RUNNING and any(opens_at + QUIET_PERIOD <= now for opens_at in mailing.releases):
        return SweepStep.RELEASE
    progress_age, round_age = _since(mailing.progress_at, now), _since(mailing.round_started_at, now)
    stalled = min(progress_age, round_age) >= STALLED_AFTER
    if not mailing.is_fanned_out and stalled:
        return SweepStep.WALK
    if mailing.has_orders and (mailing.rounds < mailing.first_valid_round or round_age >= STALLED_AFTER):
        return SweepStep.RECONCILE
    if not mailing.is_fanned_out:
        return None
    if _needs_round(mailing, now):
        return SweepStep.RECONCILE if round_age >= ROUND_INTERVAL else None
    if mailing.status == RUNNING and mailing.awaits_canary and stalled and progress_age < round_age:
        return SweepStep.RECONCILE  # all other messages wait for the canary, so this does not wait for an idle queue
    if mailing.status != RUNNING:
        return None
    if not queue_is_idle:
        # Other mailings may keep the queue busy for hours, while all messages of this one are final and a dead sender
        # has not added their counts.
        may_be_done = stalled and progress_age < round_age and round_age >= BUSY_ROUND_INTERVAL
        return SweepStep.RECONCILE if may_be_done else None
    if mailing.awaits_hours and progress_age >= round_age:  # no progress since that round
        return None
    if progress_age >= QUIET_PERIOD and progress_age < round_age:
        return SweepStep.RECONCILE  # all messages may be final: a dead sender adds no counts
    return SweepStep.REQUEUE if stalled else None


def _needs_round(mailing: Mailing, now: datetime) -> bool:
    """The mailing can end, its canary has a result, or messages are expired although the end was moved."""
    expired_too_early = mailing.status == RUNNING and mailing.counts.expired > 0
    return mailing.is_over(now) or mailing.needs_reconciliation or mailing.status == CANCELLED or expired_too_early


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return now - moment if moment else timedelta.max
