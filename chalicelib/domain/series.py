"""A series: a mailing that is repeated. Each occurrence is a mailing of its own, made when its start comes.

The rule says when a mailing starts. The row has the next start; a mailing is made by the write that moves it on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from .mailing import Mailing
from .recurrence import Recurrence
from .send_window import SECOND, Zones

ACTIVE, PAUSED, ENDED = "active", "paused", "ended"
STATUSES = (ACTIVE, PAUSED, ENDED)

SERIES_ID = "series_id"
"""The counter of series ids."""

MAILINGS_KEPT = 31
"""A series remembers so many of its mailings, the newest ones."""


@dataclass(frozen=True)
class Series:
    """`mailing`: the next mailing as it will be, with its dates and without an id.

    `times`: how many mailings the series has; None: no limit. `made` have been made, `missed` could not be made while
    they would have sent. `last_start`: the start of the last one that was made or missed; no earlier one is ever made.
    `mailing_ids`: the newest mailings, the newest first. `version` changes with each write.
    """

    id: int
    mailing: Mailing
    rule: Recurrence
    times: int | None = None
    status: str = ACTIVE
    made: int = 0
    missed: int = 0
    last_start: datetime | None = None
    mailing_ids: tuple[int, ...] = ()
    version: int = 1

    @property
    def starts_at(self) -> datetime:
        return self.mailing.datetime_start

    @property
    def length(self) -> timedelta:
        return self.mailing.datetime_end - self.mailing.datetime_start

    @property
    def times_left(self) -> int | None:
        return None if self.times is None else self.times - self.made - self.missed

    @property
    def is_over(self) -> bool:
        return self.status == ENDED

    def is_due(self, now: datetime) -> bool:
        return self.status == ACTIVE and now >= self.starts_at


def next_starts(series: Series, number: int, zones: Zones) -> list[datetime]:
    """The starts of the next mailings, at most `number`; none of a series that has ended."""
    if series.is_over:
        return []
    left = number if series.times_left is None else min(number, series.times_left)
    return list(islice(series.rule.starts(zones(series.rule.timezone), series.starts_at), left))


def starts_between(series: Series, start_from: datetime, start_before: datetime, zones: Zones) -> list[datetime]:
    """The starts of an active series from `start_from` on and before `start_before`, among those that are left."""
    if series.status != ACTIVE:
        return []
    since = series.starts_at if series.times_left is not None else max(series.starts_at, start_from)
    starts = takewhile(lambda start: start < start_before, series.rule.starts(zones(series.rule.timezone), since))
    return [start for start in islice(starts, series.times_left) if start >= start_from]


def next_due(series: Series, now: datetime, zones: Zones) -> tuple[Series, Mailing | None]:
    """What becomes of a due series: the series afterwards, and the mailing to make, without an id.

    Mailings that would be over by now are counted as missed. None if there are only such mailings: the start of the
    next one has not come, or the series has ended.
    """
    while series.is_due(now):
        mailing, is_missed = series.mailing, series.mailing.is_over(now)
        counted = replace(series, made=series.made + (not is_missed), missed=series.missed + is_missed)
        series = with_start(replace(counted, last_start=series.starts_at), series.starts_at, zones)
        if not is_missed:
            return series, replace(mailing, series_id=series.id)
    return series, None


def with_mailing(series: Series, mailing_id: int) -> Series:
    return replace(series, mailing_ids=(mailing_id, *series.mailing_ids)[:MAILINGS_KEPT])


def with_start(series: Series, since: datetime, zones: Zones) -> Series:
    """The series with its next start at `since` or later, or ended. No start is taken twice."""
    if series.last_start is not None:
        since = max(since, series.last_start + SECOND)
    start = series.rule.next_start(zones(series.rule.timezone), since)
    if start is None or series.times_left == 0 or is_beyond_time(start, series.length):
        return replace(series, status=ENDED)
    return replace(series, mailing=replace(series.mailing, datetime_start=start, datetime_end=start + series.length))


def is_beyond_time(start: datetime, length: timedelta) -> bool:
    return datetime.max.replace(tzinfo=UTC) - start < length
