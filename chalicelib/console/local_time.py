"""The time zone of the user: a page with days needs it on the server. `times.js` writes it into a cookie."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from ..domain.recurrence import first_moment
from ..zones import is_any_zone, zone
from .page_requests import PageRequest
from .session import find_cookie

COOKIE = "zone"
DEFAULT = "UTC"

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(9000, 1, 1)


def zone_of(request: PageRequest) -> str:
    """The zone that the address names, or that of the browser; UTC if neither is one."""
    names = request.query.get(COOKIE), find_cookie(request.raw_request.headers.get("cookie"), COOKIE)
    return next((name for name in names if name and is_any_zone(name)), DEFAULT)


def read_day(written: str | None) -> date | None:
    """The day of an input of type date; None if it is none, or far from every mailing."""
    try:
        day = date.fromisoformat(written or "")
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def moments_of(request: PageRequest, first: str, last: str) -> tuple[datetime | None, datetime | None]:
    """When the first day begins in the user's zone, and when the last one ends; None for a day that is none."""
    zone_name, begins, ends = zone_of(request), read_day(first), read_day(last)
    return (
        midnight(zone_name, begins) if begins else None,
        midnight(zone_name, ends + timedelta(days=1)) if ends else None,
    )


def midnight(zone_name: str, day: date) -> datetime:
    """When the day begins in the zone. For a day that the zone skips, when it would begin in UTC."""
    start = datetime.combine(day, time.min)
    return first_moment(zone(zone_name), start) or start.replace(tzinfo=UTC)
