"""Time zones and times of day, as people write them."""

from __future__ import annotations

import re
from datetime import tzinfo

TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def zone(name: str) -> tzinfo:
    import pytz  # imported on first use: most Lambdas handle no time zone, and start faster without it

    return pytz.timezone(name)


def is_zone(name: str) -> bool:
    """Whether pytz lists it among its common time zones."""
    import pytz

    return name in pytz.common_timezones_set


def is_time_of_day(text: str) -> bool:
    """09:00; 24 hours, both parts with two digits."""
    return TIME_OF_DAY.fullmatch(text) is not None
