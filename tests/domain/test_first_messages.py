"""When the clients of each UTC offset get their first message, and whether local hours move it to a later day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.first_messages import Delay, FirstMessage, LocalStarts, shared_local_time
from chalicelib.domain.forecast import forecast_mailing
from chalicelib.domain.send_window import SendWindow
from chalicelib.zones import zone

MOSCOW, VLADIVOSTOK, KAMCHATKA, LONDON = "Europe/Moscow", "Asia/Vladivostok", "Asia/Kamchatka", "Europe/London"
RUSSIA = {MOSCOW: 300, VLADIVOSTOK: 590, KAMCHATKA: 10}
AT_TEN = SendWindow(time(10), time(11))
BY_DAY = SendWindow(time(9), time(21))
THE_28TH = date(2026, 11, 28)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(clients: Mapping[str, int], window: SendWindow | None, end: str = "2026-12-05T00:00") -> LocalStarts:
    return LocalStarts(clients, window, utc(end), zone)


def test_each_offset_has_the_moment_of_its_first_message_and_its_own_time_then() -> None:
    found = starts({**RUSSIA, "Europe/Minsk": 5}, AT_TEN).first_messages(utc("2026-11-28T07:30"))
    assert [(one.name, one.clients, one.at) for one in found] == [
        ("UTC+12:00", 10, utc("2026-11-28T22:00")),
        ("UTC+10:00", 590, utc("2026-11-29T00:00")),
        ("UTC+03:00", 305, utc("2026-11-28T07:30")),
    ]
    assert [f"{one.local_time:%d %H:%M}" for one in found] == ["29 10:00", "29 10:00", "28 10:30"]


def test_without_local_hours_each_offset_has_the_start() -> None:
    start = utc("2026-11-28T10:00")
    assert [(one.at, one.local_time.hour) for one in starts(RUSSIA, None).first_messages(start)] == [
        (start, 22),
        (start, 20),
        (start, 13),
    ]


def test_an_offset_whose_hours_do_not_open_before_the_end_has_no_first_message() -> None:
    ended = starts(RUSSIA, AT_TEN, end="2026-11-28T23:00").first_messages(utc("2026-11-28T07:00"))
    assert [one.at is None for one in ended] == [False, True, False]
    assert [one.local_time is None for one in ended] == [False, True, False]
    assert starts(RUSSIA, None, end="2026-11-28T07:00").first_messages(utc("2026-11-28T07:00"))[0].at is None


def test_ten_o_clock_meant_for_all_zones_and_entered_in_utc_is_a_day_late_for_all() -> None:
    found = starts(RUSSIA, AT_TEN).delay(utc("2026-11-28T10:00"), THE_28TH, NOW)
    assert found == Delay(THE_28TH, late=900, clients=900, start=utc("2026-11-27T22:00"))


def test_ten_o_clock_entered_in_the_time_of_moscow_is_a_day_late_for_all_east_of_it() -> None:
    found = starts(RUSSIA, AT_TEN).delay(utc("2026-11-28T07:00"), THE_28TH, NOW)
    assert found == Delay(THE_28TH, late=600, clients=900, start=utc("2026-11-27T22:00"))


@pytest.mark.parametrize("own_day", [date(2026, 11, 27), THE_28TH])
@pytest.mark.parametrize("start", ["2026-11-27T22:00", "2026-11-27T20:00"])
def test_the_start_that_the_warning_names_and_the_evening_before_have_no_warning(start: str, own_day: date) -> None:
    """By the clocks of UTC it is the day before: that is where the day begins for the clients in the east."""
    for clients in (RUSSIA, {**RUSSIA, LONDON: 4}):
        assert starts(clients, AT_TEN).delay(utc(start), own_day, NOW) is None


def test_a_start_in_open_hours_or_without_hours_has_no_delay() -> None:
    start = utc("2026-11-28T07:00")
    assert starts(RUSSIA, None).delay(start, THE_28TH, NOW) is None
    assert starts(RUSSIA, BY_DAY).delay(start, THE_28TH, NOW) is None
    assert starts({}, AT_TEN).delay(start, THE_28TH, NOW) is None
    night = utc("2026-11-28T20:00")
    assert starts({VLADIVOSTOK: 1}, None).delay(night, THE_28TH, NOW) is None, (
        "their day has begun, their hours are none"
    )


def test_a_start_after_the_hours_of_its_day_is_late_and_no_past_start_is_advised() -> None:
    evening = utc("2026-11-27T19:00")
    one = starts({MOSCOW: 3}, BY_DAY)
    assert one.delay(evening, date(2026, 11, 27), utc("2026-11-27T05:00")) == Delay(
        date(2026, 11, 27), late=3, clients=3, start=utc("2026-11-27T06:00")
    )
    assert one.delay(evening, date(2026, 11, 27), evening) == Delay(date(2026, 11, 27), late=3, clients=3, start=None)


def test_clients_that_are_not_reached_at_all_are_not_late_and_have_the_advice() -> None:
    found = starts(RUSSIA, AT_TEN, end="2026-11-28T20:00").delay(utc("2026-11-28T10:00"), THE_28TH, NOW)
    assert found == Delay(THE_28TH, late=0, clients=900, start=utc("2026-11-27T22:00"))
    hopeless = starts(RUSSIA, AT_TEN, end="2026-11-28T01:00").delay(utc("2026-11-28T00:30"), THE_28TH, NOW)
    assert hopeless is None, "no start on this day reaches Moscow before the end"


def test_hours_across_midnight_have_no_start_for_one_day() -> None:
    by_night = SendWindow(time(22), time(6))
    found = starts(RUSSIA, by_night).delay(utc("2026-11-28T20:00"), THE_28TH, utc("2026-11-01T00:00"))
    assert found == Delay(THE_28TH, late=600, clients=900, start=None)


@pytest.mark.parametrize(
    ("window", "start", "shared"),
    [
        pytest.param(AT_TEN, "2026-11-27T22:00", "2026-11-28 10:00", id="as the day begins in the east"),
        pytest.param(AT_TEN, "2026-11-27T16:00", "2026-11-28 10:00", id="the evening before"),
        pytest.param(AT_TEN, "2026-11-28T06:00", None, id="on two days"),
        pytest.param(AT_TEN, "2026-11-28T07:30", None, id="later in the hours of one"),
        pytest.param(None, "2026-11-28T07:30", None, id="without hours"),
    ],
)
def test_a_local_time_is_shared_if_it_is_that_of_the_first_message_in_each_offset(
    window: SendWindow | None, start: str, shared: str | None
) -> None:
    found = shared_local_time(starts(RUSSIA, window).first_messages(utc(start)))
    assert (f"{found:%Y-%m-%d %H:%M}" if found else None) == shared


def test_an_offset_without_a_first_message_shares_no_local_time() -> None:
    ended = starts(RUSSIA, AT_TEN, end="2026-11-28T05:00").first_messages(utc("2026-11-27T22:00"))
    assert [one.at is None for one in ended] == [False, False, True]
    assert shared_local_time(ended) is None
    assert shared_local_time([]) is None


def test_the_latest_dates_have_no_first_messages() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    latest = LocalStarts(RUSSIA, AT_TEN, last, zone)
    assert latest.first_messages(last - timedelta(hours=2)) == []
    assert latest.delay(last - timedelta(hours=2), last.date(), NOW) is None


CLOCK = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
WINDOWS = st.none() | st.tuples(CLOCK, CLOCK).filter(lambda pair: pair[0] != pair[1]).map(
    lambda pair: SendWindow(*pair)
)
STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
PLACES = [MOSCOW, VLADIVOSTOK, KAMCHATKA, LONDON, "Pacific/Apia", "America/New_York", "Asia/Kathmandu"]


@given(st.dictionaries(st.sampled_from(PLACES), st.integers(1, 1000)), STARTS, st.floats(1, 200), WINDOWS)
def test_first_messages_agree_with_the_forecast_and_the_advised_start_reaches_all_on_the_day(
    clients: dict[str, int], start: datetime, hours: float, window: SendWindow | None
) -> None:
    end = start + timedelta(hours=hours)
    local, day = LocalStarts(clients, window, end, zone), start.date()
    found = local.first_messages(start)
    forecast = forecast_mailing(clients, start, end, window, None, zone)
    assert sum(one.clients for one in found) == sum(clients.values())
    assert sum(one.clients for one in found if one.at is None) == forecast.unreachable
    assert min((one.at for one in found if one.at), default=None) == forecast.begins_at
    delay = local.delay(start, day, start - timedelta(days=30))
    if delay is not None and delay.start is not None:
        assert {one.local_time.date() if one.local_time else None for one in local.first_messages(delay.start)} == {day}
        assert local.delay(delay.start, day, start - timedelta(days=30)) is None
    assert isinstance(found[0], FirstMessage) if found else not clients
