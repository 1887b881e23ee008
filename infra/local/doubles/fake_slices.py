"""Slices, rates and what days have spent, in memory, with the conditions of the real tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from chalicelib.domain.audience_slice import AudienceSlice, ShardReport
from chalicelib.domain.jobs import ReleaseShard
from chalicelib.errors import RowChanged, SliceBusy

from .fake_clock import LOCK


class FakeSlices:
    def __init__(self) -> None:
        self.rows: dict[tuple[int, ...], AudienceSlice] = {}
        self.leased_until: dict[tuple[int, ...], datetime] = {}
        self.shard_reports: dict[tuple[int, int], dict[int, ShardReport]] = defaultdict(dict)
        self.release_cursors: dict[ReleaseShard, int] = {}

    def lease(
        self, mailing_id: int, number: int, now: datetime, until: datetime, expires_at: datetime, feed: int = 0
    ) -> AudienceSlice:
        with LOCK:
            key = _key(mailing_id, number, feed)
            held = self.leased_until.get(key)
            if held is not None and held > now:
                raise SliceBusy
            row = self.rows.get(key, AudienceSlice(mailing_id, number, feed=feed))
            self.rows[key] = replace(row, lease=row.lease + 1)
            self.leased_until[key] = until
            return replace(self.rows[key], in_doubt=held is not None)

    def advance(self, audience_slice: AudienceSlice) -> None:
        with LOCK:
            key = _key(audience_slice.mailing_id, audience_slice.number, audience_slice.feed)
            if self.rows[key].lease != audience_slice.lease:
                raise RowChanged
            self.rows[key] = replace(audience_slice, in_doubt=False)

    def end_lease(self, audience_slice: AudienceSlice) -> None:
        with LOCK:
            self.advance(audience_slice)
            self.leased_until.pop(_key(audience_slice.mailing_id, audience_slice.number, audience_slice.feed), None)

    def give_up_lease(self, audience_slice: AudienceSlice, now: datetime) -> None:
        with LOCK:
            key = _key(audience_slice.mailing_id, audience_slice.number, audience_slice.feed)
            if self.rows[key].lease != audience_slice.lease:
                raise RowChanged
            self.leased_until[key] = now

    def of_mailing(self, mailing_id: int, feed: int = 0) -> list[AudienceSlice]:
        return [row for _, row in sorted(self.rows.items()) if (row.mailing_id, row.feed) == (mailing_id, feed)]

    def report(self, mailing_id: int, round_number: int, shard: int, report: ShardReport, expires_at: datetime) -> None:
        self.shard_reports[mailing_id, round_number][shard] = report

    def report_of(self, mailing_id: int, round_number: int, shard: int) -> ShardReport | None:
        return self.shard_reports[mailing_id, round_number].get(shard)

    def reports(self, mailing_id: int, round_number: int) -> dict[int, ShardReport]:
        return dict(self.shard_reports[mailing_id, round_number])

    def release_cursor(self, job: ReleaseShard) -> int:
        return self.release_cursors.get(job, 0)

    def advance_release(self, job: ReleaseShard, client_id: int, expires_at: datetime) -> None:
        self.release_cursors[job] = client_id


def _key(mailing_id: int, number: int, feed: int) -> tuple[int, ...]:
    return (mailing_id, number, feed) if feed else (mailing_id, number)


class FakeSpending:
    def __init__(self) -> None:
        self.days: Counter[date] = Counter()
        self.calls = 0

    def of_day(self, day: date) -> int:
        self.calls += 1
        return self.days[day]

    def add(self, day: date, cost: int, now: datetime) -> int:
        with LOCK:
            self.calls += 1
            self.days[day] += cost
            return self.days[day]


class FakeRates:
    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.writes = 0

    def change(self, kind: type[Any], name: str, decide: Callable[[Any], tuple[Any, Any]]) -> Any:
        with LOCK:
            self.rows[name], result = decide(self.rows.get(name, kind()))
            self.writes += 1
            return result
