"""The rule of a series: the days on which a mailing is repeated, and the moment at which it starts on each of them.

The days and the time of day are local, in one time zone. A time that a clock change skips starts at the change. A time
that a clock change doubles starts once, the first time. A day that the zone skips has no start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo

from .send_window import DAY, MINUTE, SECOND, offset_of

DAILY = "daily"
DAYS_OF_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAST = "last"
"""The last day of a month."""
MONTH_DAYS = (*map(str, range(1, 32)), LAST)
KINDS = ((DAILY,), DAYS_OF_WEEK, MONTH_DAYS)
"""The days of one rule are of one kind."""

LONGEST_GAP = 62
"""Days between two starts, at most: one month may lack the day, or the zone may skip it, so that two months pass.

July and August, and December and January, have 62 days."""

MAX_SKIPPED = 100
"""Days that can be left out at one time."""


@dataclass(frozen=True)
class Recurrence:
    """`days`: names from one of KINDS, in the order of the kind. `skipped`: days left out.

    No mailing starts before `first_day`, or after `until`.
    """

    days: tuple[str, ...]
    at: time
    timezone: str
    first_day: date = date.min
    until: date | None = None
    skipped: frozenset[date] = frozenset()

    def has(self, day: date) -> bool:
        """Whether a mailing starts on this day."""
        return self.covers(day) and day not in self.skipped

    def covers(self, day: date) -> bool:
        """Whether the rule names this day, left out or not."""
        if day < self.first_day or (self.until is not None and day > self.until):
            return False
        is_last = LAST in self.days and (day + DAY).day == 1
        return is_last or not {DAILY, DAYS_OF_WEEK[day.weekday()], str(day.day)}.isdisjoint(self.days)

    def start_on(self, zone: tzinfo, day: date) -> datetime | None:
        """The start on this day; None if there is none."""
        if not self.has(day):
            return None
        try:
            return first_moment(zone, datetime.combine(day, self.at))
        except OverflowError:  # at the ends of the calendar
            return None

    def starts(self, zone: tzinfo, since: datetime) -> Iterator[datetime]:
        """The starts from `since` on, in their order."""
        try:
            yield from self._starts(zone, since)
        except OverflowError:  # at the ends of the calendar
            return

    def next_start(self, zone: tzinfo, since: datetime) -> datetime | None:
        """The first start at `since` or later; None if there is none."""
        return next(self.starts(zone, since), None)

    def _starts(self, zone: tzinfo, since: datetime) -> Iterator[datetime]:
        day = max(since.astimezone(zone).date(), self.first_day)
        idle = 0
        while idle <= LONGEST_GAP * (len(self.skipped) + 1) and (self.until is None or day <= self.until):
            start = self.start_on(zone, day)
            if start is not None and start >= since:
                yield start
                idle = 0
            day, idle = day + DAY, idle + 1


def first_moment(zone: tzinfo, local: datetime) -> datetime | None:
    """The first moment at which the clocks of the zone show `local`, without a zone.

    If they never show it, the moment of the change that skips it; None if the change skips the whole day.
    """
    as_utc = local.replace(tzinfo=UTC)
    moments = sorted({as_utc - offset_of(zone, as_utc + days * DAY) for days in (-1, 0, 1)})
    for moment in moments:
        if moment.astimezone(zone).replace(tzinfo=None) == local:
            return moment
    minutes = (moments[0].replace(second=0) + number * MINUTE for number in range(DAY // MINUTE + 1))
    changes = (minute for minute in minutes if offset_of(zone, minute - SECOND) != offset_of(zone, minute))
    change = next(changes, None)
    return change if change and change.astimezone(zone).date() == local.date() else None
