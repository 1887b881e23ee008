"""Local hours follow the local time, in any time zone and across changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.send_window import SendWindow
from chalicelib.zones import zone

BY_DAY = SendWindow(time(9), time(21))
BY_NIGHT = SendWindow(time(22), time(6))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "place", "moment", "opening"),
    [
        pytest.param(BY_DAY, "UTC", "2026-11-23T09:00", "2026-11-23T09:00", id="its first moment"),
        pytest.param(BY_DAY, "UTC", "2026-11-23T20:59:59", "2026-11-23T20:59:59", id="its last second"),
        pytest.param(BY_DAY, "UTC", "2026-11-23T21:00", "2026-11-24T09:00", id="its end is outside"),
        pytest.param(BY_DAY, "Europe/Moscow", "2026-11-23T05:59:59", "2026-11-23T06:00", id="a second before"),
        pytest.param(BY_DAY, "Asia/Kamchatka", "2026-11-23T12:00", "2026-11-23T21:00", id="the next local day"),
        pytest.param(BY_DAY, "Asia/Kolkata", "2026-11-23T00:00", "2026-11-23T03:30", id="a half-hour zone"),
        pytest.param(BY_DAY, "Asia/Kathmandu", "2026-11-23T00:00", "2026-11-23T03:15", id="a quarter-hour zone"),
        pytest.param(BY_NIGHT, "UTC", "2026-11-23T23:00", "2026-11-23T23:00", id="before midnight"),
        pytest.param(BY_NIGHT, "UTC", "2026-11-24T05:59", "2026-11-24T05:59", id="after midnight"),
        pytest.param(BY_NIGHT, "UTC", "2026-11-24T06:00", "2026-11-24T22:00", id="between two windows"),
        pytest.param(
            SendWindow(time(2, 15), time(2, 45)),
            "Europe/Berlin",
            "2026-03-28T12:00",
            "2026-03-30T00:15",
            id="the whole window is skipped on the 29th: a day later",
        ),
        pytest.param(
            SendWindow(time(2, 30), time(4)),
            "Europe/Berlin",
            "2026-03-28T12:00",
            "2026-03-29T01:00",
            id="its beginning is skipped, so it opens at the jump of the clock",
        ),
        pytest.param(
            SendWindow(time(2, 15), time(2, 30)),
            "Europe/Berlin",
            "2026-10-25T00:40",
            "2026-10-25T01:15",
            id="the hour is repeated, so the window opens twice",
        ),
        pytest.param(
            SendWindow(time(1), time(3)),
            "Europe/Berlin",
            "2026-10-25T01:30",
            "2026-10-25T01:30",
            id="in the second of the two hours",
        ),
        pytest.param(BY_DAY, "Australia/Lord_Howe", "2026-10-03T13:00", "2026-10-03T22:00", id="half an hour forward"),
        pytest.param(BY_DAY, "Pacific/Apia", "2011-12-30T08:00", "2011-12-30T19:00", id="a skipped day"),
        pytest.param(BY_DAY, "Pacific/Kiritimati", "2026-11-23T18:00", "2026-11-23T19:00", id="fourteen hours ahead"),
        pytest.param(BY_DAY, "Pacific/Pago_Pago", "2026-11-23T19:59", "2026-11-23T20:00", id="eleven behind"),
    ],
)
def test_the_next_opening_is_by_the_local_clock(window: SendWindow, place: str, moment: str, opening: str) -> None:
    assert window.next_opening(zone(place), utc(moment)) == utc(opening)


MINUTES = st.integers(0, 24 * 60 - 1).map(lambda number: time(number // 60, number % 60))
WINDOWS = st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: SendWindow(*pair))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))
PLACES = st.sampled_from(pytz.common_timezones)


@given(WINDOWS, PLACES, MOMENTS)
def test_the_window_is_open_at_its_next_opening_and_closed_before(
    window: SendWindow, place: str, now: datetime
) -> None:
    tz = zone(place)
    opening = window.next_opening(tz, now)
    assert opening is not None
    assert window.is_open(tz, opening)
    span = opening - now
    before = [now + span * part / 97 for part in range(97)] if span else []
    before += [opening - timedelta(microseconds=1)] if span else []
    assert not [moment for moment in before if window.is_open(tz, moment)]


@given(WINDOWS, PLACES, MOMENTS)
def test_a_window_is_open_by_local_time(window: SendWindow, place: str, now: datetime) -> None:
    clock = now.astimezone(zone(place)).strftime("%H:%M")
    opens, closes = f"{window.opens:%H:%M}", f"{window.closes:%H:%M}"
    expected = opens <= clock < closes if opens < closes else not closes <= clock < opens
    assert window.is_open(zone(place), now) == expected
