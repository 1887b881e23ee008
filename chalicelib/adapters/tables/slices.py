"""Slices of a fan-out, lanes of a feed and releases with their cursors, and the reports of reconciliation rounds."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from ...domain.audience_slice import AudienceSlice, ShardReport
from ...domain.counts import Counts
from ...domain.jobs import ReleaseShard
from ...domain.walk import Cursor
from ...errors import RowChanged, SliceBusy
from ..clock import Clock
from .base import bind_table, conflicts, new_claim, write_claim
from .stored_reasons import read_reasons, stored_reasons


class SliceRow(Model):
    class Meta:
        table_name = "slices"

    mailing_id = NumberAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    partition = NumberAttribute(default=0)
    client_id = NumberAttribute(default=0)
    chosen = NumberAttribute(default=0)
    zones = JSONAttribute(null=True)
    done = BooleanAttribute(default=False)
    leased_until = NumberAttribute(null=True)
    claimed_by = UnicodeAttribute(null=True)
    lease = NumberAttribute(default=0)
    counts = JSONAttribute(null=True)
    parts = NumberAttribute(null=True)
    cost = NumberAttribute(null=True)
    last_post_at = Moment(null=True)
    held = NumberAttribute(default=0)
    in_canary = NumberAttribute(default=0)
    attempts = NumberAttribute(default=0)
    reasons = JSONAttribute(null=True)
    waves = JSONAttribute(null=True)
    written_at = Moment(null=True)
    expires_at = NumberAttribute(null=True)

    def audience_slice(self, in_doubt: bool = False) -> AudienceSlice:
        kind, *numbers = self.name.split("#")
        return AudienceSlice(
            mailing_id=int(self.mailing_id),
            number=int(numbers[-1]),
            cursor=Cursor(int(self.partition), int(self.client_id)),
            client_count=int(self.chosen),
            done=self.done,
            lease=int(self.lease),
            in_doubt=in_doubt,
            feed=int(numbers[0]) if kind == "feed" else 0,
            zones=Counter(self.zones or {}),
        )

    def report(self) -> ShardReport:
        return ShardReport(
            Counts(**(self.counts or {}), parts=int(self.parts or 0), cost=int(self.cost or 0)),
            self.last_post_at,
            held=int(self.held or 0),
            in_canary=int(self.in_canary or 0),
            attempts=int(self.attempts or 0),
            reasons=read_reasons(self.reasons or []),
            waves=Counter({(kind, offset): number for kind, offset, number in self.waves or []}),
            read_until=None if self.done else int(self.client_id),
            written_at=self.written_at,
        )


class Slices:
    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(SliceRow, stack_name, clock)

    def lease(
        self, mailing_id: int, number: int, now: datetime, until: datetime, expires_at: datetime, feed: int = 0
    ) -> AudienceSlice:
        """Lease the slice, or the lane of a feed, to this worker. Raises SliceBusy if another worker has the lease.

        If the last lease expired without `end_lease`, the slice is in doubt.
        """
        row, by = SliceRow(mailing_id, f"{_walk(feed)}{number:05d}"), new_claim()
        actions: list[Action] = [
            SliceRow.leased_until.set(until.timestamp()),
            SliceRow.claimed_by.set(by),
            SliceRow.expires_at.set(int(expires_at.timestamp())),
            SliceRow.lease.add(1),
        ]
        with suppress(RowChanged), conflicts():
            write_claim(row, by, lambda: row.update(actions, SliceRow.leased_until.does_not_exist()))
            return row.audience_slice()
        with conflicts(otherwise=SliceBusy):
            write_claim(row, by, lambda: row.update(actions, SliceRow.leased_until <= now.timestamp()))
        return row.audience_slice(in_doubt=True)

    def advance(self, audience_slice: AudienceSlice) -> None:
        """Write the progress. Raises RowChanged if another worker has the lease."""
        self._write_leased(audience_slice, _progress(audience_slice))

    def end_lease(self, audience_slice: AudienceSlice) -> None:
        """Write the progress and end the lease. No work beyond the cursor may have begun. Raises RowChanged."""
        self._write_leased(audience_slice, [*_progress(audience_slice), SliceRow.leased_until.remove()])

    def give_up_lease(self, audience_slice: AudienceSlice, now: datetime) -> None:
        """End the lease in the middle of a page: its rows may be written, so the next lease is in doubt.

        Raises RowChanged if another worker has the lease.
        """
        self._write_leased(audience_slice, [SliceRow.leased_until.set(now.timestamp())])

    def of_mailing(self, mailing_id: int, feed: int = 0) -> list[AudienceSlice]:
        """The slices of the fan-out, or the lanes of this feed, on which a worker has begun."""
        rows = SliceRow.query(mailing_id, _named(_walk(feed)), consistent_read=True)
        return [row.audience_slice() for row in rows]

    def report(self, mailing_id: int, round_number: int, shard: int, report: ShardReport, expires_at: datetime) -> None:
        """Write the report of a reconciliation round on one shard. A repetition replaces it."""
        row = SliceRow(mailing_id, _report(round_number, shard), expires_at=int(expires_at.timestamp()))
        counts = asdict(report.counts)
        row.parts, row.cost = counts.pop("parts"), counts.pop("cost")  # version 1.0.0 reads no other names
        row.counts = counts
        row.last_post_at = report.last_post_at
        row.held = report.held
        row.in_canary = report.in_canary
        row.attempts = report.attempts
        row.reasons = stored_reasons(report.reasons) or None
        row.waves = [[*name, number] for name, number in report.waves.items()] or None
        row.client_id, row.done = report.read_until or 0, report.is_complete
        row.written_at = report.written_at
        row.save()

    def report_of(self, mailing_id: int, round_number: int, shard: int) -> ShardReport | None:
        """The report of this round on one shard."""
        try:
            return SliceRow.get(mailing_id, _report(round_number, shard), consistent_read=True).report()
        except DoesNotExist:
            return None

    def reports(self, mailing_id: int, round_number: int) -> dict[int, ShardReport]:
        """The reports of this round by shard, with those that are incomplete."""
        rows = SliceRow.query(mailing_id, _named(_round(round_number)), consistent_read=True)
        return {int(row.name.rpartition("#")[2]): row.report() for row in rows}

    def release_cursor(self, job: ReleaseShard) -> int:
        """The last client id up to which this release has queued the messages of its shard; 0 at the beginning."""
        try:
            return int(SliceRow.get(job.mailing_id, _release(job), consistent_read=True).client_id)
        except DoesNotExist:
            return 0

    def advance_release(self, job: ReleaseShard, client_id: int, expires_at: datetime) -> None:
        """Write the cursor of a release. It has no lease: a message that two workers queue is sent once."""
        row = SliceRow(job.mailing_id, _release(job), expires_at=int(expires_at.timestamp()))
        row.client_id = client_id
        row.save()

    def _write_leased(self, audience_slice: AudienceSlice, actions: list[Action]) -> None:
        row = SliceRow(audience_slice.mailing_id, f"{_walk(audience_slice.feed)}{audience_slice.number:05d}")
        with conflicts():
            row.update(actions=actions, condition=SliceRow.lease == audience_slice.lease)


def _walk(feed: int) -> str:
    return f"feed#{feed:05d}#" if feed else "walk#"


def _round(number: int) -> str:
    return f"reconcile#{number:05d}#"


def _report(round_number: int, shard: int) -> str:
    return f"{_round(round_number)}{shard:05d}"


def _release(job: ReleaseShard) -> str:
    return f"release#{job.opens_at}#{job.released_at}#{job.shard:05d}"


def _named(prefix: str) -> Condition:
    """Names of a prefix and digits. MiniStack 1.5 refuses begins_with if the partition key is a number."""
    names: Condition = SliceRow.name.between(prefix, f"{prefix}~")
    return names


def _progress(audience_slice: AudienceSlice) -> list[Action]:
    zones = [SliceRow.zones.set(dict(audience_slice.zones))] if audience_slice.zones else []
    return [
        *zones,
        SliceRow.partition.set(audience_slice.cursor.partition),
        SliceRow.client_id.set(audience_slice.cursor.id),
        SliceRow.chosen.set(audience_slice.client_count),
        SliceRow.done.set(audience_slice.done),
    ]
