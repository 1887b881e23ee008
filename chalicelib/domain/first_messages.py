"""When clients get their first message, by their UTC offsets, and whether local hours move it to a later day.

Ten in the morning "in each client's own time zone" needs a start before the day begins in the east. A start that is
later sends to the clients there on the next day, which a person has to be told before the launch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo

from .forecast import LAST_OPENING
from .recurrence import first_moment
from .send_window import HOUR, MINUTE, SendWindow, Zones, offset_name, offset_of

SOON = 6 * HOUR
"""A start so long before the first message of a day that all clients get theirs on is meant for that day."""


@dataclass(frozen=True)
class FirstMessage:
    """Of the clients with one UTC offset, in minutes. `at`: None if their local hours do not open before the end."""

    offset: int
    clients: int
    at: datetime | None

    @property
    def name(self) -> str:
        return offset_name(self.offset)

    @property
    def local_time(self) -> datetime | None:
        return self.at.astimezone(self._zone) if self.at else None

    def is_outside(self, hours: SendWindow) -> bool:
        """Whether the client's clock is outside these hours then. False without a first message."""
        return self.at is not None and not hours.is_open(self._zone, self.at)

    @property
    def _zone(self) -> tzinfo:
        return timezone(timedelta(minutes=self.offset))


@dataclass(frozen=True)
class Delay:
    """`late` of the `clients` get their message after the `day` of the start, by their own clocks.

    `start`: the latest one with which all get it on that day, from the opening of their hours on; None if none is left.
    """

    day: date
    late: int
    clients: int
    start: datetime | None


@dataclass(frozen=True)
class LocalStarts:
    """What the start of a mailing means in the time zones of its clients. `clients`: numbers by time zone."""

    clients: Mapping[str, int]
    window: SendWindow | None
    end: datetime
    zones: Zones

    def first_messages(self, start: datetime) -> list[FirstMessage]:
        """In the order in which a day begins. Empty at the end of the calendar."""
        if start >= LAST_OPENING:
            return []
        found = Counter[tuple[int, datetime | None]]()
        for name, number in self.clients.items():
            at = self._first(name, start)
            found[offset_of(self.zones(name), at or start) // MINUTE, at] += number
        ordered = sorted(found.items(), key=lambda item: (-item[0][0], item[0][1] or self.end))
        return [FirstMessage(offset, number, at) for (offset, at), number in ordered]

    def delay(self, start: datetime, day: date, now: datetime) -> Delay | None:
        """`day`: that of the start, by the clocks of the person who has set it."""
        firsts = self.first_messages(start)
        if self.window is None or self._is_for_one_day(firsts, start):
            return None
        late = sum(one.clients for one in firsts if _is_late(one, start, day))
        is_missed = late or any(one.at is None for one in firsts)
        latest = self._latest_start(day) if is_missed else None
        if latest is not None and latest <= now:
            latest = None
        return Delay(day, late, sum(self.clients.values()), latest) if late or latest else None

    def _first(self, name: str, start: datetime) -> datetime | None:
        at = self.window.next_opening(self.zones(name), start) if self.window else start
        return at if at is not None and at < self.end else None

    def _is_for_one_day(self, firsts: list[FirstMessage], start: datetime) -> bool:
        moments = [one.at for one in firsts if one.at]
        is_soon = bool(moments) and min(moments) - start <= SOON
        return is_soon and len({_local_day(one) for one in firsts}) == 1

    def _latest_start(self, day: date) -> datetime | None:
        """The opening of the hours in the time zone in which they open first, if all clients get theirs on this day."""
        openings = [self._opening(name, day) for name in self.clients]
        known = [opening for opening in openings if opening is not None]
        if len(known) < len(openings):
            return None
        start = min(known)
        return start if {_local_day(one) for one in self.first_messages(start)} == {day} else None

    def _opening(self, name: str, day: date) -> datetime | None:
        assert self.window is not None
        midnight = first_moment(self.zones(name), datetime.combine(day, time.min))
        return self.window.next_opening(self.zones(name), midnight) if midnight else None


def shared_local_time(firsts: Iterable[FirstMessage]) -> datetime | None:
    """The date and time of the first message by the clients' clocks, if all show the same. Without a time zone."""
    found = {one.local_time.replace(tzinfo=None) if one.local_time else None for one in firsts}
    return found.pop() if len(found) == 1 else None


def _is_late(one: FirstMessage, start: datetime, day: date) -> bool:
    local = _local_day(one)
    return one.at is not None and one.at > start and local is not None and local > day


def _local_day(one: FirstMessage) -> date | None:
    return one.local_time.date() if one.local_time else None
