"""Names of time zones, and times of day such as 09:00."""

from __future__ import annotations

import re
from datetime import tzinfo

TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def zone(name: str) -> tzinfo:
    import pytz  # imported on first use: most Lambdas use no time zone and start faster without it

    return pytz.timezone(name)


def is_zone(name: str) -> bool:
    """Whether the name is in `common_timezones` of pytz."""
    import pytz

    return name in pytz.common_timezones_set


def is_time_of_day(text: str) -> bool:
    """Whether the text is a 24-hour time with two digits in both parts, such as 09:00."""
    return TIME_OF_DAY.fullmatch(text) is not None
