"""Decisions about series: each one is a function from a series to the series that it becomes.

They raise BadInput for a refused field, and NotInThisStatus if the series has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from typing import cast

from ..errors import BadInput, NotInThisStatus
from ..texts import Text
from . import decisions, mailing_fields
from .mailing import SCHEDULED, Mailing
from .recurrence import MAX_SKIPPED, Recurrence
from .send_window import SECOND, Zones
from .series import ACTIVE, ENDED, PAUSED, Series, is_beyond_time, with_start

MAX_TIMES = 10_000

LONGEST_MAILING = timedelta(days=31)
"""From the start of a mailing of a series to its end. It bounds how many start together after an outage."""


class SeriesFields(mailing_fields.MailingFields, total=False):
    """The fields of a series that a request sets: those of its mailings, and its rule."""

    repeat: tuple[str, ...]
    timezone: str
    repeat_until: date | None
    repeat_times: int | None
    skip_dates: tuple[date, ...]


FIELD_NAMES = (*mailing_fields.FIELD_NAMES, "repeat", "timezone", "repeat_until", "repeat_times", "skip_dates")


def announced(fields: SeriesFields, series_id: int, now: datetime, zones: Zones) -> Series:
    """A new series. Its first start is the first one by its rule, from `datetime_start` on, that has not ended."""
    mailing = _scheduled(decisions.announced(fields, 0, now))
    timezone, start = fields.get("timezone", "UTC"), mailing.datetime_start
    local = _local(zones, timezone, start)
    rule = Recurrence(
        fields["repeat"],
        local.time(),
        timezone,
        local.date(),
        fields.get("repeat_until"),
        _skipped(fields.get("skip_dates", ()), now, zones(timezone)),
    )
    series = Series(series_id, mailing, rule, fields.get("repeat_times"))
    _require_length(series)
    return _require_start(with_start(series, _not_over(series, start, now), zones))


def changed(series: Series, fields: SeriesFields, now: datetime, zones: Zones) -> Series:
    """The series with the changed fields, from its next mailing on. The mailings that it has made stay as they are.

    A new start moves the end along, unless that is named too. A new rule counts from now on.
    """
    _require_not_ended(series)
    rule, given = series.rule, fields.get("datetime_start", series.starts_at)
    timezone = fields.get("timezone", rule.timezone)
    is_moved = given != series.starts_at
    local = _local(zones, timezone, given)
    after = replace(
        series,
        mailing=_with_fields(series, fields, given, now),
        rule=Recurrence(
            fields.get("repeat", rule.days),
            local.time() if is_moved else rule.at,
            timezone,
            local.date() if is_moved else rule.first_day,
            fields.get("repeat_until", rule.until),
            _skipped(fields.get("skip_dates", rule.skipped), now, zones(timezone)),
        ),
        times=fields.get("repeat_times", series.times),
    )
    _require_length(after)
    if after.times_left is not None and after.times_left < 1:
        raise BadInput({"repeat_times": [Text("series.times_over", number=series.made + series.missed)]})
    if is_moved:
        return _require_start(with_start(after, _not_over(after, given, now), zones))
    if after.rule != rule:
        return _require_start(with_start(after, min(series.starts_at, now), zones))
    return after


def paused(series: Series) -> Series:
    """No mailing is made until the series is resumed. The mailings that it has made go on."""
    _require_not_ended(series)
    return replace(series, status=PAUSED)


def resumed(series: Series, now: datetime, zones: Zones) -> Series:
    """Starts that have passed during the pause are left out."""
    _require_not_ended(series)
    if series.status == ACTIVE:
        return series
    return with_start(replace(series, status=ACTIVE), max(series.starts_at, now), zones)


def ended(series: Series) -> Series:
    """No further mailing is made. The end is final."""
    return replace(series, status=ENDED)


def with_skipped(series: Series, day: date, now: datetime, zones: Zones) -> Series:
    """No mailing starts on this day. A day that is left out already changes nothing."""
    _require_not_ended(series)
    if day in series.rule.skipped:
        return series
    start = series.rule.start_on(zones(series.rule.timezone), day)
    if start is None or start < series.starts_at:
        raise BadInput({"date": [Text("series.no_start_on_day")]})
    skipped = _skipped({*series.rule.skipped, day}, now, zones(series.rule.timezone))
    return with_start(replace(series, rule=replace(series.rule, skipped=skipped)), series.starts_at, zones)


def _not_over(series: Series, start: datetime, now: datetime) -> datetime:
    """From when on a start is of use: an earlier mailing would be over by now."""
    return max(start, now - series.length + SECOND)


def _with_fields(series: Series, fields: SeriesFields, start: datetime, now: datetime) -> Mailing:
    end = fields.get("datetime_end")
    if end is None:
        if is_beyond_time(start, series.length):
            raise BadInput({"datetime_start": [Text("series.no_start")]})
        end = start + series.length
    with_dates = cast(mailing_fields.MailingFields, {**fields, "datetime_start": start, "datetime_end": end})
    return _scheduled(decisions.changed(_scheduled(series.mailing), with_dates, now))


def _scheduled(mailing: Mailing) -> Mailing:
    """The mailing of a series has not started, whatever its dates are."""
    return replace(mailing, status=SCHEDULED, ended_at=None, posting_since=None)


def _local(zones: Zones, timezone: str, moment: datetime) -> datetime:
    """The moment as the clocks of the zone show it."""
    try:
        return moment.astimezone(zones(timezone))
    except OverflowError as error:
        raise BadInput({"datetime_start": [Text("series.no_start")]}) from error


def _skipped(days: Iterable[date], now: datetime, zone: tzinfo) -> frozenset[date]:
    """Without the days that have passed."""
    today = now.astimezone(zone).date()
    kept = frozenset(day for day in days if day >= today)
    if len(kept) > MAX_SKIPPED:
        raise BadInput({"skip_dates": [Text("series.too_many_skipped", most=MAX_SKIPPED)]})
    return kept


def _require_length(series: Series) -> None:
    if series.length <= timedelta(0):
        raise BadInput({"datetime_end": [Text("mailing.end_before_start")]})
    if series.length > LONGEST_MAILING:
        raise BadInput({"datetime_end": [Text("series.too_long", most=LONGEST_MAILING.days)]})


def _require_start(series: Series) -> Series:
    if series.is_over:
        raise BadInput({"repeat": [Text("series.no_start")]})
    return series


def _require_not_ended(series: Series) -> None:
    if series.is_over:
        raise NotInThisStatus(Text("series.ended"))
