"""Names of time zones, and times of day such as 09:00."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import tzinfo
from functools import cache
from importlib.resources import files

TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def zone(name: str) -> tzinfo:
    import pytz  # imported on first use: most Lambdas use no time zone and start faster without it

    return pytz.timezone(name)


def is_zone(name: str) -> bool:
    """Whether the name is in `common_timezones` of pytz."""
    import pytz

    return name in pytz.common_timezones_set


def is_any_zone(name: str) -> bool:
    """Whether pytz knows the name, also an old one, as browsers report them."""
    import pytz

    return name in pytz.all_timezones_set


def meant_zone(name: str) -> str | None:
    """The zone that another spelling, an old name or a city means: europe/moscow, Europe/Kiev, Moscow. None if none."""
    return _zones_by_key().get(_key(name))


@cache
def _zones_by_key() -> dict[str, str]:
    import pytz

    names = pytz.common_timezones
    cities = Counter(_key(_city(name)) for name in names)
    by_city = {_key(_city(name)): name for name in names if cities[_key(_city(name))] == 1}
    old_names = {
        _key(old): next(name for name in group if name in pytz.common_timezones_set)
        for group in _equal_names()
        if not pytz.common_timezones_set.isdisjoint(group)
        for old in group
    }
    return {**by_city, **old_names, **{_key(name): name for name in names}}


def _equal_names() -> Iterable[list[str]]:
    """Groups of names of one zone, the present one first. In the tz database a line is `L Europe/Kyiv Europe/Kiev`."""
    groups: dict[str, list[str]] = {}
    for line in files("pytz").joinpath("zoneinfo/tzdata.zi").read_text().splitlines():
        if line.startswith("L "):
            _, name, old = line.split()
            groups.setdefault(name, [name]).append(old)
    return groups.values()


def _key(name: str) -> str:
    return name.strip().replace(" ", "_").casefold()


def _city(name: str) -> str:
    return name.rpartition("/")[2]


def is_time_of_day(text: str) -> bool:
    """Whether the text is a 24-hour time with two digits in both parts, such as 09:00."""
    return TIME_OF_DAY.fullmatch(text) is not None
