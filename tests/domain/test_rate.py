"""Rate limits: posts never exceed the limit and a burst, use all of the limit, and share it fairly."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.rate import (
    BURST,
    FORGET_AFTER,
    LOOKAHEAD,
    MAX_DELAY,
    MAX_LAG,
    Booking,
    Bucket,
    Clocks,
    Limits,
    Permit,
    book_delays,
    take_permits,
)
from infra.local.arrivals import most_in_a_second
from tests.depth import depth

START = 1_800_000_000.0
LIMITS = st.floats(0.5, 2000)
ASKS = st.lists(
    st.tuples(st.integers(1, 3), st.floats(0, 1.5), st.integers(1, 100), st.floats(0, 1)), min_size=1, max_size=60
)
"""Requests: the mailing, the time since the last one, the number of permits, and how late each permit is used."""


def posted(asks: list[tuple[int, float, int, float]], limits: dict[int, Limits]) -> dict[int, list[float]]:
    """The start times of each mailing's posts, between the first (0) and the last (1) moment of their permits."""
    bucket, now = Bucket(), START
    moments: dict[int, list[float]] = {}
    for mailing_id, after, wanted, late in asks:
        now += after
        bucket = bucket.with_request(mailing_id, mailing_id * 100, now)
        bucket, permits = take_permits(bucket, mailing_id, limits[mailing_id], wanted, now)
        for permit in permits:
            begins = max(now, permit.at) + late * (permit.until - max(now, permit.at))
            assert permit.allows(begins)
            moments.setdefault(mailing_id, []).append(begins)
    return moments


@given(ASKS, LIMITS)
def test_the_posts_of_a_second_never_exceed_the_gateways_limit_and_a_burst(
    asks: list[tuple[int, float, int, float]], limit: float
) -> None:
    moments = posted(asks, dict.fromkeys((1, 2, 3), Limits(limit, None)))
    assert most_in_a_second([moment for times in moments.values() for moment in times]) <= limit * (1 + BURST) + 1


@given(ASKS, LIMITS)
def test_the_posts_of_a_second_never_exceed_the_mailings_own_limit_and_a_burst(
    asks: list[tuple[int, float, int, float]], limit: float
) -> None:
    moments = posted([(1, *rest) for _, *rest in asks], {1: Limits(None, limit)})  # type: ignore[misc]
    assert most_in_a_second(moments[1]) <= limit * (1 + BURST) + 1


@given(ASKS, LIMITS, LIMITS)
def test_with_both_limits_each_one_is_kept_within_the_lookahead(
    asks: list[tuple[int, float, int, float]], gateway: float, own: float
) -> None:
    moments = posted(asks, {1: Limits(gateway, own), 2: Limits(gateway, None), 3: Limits(gateway, None)})
    window = 1 + BURST + LOOKAHEAD + MAX_LAG
    assert most_in_a_second([moment for times in moments.values() for moment in times]) <= gateway * window + 1
    assert most_in_a_second(moments.get(1, [])) <= own * window + 1


@pytest.mark.parametrize("limits", [Limits(100, None), Limits(None, 100), Limits(1000, 100), Limits(100, 1000)])
def test_frequent_requests_get_all_of_the_limit(limits: Limits) -> None:
    bucket, got = Bucket(), 0
    for step in range(1000):
        bucket, permits = take_permits(bucket, 1, limits, 20, START + step / 50)
        got += len(permits)
    assert 20 * 100 <= got <= (20 + LOOKAHEAD + MAX_LAG) * 100 + 1


def test_permits_that_are_not_taken_in_time_are_lost() -> None:
    bucket, _ = take_permits(Bucket(), 1, Limits(None, 10), 1, START)
    _, permits = take_permits(bucket, 1, Limits(None, 10), 1000, START + 3600)
    assert len(permits) == int(10 * (LOOKAHEAD + MAX_LAG)) + 1
    assert permits[0] == Permit(START + 3600 - MAX_LAG, START + 3600 - MAX_LAG + BURST), (
        "the clock lags at most MAX_LAG"
    )


def test_a_changed_limit_applies_at_once() -> None:
    bucket, now = Bucket(), START
    for limit in (10, 1000, 5):
        given_ = 0
        for step in range(500):
            bucket, permits = take_permits(bucket, 1, Limits(None, limit), 50, now + step / 50)
            given_ += len(permits)
        assert given_ == pytest.approx(10 * limit, rel=0.2, abs=2 * limit)
        now += 10 + LOOKAHEAD


def test_a_permit_is_valid_from_its_moment_for_a_burst() -> None:
    permit = Permit(START, START + BURST)
    assert [permit.allows(START + late) for late in (-0.01, 0, BURST, BURST + 0.01)] == [False, True, True, False]


def test_bookings_are_in_order_and_faster_than_the_limit_by_the_overbooking() -> None:
    booking, delays = book_delays(Booking(), Limits(None, 100), 1200, START)
    assert delays == sorted(delays)
    assert set(Counter(delays).values()) == {120}
    _, delays = book_delays(booking, Limits(None, 100), 1, START)
    assert delays == [10], "after the earlier bookings"
    _, delays = book_delays(booking, Limits(None, 1000), 1, START)
    assert delays == [0], "a changed limit starts a new booking"


def test_delays_beyond_the_maximum_are_spread_over_its_second_half() -> None:
    booking, delays = book_delays(Booking(), Limits(None, 1), 100_000, START)
    late = delays[int(MAX_DELAY * 1.2) + 1 :]
    assert min(late) == MAX_DELAY / 2
    assert max(late) == MAX_DELAY - 1
    assert max(Counter(late).values()) <= 2 * min(Counter(late).values())
    assert booking.until == START + MAX_DELAY


def test_a_mailing_without_requests_is_removed() -> None:
    bucket, _ = take_permits(Bucket().with_request(1, 5, START), 1, Limits(10, None), 1, START)
    bucket = bucket.with_request(2, 5, START + FORGET_AFTER + 1)
    assert bucket.clocks_of(1) == Clocks()
    assert set(bucket.mailings) == {2}


def seconds_to_send(limit: float, begins_at: dict[str, float] | None = None, **waiting: int) -> dict[str, float]:
    """The seconds until each mailing ends. Messages ask for permits one by one, within the second of their booking."""
    limits, left = Limits(limit, None), dict(waiting)
    numbers = {name: number for number, name in enumerate(sorted(waiting))}
    bucket, ended = Bucket(), dict.fromkeys(waiting, 0.0)
    within = itertools.accumulate(itertools.repeat(0.618034), lambda moment, step: (moment + step) % 1)
    asks: list[tuple[float, str]] = []
    bookings = {}
    for name in waiting:
        begins = START + (begins_at or {}).get(name, 0)
        bookings[name], delays = book_delays(Booking(), limits, waiting[name], begins)
        asks += [(begins + delay + next(within), name) for delay in delays]
    heapq.heapify(asks)
    while asks:
        now, name = heapq.heappop(asks)
        number = numbers[name]
        bucket, permits = take_permits(bucket.with_request(number, left[name], now), number, limits, 1, now)
        if permits:
            left[name] -= 1
            ended[name] = max(now, permits[0].at) - START - (begins_at or {}).get(name, 0)
        else:
            bookings[name], delays = book_delays(bookings[name], limits, 1, now)
            heapq.heappush(asks, (now + max(1, delays[0]), name))
    return ended


@pytest.mark.parametrize(("large", "head_start"), [(10_000, 0), (depth(full=100_000, quick=20_000), 60)])
def test_a_small_mailing_beside_a_large_one_takes_at_most_twice_the_time(large: int, head_start: float) -> None:
    alone = seconds_to_send(20, small=100)["small"]
    both = seconds_to_send(20, {"small": head_start}, large=large, small=100)
    assert both["small"] <= 2 * alone
    assert both["large"] == pytest.approx((large + 100) / 20, rel=0.05), "no permit is unused"


def test_three_equal_mailings_get_equal_shares() -> None:
    ended = seconds_to_send(30, a=1000, b=1000, c=1000)
    assert max(ended.values()) == pytest.approx(100, rel=0.05)
    assert min(ended.values()) > 75
