"""A mailing over time: bars whose sum is the counts, the rate, the expected end, and a bound of the samples."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.audience import Plan
from chalicelib.domain.counts import Counts
from chalicelib.domain.mailing import FINISHED, RUNNING, Mailing
from chalicelib.domain.timeline import (
    MINUTE,
    MOST_BARS,
    SHOWN,
    Sample,
    chart_of,
    course,
    expected_end,
    latency_of,
    moved_ends,
    needs_sample,
    rate_of,
    sample_of,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUNS = Mailing(
    1, NOON, NOON + timedelta(days=60), "text", status=RUNNING, plan=Plan("block", 10, 1, 1), is_fanned_out=True
)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def sampled(*sent: int, total: int = 1000) -> list[Sample]:
    """One a minute, from the first minute on."""
    return [Sample(at(minute), Counts(total=total, sent=number)) for minute, number in enumerate(sent, start=1)]


def test_a_bar_has_the_messages_of_its_minute_by_status() -> None:
    mailing = replace(RUNS, counts=Counts(total=1000, sent=300, failed=10))
    chart = chart_of(course(mailing, sampled(100, 150), at(2.5)))
    assert [(bar.at, bar.numbers["sent"], bar.numbers["failed"]) for bar in chart.bars] == [
        (at(0), 100, 0),
        (at(1), 50, 0),
        (at(2), 150, 10),
    ]


def test_a_lost_sample_spreads_its_messages_and_loses_none() -> None:
    points = [Sample(NOON), Sample(at(4), Counts(total=1000, sent=400))]
    assert [bar.numbers["sent"] for bar in chart_of(points).bars][:4] == [100] * 4


def after_a_night(*minutes_later: float) -> list[Sample]:
    """A mailing of 1000 messages, ten hours after it has paused with 100 sent: 60 a minute, from minute 600 on."""
    mailing = replace(RUNS, posting_since=at(600), counts=Counts(total=1000, sent=round(100 + 60 * minutes_later[-1])))
    later = [Sample(at(600 + one), Counts(total=1000, sent=round(100 + 60 * one))) for one in minutes_later[:-1]]
    return course(mailing, [*sampled(60, 100), *later], at(600 + minutes_later[-1]))


@pytest.mark.parametrize("minutes_later", [(0.5,), (0.8, 1.5), (0.8, 1.8, 5)])
def test_no_message_is_shown_in_a_pause_or_a_night_and_the_rate_is_that_of_the_time_after_it(
    minutes_later: tuple[float, ...],
) -> None:
    points = after_a_night(*minutes_later)
    bars = {bar.at: bar.total for bar in chart_of(points).bars}
    assert bars[at(0)] == 100
    assert sum(bars[moment] for moment in bars if at(0) < moment < at(570)) == 0
    assert sum(bars.values()) == points[-1].done
    assert rate_of(points) == pytest.approx(60)
    assert all(end < at(620) for _, end in moved_ends(points))


def test_a_night_ends_for_some_clients_a_minute_before_the_next_sample() -> None:
    mailing = replace(RUNS, posting_since=NOON, counts=Counts(total=1000, sent=190))
    points = course(mailing, [*sampled(60, 100), Sample(at(600), Counts(total=1000, sent=160))], at(600.5))
    assert rate_of(points) == pytest.approx(60)


@pytest.mark.parametrize("begin", [0, 17, 1000])
@pytest.mark.parametrize("days", [6, 30])
def test_the_rare_samples_of_a_long_mailing_are_no_pauses(days: int, begin: int) -> None:
    minutes = range(begin, begin + days * 24 * 60)
    samples = [
        Sample(at(minute), steady(begin, minute).counts)
        for minute in minutes
        if needs_sample(steady(begin, minute), at(minute))
    ]
    now, mailing = at(minutes[-1] + 2), steady(begin, minutes[-1] + 2)
    for points in (course(mailing, samples, now), course(mailing, samples[-12:], now, is_whole=False)):
        assert not any(point.is_restart for point in points)
        assert rate_of(points) == pytest.approx(2, rel=0.1)


def steady(begin: int, minute: int) -> Mailing:
    """A mailing that sends two messages a minute from a minute on."""
    counts = Counts(total=10**6, sent=2 * (minute - begin))
    start = at(begin)
    return replace(RUNS, datetime_start=start, posting_since=start, progress_at=at(minute), counts=counts)


def test_a_long_mailing_without_any_sample_is_spread_evenly() -> None:
    ended = replace(RUNS, status=FINISHED, ended_at=at(50), counts=Counts(total=100, sent=100))
    assert {bar.total for bar in chart_of(course(ended, [], at(90))).bars[:50]} == {2}


def test_a_mailing_that_ended_within_a_minute_has_one_bar() -> None:
    mailing = replace(RUNS, status=FINISHED, ended_at=at(0.3), counts=Counts(total=5, sent=5))
    assert [bar.total for bar in chart_of(course(mailing, [], at(60))).bars] == [5]


def test_before_the_start_there_is_no_course() -> None:
    assert course(replace(RUNS, plan=None), [], NOON) == []
    assert chart_of([]).bars == []


@given(
    steps=st.lists(st.tuples(st.integers(1, 100_000), st.integers(0, 10**6), st.integers(0, 1000)), min_size=1),
    begin=st.integers(0, 10**6),
)
def test_the_bars_add_up_to_the_counts_and_are_few(steps: list[tuple[int, int, int]], begin: int) -> None:
    moment, counts = NOON + timedelta(seconds=begin), Counts(total=10**9)
    points = [Sample(moment)]
    for seconds, sent, failed in steps:
        moment, counts = moment + timedelta(seconds=seconds), counts + Counts(sent=sent, failed=failed)
        points.append(Sample(moment, counts))
    chart = chart_of(points)
    assert len(chart.bars) <= MOST_BARS + 2
    for name in SHOWN:
        assert sum(bar.numbers[name] for bar in chart.bars) == counts.by_status()[name]


def test_a_resend_makes_no_bar_below_zero() -> None:
    points = [
        Sample(NOON),
        Sample(at(1), Counts(total=10, failed=10)),
        Sample(at(2), Counts(total=10, failed=2, sent=8)),
    ]
    assert all(number >= 0 for bar in chart_of(points).bars for number in bar.numbers.values())


def test_the_rate_is_that_of_the_last_minutes() -> None:
    points = [Sample(NOON), *sampled(600, 700, 710, 720, 730)]
    assert rate_of(points) == pytest.approx(10)
    assert rate_of(points[:2]) == pytest.approx(600)
    assert rate_of(points[:1]) is None


def test_the_expected_end_follows_from_the_rate_and_moves_with_it() -> None:
    points = [Sample(NOON), *sampled(100, 200, 300, 310, 320, 330)]
    assert expected_end(points[:4]) == at(3 + 7)
    assert expected_end(points) == at(6 + 67)
    moves = moved_ends(points)
    assert moves[0] == (at(1), at(10))
    assert moves == sorted(moves)
    assert expected_end([Sample(NOON), *sampled(100, 100, 100, 100, 100)]) is None, "nothing was sent for minutes"
    assert expected_end([Sample(NOON), *sampled(1000)]) is None, "nothing waits"


def test_the_latency_is_the_mean_of_the_last_posts() -> None:
    points = [
        Sample(NOON),
        Sample(at(1), posts=10, post_milliseconds=500),
        Sample(at(2), posts=20, post_milliseconds=2500),
    ]
    assert latency_of(points) == 200
    assert latency_of([*points, replace(points[-1], at=at(3))]) == 200, "nothing was posted since"
    assert latency_of(points[:1]) is None


def test_only_a_mailing_with_progress_is_sampled() -> None:
    assert needs_sample(replace(RUNS, progress_at=at(1)), at(2))
    assert not needs_sample(replace(RUNS, progress_at=at(1)), at(4))
    assert not needs_sample(replace(RUNS, plan=None, progress_at=at(1)), at(1))


def test_a_mailing_of_two_months_has_a_bounded_number_of_samples() -> None:
    moments = (at(minute) for minute in range(60 * 24 * 60))
    kept = [moment for moment in moments if needs_sample(replace(RUNS, progress_at=moment), moment)]
    assert len(kept) < 1000
    assert kept[:240] == [at(minute) for minute in range(240)], "for four hours each minute"
    assert kept[240:300] == [at(minute) for minute in range(240, 360, 2)], "then for two hours each second one"


def test_a_sample_has_the_counts_of_the_mailing() -> None:
    mailing = replace(RUNS, counts=Counts(total=3, sent=1), posts=1, post_milliseconds=40)
    assert sample_of(mailing, NOON) == Sample(NOON, Counts(total=3, sent=1), 1, 40)
