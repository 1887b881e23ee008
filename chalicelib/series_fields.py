"""The fields of requests about series: those of a mailing, and the rule of its repetition."""

from __future__ import annotations

import re
from datetime import date

from .domain.recurrence import DAILY, DAYS_OF_WEEK, KINDS, MAX_SKIPPED, MONTH_DAYS
from .domain.series_decisions import LONGEST_MAILING, MAX_TIMES
from .errors import WrongValue
from .field_rules import timezone
from .fields import MAILING
from .rules import Field, listed, not_blank, number_up_to, rule, text
from .texts import Text

WORKING_DAYS = {"weekdays": DAYS_OF_WEEK[:5]}
"""A short name of several days."""

DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
ONE_WEEKDAY, ONE_MONTH_DAY = ("|".join(kind) for kind in (DAYS_OF_WEEK, MONTH_DAYS))


@rule(
    type="string",
    pattern=f"^({DAILY}|weekdays|({ONE_WEEKDAY})(,({ONE_WEEKDAY}))*|({ONE_MONTH_DAY})(,({ONE_MONTH_DAY}))*)$",
    examples=["mon,wed,fri"],
)
def repeat(sent: object) -> tuple[str, ...]:
    """Days of one kind, in the order of the week or of the month."""
    value = not_blank(sent).lower()
    names = set(WORKING_DAYS.get(value) or (name.strip() for name in value.split(",")))
    kind = next((kind for kind in KINDS if names <= set(kind)), None)
    if kind is None:
        raise WrongValue(Text("series.repeat"))
    return tuple(name for name in kind if name in names)


@rule(type="string", pattern=f"^{DATE}$", examples=["2026-12-31"])
def day(sent: object) -> date:
    value = not_blank(sent)
    try:
        if re.fullmatch(DATE, value):  # Python also reads 20261231 and 2026-W53-4
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise WrongValue(Text("field.date"))


@rule(type=["string", "null"], pattern=f"^({DATE})?$", examples=["2026-12-31"])
def optional_day(sent: object) -> object:
    return day.read(sent) if sent is not None and text(sent) else None


@rule(type=["string", "null"], pattern=f"^({DATE}(,{DATE})*)?$", examples=["2026-12-25,2027-01-01"])
def days(sent: object) -> tuple[object, ...]:
    found = listed(sent, lambda item: str(day.read(item)), "2026-12-25,2027-01-01")
    return tuple(date.fromisoformat(item) for item in found)


SERIES = {
    **MAILING,
    "datetime_start": Field(
        MAILING["datetime_start"].rule,
        "The first mailing starts at this moment or later, at the same time of day, on the first day of `repeat`.",
        required=True,
    ),
    "datetime_end": Field(
        MAILING["datetime_end"].rule,
        f"The end of a mailing that starts at datetime_start. All take as long: at most {LONGEST_MAILING.days} days.",
        required=True,
    ),
    "repeat": Field(
        repeat,
        "`daily`, `weekdays` (Monday to Friday), days of the week `mon,wed,fri`, or of the month `1,15,last`.",
        required=True,
    ),
    "timezone": Field(timezone, "The time zone of the days, and of the time of day of datetime_start."),
    "repeat_until": Field(optional_day, "The last day on which a mailing may start; blank or null: no last day."),
    "repeat_times": Field(
        number_up_to(MAX_TIMES, 10), "How many mailings there are, missed ones included; blank or null: no limit."
    ),
    "skip_dates": Field(days, f"Days on which no mailing starts, at most {MAX_SKIPPED}, separated by commas."),
}
"""`datetime_start` and `datetime_end` are those of the next mailing."""

SERIES_READ_ONLY = {"id", "status", "made", "missed", "mailing_ids", "next_starts"}

SKIP = {"date": Field(day, "The day, in the time zone of the series.", required=True)}
