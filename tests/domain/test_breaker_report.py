"""When a sender tells that its breaker is open or closed, and what the reports of several senders add up to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib.domain.breaker_report import STALE_AFTER, BreakerReport, Opening, Told, is_due
from chalicelib.texts import Text

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPENING = Opening(NOW - MINUTE, Text("gateway.answered", status=503))


def test_a_breaker_that_never_opened_is_not_told() -> None:
    assert not is_due(None, None, NOW)
    assert is_due(None, OPENING, NOW)


def test_a_closing_is_told_at_once_and_an_opening_that_lasts_every_five_minutes() -> None:
    told = Told(True, NOW)
    assert is_due(told, None, NOW)
    assert [minute for minute in range(7) if is_due(told, OPENING, NOW + minute * MINUTE)] == [5, 6]


def test_a_breaker_that_opens_again_at_once_waits_a_minute_before_it_is_told() -> None:
    told = Told(False, NOW)
    assert not is_due(told, OPENING, NOW + timedelta(seconds=59))
    assert is_due(told, OPENING, NOW + MINUTE)
    assert not is_due(told, None, NOW + timedelta(days=1))


def test_among_several_senders_the_first_opening_counts_until_one_closes() -> None:
    report = BreakerReport("main", NOW).after(OPENING, NOW)
    later = report.after(Opening(NOW, None), NOW + MINUTE)
    assert (later.opened_at, later.told_at, later.reason) == (OPENING.at, NOW + MINUTE, None)
    closed = later.after(None, NOW + 2 * MINUTE)
    assert (closed.is_open(NOW + 2 * MINUTE), closed.opened_at) == (False, None)


def test_a_report_that_nobody_has_repeated_for_long_does_not_hold() -> None:
    report = BreakerReport("main", NOW).after(OPENING, NOW)
    assert report.is_open(NOW + STALE_AFTER - MINUTE)
    long_after = NOW + timedelta(days=1)
    assert not report.is_open(long_after)
    assert report.after(Opening(long_after, None), long_after).opened_at == long_after
