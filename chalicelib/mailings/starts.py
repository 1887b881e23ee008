"""How a mailing is woken at its start: by a job of the queue if it is near, otherwise by a schedule.

EventBridge Scheduler fires within a minute of the moment, a delayed queue message within a second. If one of them is
lost, the sweep starts the mailing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from ..domain.jobs import StartMailing
from ..domain.mailing import SCHEDULED, Mailing

if TYPE_CHECKING:
    from ..adapters.services import Services

NEAR = timedelta(minutes=1)

CLOCK_MARGIN = 1
"""Seconds that the job is later than the start: the worker's clock may be behind, and it starts nothing too early."""


def has_schedule(mailing: Mailing, now: datetime) -> bool:
    return mailing.status == SCHEDULED and mailing.datetime_start - now >= NEAR


def arrange_start(services: Services, mailing: Mailing) -> None:
    now = services.clock.now()
    if has_schedule(mailing, now):
        services.schedules.set(mailing.id, mailing.datetime_start)
    elif mailing.status == SCHEDULED:
        seconds = (mailing.datetime_start - now).total_seconds()
        delay = ceil(seconds) + CLOCK_MARGIN if seconds > 0 else 0
        services.jobs_queue.send([StartMailing(mailing.id)], [delay])
