"""Silence: how long a mailing that may send has made no progress. An alarm and a gauge of Prometheus use it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from .approval import HELD
from .mailing import PAUSED, RUNNING, Mailing

TAIL = 20
"""The last messages of a mailing, one in so many, may be those to bad recipients. The gateway answers a temporary error
to each of their attempts, until the end of the mailing."""


def silence(mailing: Mailing, now: datetime) -> timedelta | None:
    """The time since the last progress of a running mailing. None if none of its messages may be posted now.

    Progress is a message with a final status, or a page of the fan-out. A pause is no silence, nor is the time in which
    all messages wait for their local hours: silence begins anew after it. Time in which messages wait for the gateway,
    a rate limit, the canary or other mailings is silence.
    """
    if mailing.status != RUNNING or mailing.is_over(now) or mailing.awaits_hours or _is_almost_done(mailing):
        return None
    moments = (mailing.progress_at, mailing.posting_since)
    return now - max((moment for moment in moments if moment), default=mailing.datetime_start)


def _is_almost_done(mailing: Mailing) -> bool:
    return mailing.is_fanned_out and mailing.counts.queued * TAIL <= mailing.counts.total


def longest_silence(mailings: Iterable[Mailing], now: datetime) -> timedelta | None:
    """None if no mailing has a message that may be posted now."""
    found = (silence(mailing, now) for mailing in mailings)
    return max((one for one in found if one is not None), default=None)


def is_paused_by_service(mailing: Mailing, now: datetime) -> bool:
    """Whether the brake, the canary or a limit on the cost has paused the mailing, and a person can still resume it."""
    is_held = mailing.approval in HELD
    return mailing.status == PAUSED and mailing.paused_because is not None and not is_held and not mailing.is_over(now)
