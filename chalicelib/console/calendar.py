"""The calendar: four weeks of scheduled mailings and starts of series, in the user's time and in that of clients."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytz
from chalice.app import Response

from ..domain.recurrence import DAYS_OF_WEEK
from ..mailings.calendar import Planned, planned_starts
from ..zones import is_any_zone, zone
from .local_time import LAST_DAY, midnight, read_day, zone_of
from .page_requests import PageRequest

DAYS = 28
MOST_ON_A_DAY = 6
"""Of a day. The others are in the list of mailings; a page stays below 100 KB."""

FARTHEST = ("Europe/Kaliningrad", "Asia/Kamchatka")
"""The zones of Russia between which its phone numbers are, for a page on which no zone of clients is chosen."""


@dataclass(frozen=True)
class Day:
    """`entries`: the first ones, with their local times. `number`: of all."""

    date: date
    entries: list[tuple[Planned, datetime, list[tuple[str, datetime]]]]
    number: int

    @property
    def weekday(self) -> str:
        return DAYS_OF_WEEK[self.date.weekday()]


def show(request: PageRequest) -> Response:
    zone_name, clients_zone = zone_of(request), request.query.get("clients", "")
    today = request.services.clock.now().astimezone(zone(zone_name)).date()
    first = min(read_day(request.query.get("from")) or today, LAST_DAY - timedelta(days=2 * DAYS))
    first -= timedelta(days=first.weekday())
    end = first + timedelta(days=DAYS)
    planned, is_whole = planned_starts(request.services, midnight(zone_name, first), midnight(zone_name, end))
    client_zones = [clients_zone] if is_any_zone(clients_zone) else list(FARTHEST)
    return request.page(
        "calendar.html",
        days=_days(planned, first, zone_name, client_zones),
        is_whole=is_whole,
        today=today,
        zone=zone_name,
        clients_zone=clients_zone,
        timezones=pytz.common_timezones,
        before=first - timedelta(days=DAYS),
        after=end,
    )


def _days(planned: list[Planned], first: date, zone_name: str, client_zones: list[str]) -> list[Day]:
    own = zone(zone_name)
    by_date: dict[date, list[Planned]] = defaultdict(list)
    for one in planned:
        by_date[one.start.astimezone(own).date()].append(one)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return [
        Day(
            day,
            [
                (one, one.start.astimezone(own), [(name, one.start.astimezone(zone(name))) for name in client_zones])
                for one in by_date[day][:MOST_ON_A_DAY]
            ],
            len(by_date[day]),
        )
        for day in days
    ]
