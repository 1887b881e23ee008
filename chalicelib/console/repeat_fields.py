"""The part of the form of a mailing that makes it a series: how it repeats, without a script in the browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..domain.recurrence import DAILY, DAYS_OF_WEEK, MONTH_DAYS
from ..domain.series import Series
from ..representation import represent_series
from .page_requests import PageRequest

ONCE, WEEKLY, MONTHLY = "once", "weekly", "monthly"
KINDS = (ONCE, DAILY, WEEKLY, MONTHLY)

RULE = ("repeat", "timezone", "repeat_until", "repeat_times", "skip_dates")
"""The fields of a series that a mailing does not have."""


@dataclass(frozen=True)
class RepeatFields:
    """As the form shows them. `rule` has the fields of RULE in the format of the API, except `repeat`."""

    kind: str
    week_days: tuple[str, ...]
    month_days: str
    rule: dict[str, str]

    @property
    def is_repeated(self) -> bool:
        return self.kind != ONCE

    @property
    def sent(self) -> dict[str, object]:
        """The fields in the format of the API."""
        days = {DAILY: DAILY, WEEKLY: ",".join(self.week_days), MONTHLY: self.month_days}
        return {**self.rule, "repeat": days.get(self.kind, self.kind)}


def choices() -> dict[str, Any]:
    """What a form can choose from, for the template."""
    import pytz

    return {"timezones": pytz.common_timezones}


def submitted(request: PageRequest) -> RepeatFields:
    return RepeatFields(
        kind=request.field("repeat_kind") or ONCE,
        week_days=tuple(day for day in DAYS_OF_WEEK if day in request.form.get("week_days", [])),
        month_days=request.field("month_days"),
        rule={name: request.field(name) for name in RULE[1:]},
    )


def shown(series: Series) -> RepeatFields:
    days, fields = series.rule.days, represent_series(series)
    kind = MONTHLY if set(days) <= set(MONTH_DAYS) else WEEKLY if set(days) <= set(DAYS_OF_WEEK) else DAILY
    return RepeatFields(
        kind=kind,
        week_days=days if kind == WEEKLY else (),
        month_days=",".join(days) if kind == MONTHLY else "",
        rule={name: "" if fields[name] is None else str(fields[name]) for name in RULE[1:]},
    )


NOT_REPEATED = RepeatFields(ONCE, DAYS_OF_WEEK[:5], "", dict.fromkeys(RULE[1:], "") | {"timezone": "UTC"})
"""A new form."""
