from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.mailing import Counts
from chalicelib.domain.segment import Segment, ShardReport
from chalicelib.domain.walk import Cursor
from chalicelib.errors import RowChanged, SegmentBusy

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=65)
KEPT = NOW + timedelta(days=400)


def lease(outside: Any, now: datetime = NOW, number: int = 0) -> Segment:
    segment: Segment = outside.segments.lease(1, number, now, now + timedelta(seconds=65), KEPT)
    return segment


def test_a_segment_is_leased_to_one_worker(outside: Any) -> None:
    assert lease(outside) == Segment(1, 0, lease=1)
    with pytest.raises(SegmentBusy):
        lease(outside, NOW + timedelta(seconds=64))
    assert lease(outside, number=1) == Segment(1, 1, lease=1)


def test_a_segment_given_back_goes_on_from_its_cursor_without_doubt(outside: Any) -> None:
    segment = lease(outside)
    outside.segments.give_back(replace(segment, cursor=Cursor(2, 345), chosen=17))
    assert lease(outside) == Segment(1, 0, Cursor(2, 345), chosen=17, lease=2)


def test_a_lease_that_ended_without_a_word_leaves_the_segment_in_doubt(outside: Any) -> None:
    outside.segments.advance(replace(lease(outside), cursor=Cursor(0, 9), chosen=5))
    assert lease(outside, UNTIL) == Segment(1, 0, Cursor(0, 9), chosen=5, lease=2, in_doubt=True)


def test_who_has_lost_the_lease_moves_nothing(outside: Any) -> None:
    late = lease(outside)
    lease(outside, UNTIL)
    for move in (outside.segments.advance, outside.segments.give_back):
        with pytest.raises(RowChanged):
            move(replace(late, cursor=Cursor(0, 9)))
    assert outside.segments.of_mailing(1)[0].cursor == Cursor()


def test_the_segments_of_a_mailing_are_listed(outside: Any) -> None:
    for number in (1, 0):
        outside.segments.give_back(replace(lease(outside, number=number), done=number == 1, chosen=number))
    outside.segments.report(1, 1, 0, ShardReport(Counts(total=1)), KEPT)
    found = outside.segments.of_mailing(1)
    assert [(one.number, one.done, one.chosen) for one in found] == [(0, False, 0), (1, True, 1)]
    assert outside.segments.of_mailing(2) == []


def test_each_shard_reports_once_a_round(outside: Any) -> None:
    first = ShardReport(Counts(total=3, sent=2), NOW, attempts=5)
    second = ShardReport(Counts(total=4, failed=2, unknown=1), held=1)
    outside.segments.report(1, 1, 0, ShardReport(Counts(total=3, sent=1)), KEPT)
    outside.segments.report(1, 1, 0, first, KEPT)
    outside.segments.report(1, 1, 1, second, KEPT)
    outside.segments.report(1, 2, 0, ShardReport(Counts(total=9)), KEPT)
    assert outside.segments.reports(1, 1) == [first, second]
    assert outside.segments.reports(1, 2) == [ShardReport(Counts(total=9))]
    assert outside.segments.reports(1, 3) == []
