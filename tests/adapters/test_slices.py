from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.audience_slice import AudienceSlice, ShardReport
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import ReleaseShard
from chalicelib.domain.walk import Cursor
from chalicelib.errors import RowChanged, SliceBusy

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=65)
KEPT = NOW + timedelta(days=400)


def lease(services: Any, now: datetime = NOW, number: int = 0) -> AudienceSlice:
    audience_slice: AudienceSlice = services.slices.lease(1, number, now, now + timedelta(seconds=65), KEPT)
    return audience_slice


def test_a_slice_is_leased_to_one_worker(services: Any) -> None:
    assert lease(services) == AudienceSlice(1, 0, lease=1)
    with pytest.raises(SliceBusy):
        lease(services, NOW + timedelta(seconds=64))
    assert lease(services, number=1) == AudienceSlice(1, 1, lease=1)


def test_a_returned_slice_continues_from_its_cursor_without_doubt(services: Any) -> None:
    audience_slice = lease(services)
    zones = Counter({"Europe/Moscow": 16, "Asia/Kolkata": 1})
    services.slices.end_lease(replace(audience_slice, cursor=Cursor(2, 345), client_count=17, zones=zones))
    assert lease(services) == AudienceSlice(1, 0, Cursor(2, 345), client_count=17, zones=zones, lease=2)


def test_a_lease_that_ends_without_a_return_leaves_the_slice_in_doubt(services: Any) -> None:
    services.slices.advance(replace(lease(services), cursor=Cursor(0, 9), client_count=5))
    assert lease(services, UNTIL) == AudienceSlice(1, 0, Cursor(0, 9), client_count=5, lease=2, in_doubt=True)


def test_a_lease_that_is_given_up_is_free_at_once_and_leaves_the_slice_in_doubt(services: Any) -> None:
    audience_slice = lease(services)
    services.slices.advance(replace(audience_slice, cursor=Cursor(0, 9), client_count=5))
    services.slices.give_up_lease(audience_slice, NOW)
    assert lease(services) == AudienceSlice(1, 0, Cursor(0, 9), client_count=5, lease=2, in_doubt=True)
    with pytest.raises(RowChanged):
        services.slices.give_up_lease(audience_slice, NOW)


def test_a_worker_without_the_lease_changes_nothing(services: Any) -> None:
    late = lease(services)
    lease(services, UNTIL)
    for move in (services.slices.advance, services.slices.end_lease):
        with pytest.raises(RowChanged):
            move(replace(late, cursor=Cursor(0, 9)))
    assert services.slices.of_mailing(1)[0].cursor == Cursor()


def test_the_slices_of_a_mailing_are_listed(services: Any) -> None:
    for number in (1, 0):
        services.slices.end_lease(replace(lease(services, number=number), done=number == 1, client_count=number))
    services.slices.report(1, 1, 0, ShardReport(Counts(total=1)), KEPT)
    found = services.slices.of_mailing(1)
    assert [(one.number, one.done, one.client_count) for one in found] == [(0, False, 0), (1, True, 1)]
    assert services.slices.of_mailing(2) == []


def test_a_report_has_the_parts_and_the_cost_apart_from_the_counts_that_version_1_reads(services: Any) -> None:
    services.slices.report(1, 1, 0, ShardReport(Counts(total=3, sent=3, parts=4, cost=5)), KEPT)
    counts = services.slices.report_of(1, 1, 0).counts
    assert (counts.sent, counts.parts, counts.cost) == (3, 4, 5)


def test_each_shard_is_reported_once_a_round(services: Any) -> None:
    first = ShardReport(Counts(total=3, sent=2), NOW, attempts=5, written_at=NOW)
    second = ShardReport(Counts(total=4, failed=2, unknown=1), held=1, in_canary=2, read_until=77)
    services.slices.report(1, 1, 0, ShardReport(Counts(total=3, sent=1)), KEPT)
    services.slices.report(1, 1, 0, first, KEPT)
    services.slices.report(1, 1, 1, second, KEPT)
    services.slices.report(1, 2, 0, ShardReport(Counts(total=9)), KEPT)
    assert services.slices.reports(1, 1) == {0: first, 1: second}
    assert services.slices.reports(1, 2) == {0: ShardReport(Counts(total=9))}
    assert services.slices.reports(1, 3) == {}
    assert (services.slices.report_of(1, 1, 1), services.slices.report_of(1, 1, 2)) == (second, None)
    assert (first.is_complete, second.is_complete) == (True, False)


def test_a_release_goes_on_from_its_cursor_and_another_one_begins_anew(services: Any) -> None:
    job = ReleaseShard(1, 2, 1_800_000_000, 1_800_000_000_123)
    assert services.slices.release_cursor(job) == 0
    services.slices.advance_release(job, 1000, KEPT)
    services.slices.advance_release(job, 2000, KEPT)
    assert services.slices.release_cursor(job) == 2000
    for name in ("mailing_id", "shard", "opens_at", "released_at"):
        assert services.slices.release_cursor(replace(job, **{name: 3})) == 0
    assert services.slices.of_mailing(1) == []
    assert services.slices.reports(1, 1) == {}


def test_the_lanes_of_a_feed_are_separate_from_slices_and_from_other_feeds(services: Any) -> None:
    lease(services)
    lane = services.slices.lease(1, 0, NOW, UNTIL, KEPT, feed=3)
    assert lane == AudienceSlice(1, 0, lease=1, feed=3)
    services.slices.end_lease(replace(lane, cursor=Cursor(1, 345), client_count=17, done=True))
    found = AudienceSlice(1, 0, Cursor(1, 345), client_count=17, done=True, lease=1, feed=3)
    assert services.slices.of_mailing(1, feed=3) == [found]
    assert services.slices.of_mailing(1, feed=4) == []
    assert services.slices.of_mailing(1) == [AudienceSlice(1, 0, lease=1)]
