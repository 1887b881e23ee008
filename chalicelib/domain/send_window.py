"""Local hours: when the clock on a client's wall allows a message, and when it will allow one next.

Moments are aware and in UTC, where an hour is an hour; a wall clock is only ever read from one of them, so that a
skipped or a doubled hour, a half-hour zone and a country that changes sides of the date line need no rule of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import pairwise

Zones = Callable[[str], tzinfo]
"""A time zone by its name."""

HORIZON_HOURS = 72
"""A window opens every day; where a day has none (its hour is skipped, or the whole day is), the next one has."""

REACH = timedelta(minutes=15)
"""As long as a queue can hold a message back: who has an opening so soon need not wait for it elsewhere."""

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class SendWindow:
    """From `opens`, inclusive, to `closes`, exclusive, each day; over midnight where `closes` is the earlier."""

    opens: time
    closes: time

    def is_open(self, zone: tzinfo, moment: datetime) -> bool:
        clock = moment.astimezone(zone).time()
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes

    def opens_just_at(self, zone: tzinfo, moment: datetime) -> bool:
        return self.is_open(zone, moment) and not self.is_open(zone, moment - SECOND)

    def next_opening(self, zone: tzinfo, now: datetime) -> datetime | None:
        """The first moment from now on at which it is open; None where there is none within three days."""
        if self.is_open(zone, now):
            return now
        moments = sorted({*self._strikes(zone, now), *_shifts(zone, now)})
        return next((moment for moment in moments if self.is_open(zone, moment)), None)

    def _strikes(self, zone: tzinfo, now: datetime) -> Iterator[datetime]:
        """When the clock would strike the opening hour, by each of the offsets that the zone has meanwhile."""
        end = now + HORIZON_HOURS * HOUR
        for offset in {offset_of(zone, moment) for moment in _hours(now)}:
            day = (now + offset).replace(hour=self.opens.hour, minute=self.opens.minute, second=0, microsecond=0)
            moments = (day + days * DAY - offset for days in range(HORIZON_HOURS // 24 + 1))
            yield from (moment for moment in moments if now < moment <= end)


class Hours:
    """A mailing's window at one moment, worked out once for each time zone, however many clients live there."""

    def __init__(self, window: SendWindow | None, zones: Zones, now: datetime) -> None:
        self._window = window
        self._zones = zones
        self._now = now
        self._opens_at: dict[str, datetime | None] = {}

    def opens_at(self, timezone: str | None) -> datetime | None:
        """Now where it is open, or where nobody knows whose clock it is: then the sender will find out."""
        if self._window is None or timezone is None:
            return self._now
        if timezone not in self._opens_at:
            self._opens_at[timezone] = self._window.next_opening(self._zones(timezone), self._now)
        return self._opens_at[timezone]

    def holds(self, timezone: str | None) -> bool:
        """It is closed there, and for longer than a queue can hold a message back."""
        opens_at = self.opens_at(timezone)
        return opens_at is None or opens_at - self._now > REACH

    def releases(self) -> set[datetime]:
        """When those open that were asked for and hold."""
        return {opens_at for opens_at in self._opens_at.values() if opens_at and opens_at - self._now > REACH}


def offset_of(zone: tzinfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _hours(now: datetime) -> list[datetime]:
    return [now + hours * HOUR for hours in range(HORIZON_HOURS + 1)]


def _shifts(zone: tzinfo, now: datetime) -> Iterator[datetime]:
    """When clocks are put forward or back: the jump may lead into the window. To the minute, as they are."""
    hours = _hours(now.astimezone(UTC).replace(second=0, microsecond=0))
    for before, after in pairwise(hours):
        if offset_of(zone, before) != offset_of(zone, after):
            minutes = (before + minutes * MINUTE for minutes in range(1, 61))
            shift = next(minute for minute in minutes if offset_of(zone, minute) != offset_of(zone, before))
            if shift > now:
                yield shift
