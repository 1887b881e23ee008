"""What the sweep owes a mailing that others have left lying."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from .mailing import CANCELLED, RUNNING, SCHEDULED, Mailing

STALL = timedelta(minutes=2)
LULL = timedelta(seconds=30)
ROUND_REST = timedelta(seconds=50)


class SweepStep(Enum):
    START = "start"
    RELEASE = "release"
    WALK = "walk"
    RECONCILE = "reconcile"
    REQUEUE = "requeue"


def next_sweep_step(mailing: Mailing, now: datetime, queue_is_idle: bool) -> SweepStep | None:
    """One step for an open mailing, None where everything goes its way.

    `queue_is_idle`: no queue message is left that could move it, so what waits has lost its own.
    """
    if mailing.status == SCHEDULED:
        return SweepStep.START if now >= mailing.datetime_start else None
    if mailing.status == RUNNING and any(opens_at + LULL <= now for opens_at in mailing.releases):
        return SweepStep.RELEASE
    progress_age, round_age = _since(mailing.progress_at, now), _since(mailing.round_started_at, now)
    stalled = min(progress_age, round_age) >= STALL
    if not mailing.is_fanned_out and stalled:
        return SweepStep.WALK
    if mailing.has_orders and (mailing.rounds < mailing.first_valid_round or round_age >= STALL):
        return SweepStep.RECONCILE
    if not mailing.is_fanned_out:
        return None
    if _is_misplaced(mailing, now):
        return SweepStep.RECONCILE if round_age >= ROUND_REST else None
    if mailing.status == RUNNING and mailing.holds and stalled and progress_age < round_age:
        return SweepStep.RECONCILE  # as below; everybody waits for these few, so not until others have left the queue
    if mailing.status != RUNNING or not queue_is_idle:
        return None
    if mailing.awaits_hours and progress_age >= round_age:  # and nothing has happened since that was found
        return None
    if progress_age >= LULL and progress_age < round_age:
        return SweepStep.RECONCILE  # all may be done: a sender that died has counted nothing
    return SweepStep.REQUEUE if stalled else None


def _is_misplaced(mailing: Mailing, now: datetime) -> bool:
    """It should be finished, or nearly so; its canary is known; or messages are expired although its end was moved."""
    expired_too_early = mailing.status == RUNNING and mailing.counts.expired > 0
    return mailing.is_over(now) or mailing.is_ripe or mailing.status == CANCELLED or expired_too_early


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return now - moment if moment else timedelta.max
