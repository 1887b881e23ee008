"""The starts of a series: days, months of different lengths, and what a change of the clock does to a time of day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.recurrence import KINDS, LONGEST_GAP, Recurrence, first_moment
from chalicelib.zones import zone

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
"""A Friday."""

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Cairo", "Australia/Lord_Howe"]


def starts(rule: Recurrence, since: datetime = NOON, number: int = 4) -> list[str]:
    """As the clocks of the zone show them."""
    local = zone(rule.timezone)
    found = islice(rule.starts(local, since), number)
    return [f"{start.astimezone(local):%Y-%m-%d %H:%M}" for start in found]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("daily", ["2026-11-28", "2026-11-29", "2026-11-30"]),
        ("mon,fri", ["2026-11-30", "2026-12-04", "2026-12-07"]),
        ("1,15", ["2026-12-01", "2026-12-15", "2027-01-01"]),
        ("31", ["2026-12-31", "2027-01-31", "2027-03-31"]),
        ("29", ["2026-11-29", "2026-12-29", "2027-01-29"]),
        ("last", ["2026-11-30", "2026-12-31", "2027-01-31"]),
        ("30,last", ["2026-11-30", "2026-12-30", "2026-12-31"]),
    ],
)
def test_the_rule_names_days(days: str, expected: list[str]) -> None:
    rule = Recurrence(tuple(days.split(",")), time(9), "UTC")
    assert starts(rule, number=3) == [f"{day} 09:00" for day in expected]


def test_a_start_at_the_given_moment_counts() -> None:
    assert starts(Recurrence(("daily",), time(12), "UTC"), number=1) == ["2026-11-27 12:00"]


def test_days_and_times_are_those_of_the_zone() -> None:
    """23:30 on a Friday in New York is a Saturday in UTC."""
    rule = Recurrence(("fri",), time(23, 30), "America/New_York")
    assert starts(rule, number=2) == ["2026-11-27 23:30", "2026-12-04 23:30"]
    assert rule.next_start(zone(rule.timezone), NOON) == datetime(2026, 11, 28, 4, 30, tzinfo=UTC)


def test_the_last_day_ends_the_rule_and_a_skipped_day_has_no_start() -> None:
    rule = Recurrence(
        ("daily",), time(9), "UTC", date(2026, 11, 1), date(2026, 11, 30), frozenset({date(2026, 11, 29)})
    )
    assert starts(rule) == ["2026-11-28 09:00", "2026-11-30 09:00"]
    assert rule.start_on(zone("UTC"), date(2026, 11, 29)) is None
    assert rule.start_on(zone("UTC"), date(2026, 12, 1)) is None


def test_nothing_starts_before_the_first_day_however_late_it_is() -> None:
    rule = Recurrence(("daily",), time(9), "UTC", date(2036, 2, 29))
    assert starts(rule, number=1) == ["2036-02-29 09:00"]
    assert rule.start_on(zone("UTC"), date(2036, 2, 28)) is None


def test_a_time_that_the_clock_change_skips_starts_at_the_change() -> None:
    """At 2:00 on 28 March 2027 the clocks of Berlin show 3:00."""
    rule = Recurrence(("daily",), time(2, 30), "Europe/Berlin")
    since = datetime(2027, 3, 27, tzinfo=UTC)
    assert starts(rule, since, 3) == ["2027-03-27 02:30", "2027-03-28 03:00", "2027-03-29 02:30"]
    midnight = Recurrence(("daily",), time(0, 30), "Africa/Cairo")
    assert starts(midnight, datetime(2027, 4, 29, tzinfo=UTC), 2) == ["2027-04-30 01:00", "2027-05-01 00:30"]


def test_a_time_that_the_clock_change_doubles_starts_once_the_first_time() -> None:
    """At 3:00 on 31 October 2027 the clocks of Berlin show 2:00 again."""
    rule = Recurrence(("daily",), time(2, 30), "Europe/Berlin")
    found = list(islice(rule.starts(zone("Europe/Berlin"), datetime(2027, 10, 30, 12, tzinfo=UTC)), 2))
    assert found == [datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 11, 1, 1, 30, tzinfo=UTC)]


def test_a_day_that_a_zone_skips_has_no_start() -> None:
    """Samoa had no 30 December 2011."""
    rule = Recurrence(("daily",), time(9), "Pacific/Apia")
    assert starts(rule, datetime(2011, 12, 29, 12, tzinfo=UTC), 2) == ["2011-12-29 09:00", "2011-12-31 09:00"]


@pytest.mark.parametrize("moment", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_the_ends_of_the_calendar_are_no_error(moment: datetime) -> None:
    for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        rule = Recurrence(("daily",), time(9), name)
        assert len(starts(rule, moment, 1)) <= 1
        assert rule.start_on(zone(name), date.max) is None


rules = st.builds(
    Recurrence,
    days=st.sampled_from(KINDS).flatmap(lambda kind: st.sets(st.sampled_from(kind), min_size=1)).map(tuple),
    at=st.times().map(lambda at: at.replace(microsecond=0)),
    timezone=st.sampled_from(ZONES),
    skipped=st.frozensets(st.dates(date(2027, 1, 1), date(2027, 2, 1)), max_size=3),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(rules, moments)
def test_starts_are_in_order_on_days_of_the_rule_and_none_is_left_out(rule: Recurrence, since: datetime) -> None:
    local = zone(rule.timezone)
    found = list(islice(rule.starts(local, since), 5))
    assert len(found) == 5
    assert found[0] >= since
    days = [start.astimezone(local).date() for start in found]
    assert all(rule.has(day) for day in days)
    for (before, after), start in zip(pairwise(days), found[1:], strict=True):
        between = [before + timedelta(number) for number in range(1, (after - before).days)]
        assert not any(rule.has(day) for day in between)
        assert (after - before).days <= LONGEST_GAP * (len(rule.skipped) + 1)
        assert rule.next_start(local, start) == start


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.sampled_from(ZONES))
def test_no_moment_before_shows_the_same_local_time(local: datetime, name: str) -> None:
    moment = first_moment(zone(name), local)
    assert moment is not None
    shown = moment.astimezone(zone(name)).replace(tzinfo=None)
    if shown == local:
        earlier = [moment - timedelta(minutes=minutes) for minutes in (30, 60, 120)]
        assert all(one.astimezone(zone(name)).replace(tzinfo=None) != local for one in earlier)
    else:
        before = (moment - timedelta(seconds=1)).astimezone(zone(name)).replace(tzinfo=None)
        assert before < local < shown
