"""Local hours: whether a client's local time allows a message, and when it allows the next one.

Moments are aware and in UTC, and local times are always computed from them. Therefore skipped and doubled hours,
half-hour zones and moves across the date line need no special rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import pairwise

Zones = Callable[[str], tzinfo]
"""A time zone by its name."""

HORIZON_HOURS = 72
"""A window opens every day. If a day has no opening (its hour or the whole day is skipped), the next day has one."""

MAX_QUEUE_DELAY = timedelta(minutes=15)
"""The longest delay of a queue message in SQS. For a later opening the message waits without a queue message."""

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

FIRST_MOMENT = datetime.min.replace(tzinfo=UTC) + DAY
"""The local time of an earlier moment may be no valid date. Some programs send such a date in place of none."""


@dataclass(frozen=True)
class SendWindow:
    """From `opens`, inclusive, to `closes`, exclusive, each day. It spans midnight if `closes` is earlier."""

    opens: time
    closes: time

    def is_open(self, zone: tzinfo, moment: datetime) -> bool:
        clock = moment.astimezone(zone).time()
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes

    def is_opening(self, zone: tzinfo, moment: datetime) -> bool:
        return self.is_open(zone, moment) and not self.is_open(zone, moment - SECOND)

    def next_opening(self, zone: tzinfo, now: datetime) -> datetime | None:
        """The first moment from `now` on at which the window is open; None if there is none within HORIZON_HOURS."""
        if self.is_open(zone, now):
            return now
        moments = sorted({*self._opening_times(zone, now), *_clock_changes(zone, now)})
        return next((moment for moment in moments if self.is_open(zone, moment)), None)

    def _opening_times(self, zone: tzinfo, now: datetime) -> Iterator[datetime]:
        """The moments of the local opening time, for each UTC offset of the zone until the horizon."""
        end = now + HORIZON_HOURS * HOUR
        for offset in {offset_of(zone, moment) for moment in _hours(now)}:
            day = (now + offset).replace(hour=self.opens.hour, minute=self.opens.minute, second=0, microsecond=0)
            moments = (day + days * DAY - offset for days in range(HORIZON_HOURS // 24 + 1))
            yield from (moment for moment in moments if now < moment <= end)


class Hours:
    """A mailing's window at one moment. Each time zone is computed once."""

    def __init__(self, window: SendWindow | None, zones: Zones, now: datetime) -> None:
        self._window = window
        self._zones = zones
        self._now = now
        self._opens_at: dict[str, datetime | None] = {}

    def opens_at(self, timezone: str | None) -> datetime | None:
        """Now if the window is open or the time zone is unknown (the sender decides). None if it does not open."""
        if self._window is None or timezone is None:
            return self._now
        if timezone not in self._opens_at:
            self._opens_at[timezone] = self._window.next_opening(self._zones(timezone), self._now)
        return self._opens_at[timezone]

    def needs_release(self, timezone: str | None) -> bool:
        """Whether the window is closed for longer than MAX_QUEUE_DELAY: the message waits without a queue message."""
        opens_at = self.opens_at(timezone)
        return opens_at is None or opens_at - self._now > MAX_QUEUE_DELAY

    def releases(self) -> set[datetime]:
        """The openings of the time zones that were asked for and need a release."""
        return {opens_at for opens_at in self._opens_at.values() if opens_at and opens_at - self._now > MAX_QUEUE_DELAY}


def offset_of(zone: tzinfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def offset_name(minutes: int) -> str:
    hours, minutes_left = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{minutes_left:02d}"


def _hours(now: datetime) -> list[datetime]:
    return [now + hours * HOUR for hours in range(HORIZON_HOURS + 1)]


def _clock_changes(zone: tzinfo, now: datetime) -> Iterator[datetime]:
    """The changes of the clock, to the minute: a jump may lead into the window."""
    hours = _hours(now.astimezone(UTC).replace(second=0, microsecond=0))
    offsets = [offset_of(zone, hour) for hour in hours]
    for hour, (before, after) in zip(hours, pairwise(offsets), strict=False):
        if before != after:
            minutes = (hour + minutes * MINUTE for minutes in range(1, 61))
            shift = next(minute for minute in minutes if offset_of(zone, minute) != before)
            if shift > now:
                yield shift
