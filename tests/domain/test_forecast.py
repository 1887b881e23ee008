"""Forecasts: by hand, against a simulation by the second, and for any time zones and windows."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.forecast import Forecast, forecast_mailing
from chalicelib.domain.send_window import SendWindow
from chalicelib.zones import zone

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BY_DAY = SendWindow(time(9), time(21))
MOSCOW, KAMCHATKA, KOLKATA, LONDON = "Europe/Moscow", "Asia/Kamchatka", "Asia/Kolkata", "Europe/London"
HOUR = timedelta(hours=1)


def test_without_a_rate_limit_and_local_hours_all_messages_are_sent_at_once() -> None:
    assert forecast_mailing({MOSCOW: 5, KOLKATA: 2}, NOON, NOON + HOUR, None, None, zone) == Forecast(
        NOON, 7, begins_at=NOON
    )


def test_a_rate_limit_delays_the_end() -> None:
    ended = forecast_mailing({MOSCOW: 5000}, NOON, NOON + HOUR, None, 100, zone)
    assert ended == Forecast(NOON + timedelta(seconds=50), reached=5000, begins_at=NOON)


def test_a_rate_that_is_too_low_is_reported_with_the_rate_that_suffices() -> None:
    ended = forecast_mailing({MOSCOW: 5000}, NOON, NOON + HOUR, None, 1, zone)
    assert ended == Forecast(NOON + HOUR, reached=3600, too_late=1400, rate_needed=2, begins_at=NOON)


def test_clients_outside_their_local_hours_are_reached_after_the_opening() -> None:
    both = {MOSCOW: 10, KAMCHATKA: 10}
    next_day = forecast_mailing(both, NOON, NOON + 24 * HOUR, BY_DAY, None, zone)
    assert next_day == Forecast(NOON.replace(hour=21), reached=20, begins_at=NOON)
    one_hour = forecast_mailing(both, NOON, NOON + HOUR, BY_DAY, None, zone)
    assert one_hour == Forecast(NOON, reached=10, unreachable=10, begins_at=NOON)
    late = forecast_mailing({KAMCHATKA: 10}, NOON, NOON + 24 * HOUR, BY_DAY, None, zone)
    assert late.begins_at == NOON.replace(hour=21), "the first message waits for the local hours too"


def test_open_time_zones_share_the_rate_and_the_rest_waits_for_the_next_day() -> None:
    at_eight = NOON.replace(hour=17)  # in Moscow, where an hour is left; in London there are four
    ended = forecast_mailing({MOSCOW: 7200, LONDON: 7200}, at_eight, at_eight + 5 * HOUR, BY_DAY, 2, zone)
    assert (ended.reached, ended.too_late, ended.unreachable) == (7200 + 3600, 3600, 0)
    assert ended.ends_at == at_eight + 1.5 * HOUR
    assert ended.rate_needed == 4
    tomorrow = forecast_mailing({MOSCOW: 7200, LONDON: 7200}, at_eight, at_eight + 24 * HOUR, BY_DAY, 2, zone)
    assert (tomorrow.reached, tomorrow.ends_at) == (14_400, NOON.replace(hour=6, day=24) + HOUR / 2)


def test_a_mailing_that_is_over_reaches_no_clients() -> None:
    assert forecast_mailing({MOSCOW: 3}, NOON, NOON - HOUR, None, 5, zone) == Forecast(None, reached=0, unreachable=3)
    assert forecast_mailing({}, NOON, NOON + HOUR, None, 5, zone) == Forecast(None, reached=0)


def test_a_window_in_a_skipped_hour_does_not_open() -> None:
    """On 2027-03-28 clocks in London are put forward from one to two."""
    midnight = datetime(2027, 3, 28, tzinfo=UTC)
    skipped = SendWindow(time(1), time(2))
    assert forecast_mailing({LONDON: 3}, midnight, midnight + 6 * HOUR, skipped, None, zone).unreachable == 3


def by_the_second(clients: dict[str, int], start: datetime, end: datetime, window: SendWindow, rate: int) -> float:
    """The number of clients that are left. Open time zones share the messages of each second."""
    left = {name: float(number) for name, number in clients.items()}
    for second in range(int((end - start).total_seconds())):
        moment = start + timedelta(seconds=second)
        zones_open = [name for name in left if left[name] > 0 and window.is_open(zone(name), moment)]
        number = sum(left[name] for name in zones_open)
        for name in zones_open:
            left[name] -= left[name] / number * min(rate, number)
    return sum(left.values())


@pytest.mark.parametrize("rate", [1, 2, 3, 5])
def test_the_forecast_agrees_with_a_simulation_by_the_second(rate: int) -> None:
    clients = {MOSCOW: 4000, KOLKATA: 3000, LONDON: 2500}
    start, window = NOON.replace(hour=14, minute=20), SendWindow(time(16), time(18, 30))
    ended = forecast_mailing(clients, start, start + 5 * HOUR, window, rate, zone)
    assert ended.too_late + ended.unreachable == pytest.approx(
        by_the_second(clients, start, start + 5 * HOUR, window, rate), abs=rate + 1
    )


CLIENTS = st.dictionaries(
    st.sampled_from([MOSCOW, KAMCHATKA, KOLKATA, LONDON, "Pacific/Apia", "America/New_York", "Asia/Kathmandu"]),
    st.integers(0, 100_000),
)
CLOCK = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
PAIRS = st.tuples(CLOCK, CLOCK).filter(lambda pair: pair[0] != pair[1])
WINDOWS = st.none() | PAIRS.map(lambda pair: SendWindow(*pair))
STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@given(CLIENTS, STARTS, st.floats(1, 200), WINDOWS, st.integers(1, 1000))
def test_every_client_is_counted_and_the_needed_rate_is_the_lowest_that_suffices(
    clients: dict[str, int], start: datetime, hours: float, window: SendWindow | None, rate: int
) -> None:
    end = start + hours * HOUR
    ended = forecast_mailing(clients, start, end, window, rate, zone)
    assert ended.reached + ended.too_late + ended.unreachable == sum(clients.values())
    assert min(ended.reached, ended.too_late, ended.unreachable) >= 0
    assert (ended.rate_needed is not None) == (ended.too_late > 0)
    assert ended.ends_at is None or start <= ended.ends_at <= end
    faster = forecast_mailing(clients, start, end, window, rate + 1, zone)
    assert faster.reached >= ended.reached
    if ended.rate_needed:
        assert ended.rate_needed > rate
        assert forecast_mailing(clients, start, end, window, ended.rate_needed, zone).too_late == 0
        assert forecast_mailing(clients, start, end, window, ended.rate_needed - 1, zone).too_late > 0
