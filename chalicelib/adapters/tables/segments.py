"""Segments of a fan-out with their cursors, and what each round of recounting found in each shard."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from ...domain.mailing import Counts
from ...domain.segment import Segment, ShardReport
from ...domain.walk import Cursor
from ...errors import RowChanged, SegmentBusy
from .base import conflicts, place


class SegmentRow(Model):
    class Meta:
        table_name = "segments"

    mailing_id = NumberAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    partition = NumberAttribute(default=0)
    client_id = NumberAttribute(default=0)
    chosen = NumberAttribute(default=0)
    done = BooleanAttribute(default=False)
    leased_until = NumberAttribute(null=True)
    lease = NumberAttribute(default=0)
    counts = JSONAttribute(null=True)
    last_post_at = Moment(null=True)
    held = NumberAttribute(default=0)
    standing = NumberAttribute(default=0)
    attempts = NumberAttribute(default=0)
    expires_at = NumberAttribute(null=True)

    def segment(self, in_doubt: bool = False) -> Segment:
        return Segment(
            mailing_id=int(self.mailing_id),
            number=int(self.name.partition("#")[2]),
            cursor=Cursor(int(self.partition), int(self.client_id)),
            chosen=int(self.chosen),
            done=self.done,
            lease=int(self.lease),
            in_doubt=in_doubt,
        )

    def report(self) -> ShardReport:
        counts = Counts(**(self.counts or {}))
        held, standing, attempts = (int(number or 0) for number in (self.held, self.standing, self.attempts))
        return ShardReport(counts, self.last_post_at, held, standing, attempts)


class Segments:
    def __init__(self, stack_name: str) -> None:
        place(SegmentRow, stack_name, "segments")

    def lease(self, mailing_id: int, number: int, now: datetime, until: datetime, expires_at: datetime) -> Segment:
        """Take the segment for this worker alone; SegmentBusy while another one has it.

        A lease that ended without being given back leaves the segment in doubt.
        """
        row = SegmentRow(mailing_id, _walk(number))
        actions: list[Action] = [
            SegmentRow.leased_until.set(until.timestamp()),
            SegmentRow.expires_at.set(int(expires_at.timestamp())),
            SegmentRow.lease.add(1),
        ]
        with suppress(RowChanged), conflicts():
            row.update(actions=actions, condition=SegmentRow.leased_until.does_not_exist())
            return row.segment()
        with conflicts(otherwise=SegmentBusy):
            row.update(actions=actions, condition=SegmentRow.leased_until <= now.timestamp())
        return row.segment(in_doubt=True)

    def advance(self, segment: Segment) -> None:
        """Write how far we are; RowChanged when the lease has passed to another worker."""
        self._write_own(segment, _progress(segment))

    def give_back(self, segment: Segment) -> None:
        """Write how far we are and end the lease: nothing beyond the cursor has been begun."""
        self._write_own(segment, [*_progress(segment), SegmentRow.leased_until.remove()])

    def of_mailing(self, mailing_id: int) -> list[Segment]:
        rows = SegmentRow.query(mailing_id, _named("walk#"), consistent_read=True)
        return [row.segment() for row in rows]

    def report(self, mailing_id: int, round_number: int, shard: int, found: ShardReport, expires_at: datetime) -> None:
        """What a round of recounting found in one shard; found again, it replaces what it found before."""
        row = SegmentRow(mailing_id, f"{_round(round_number)}{shard:05d}", expires_at=int(expires_at.timestamp()))
        row.counts = asdict(found.counts)
        row.last_post_at = found.last_post_at
        row.held = found.held
        row.standing = found.standing
        row.attempts = found.attempts
        row.save()

    def reports(self, mailing_id: int, round_number: int) -> list[ShardReport]:
        """One per shard that has been recounted in this round."""
        rows = SegmentRow.query(mailing_id, _named(_round(round_number)), consistent_read=True)
        return [row.report() for row in rows]

    def _write_own(self, segment: Segment, actions: list[Action]) -> None:
        row = SegmentRow(segment.mailing_id, _walk(segment.number))
        with conflicts():
            row.update(actions=actions, condition=SegmentRow.lease == segment.lease)


def _walk(number: int) -> str:
    return f"walk#{number:05d}"


def _round(number: int) -> str:
    return f"recount#{number:05d}#"


def _named(prefix: str) -> Condition:
    """Names are digits after their prefix. (MiniStack 1.5 refuses begins_with beside a numeric partition key.)"""
    names: Condition = SegmentRow.name.between(prefix, f"{prefix}~")
    return names


def _progress(segment: Segment) -> list[Action]:
    return [
        SegmentRow.partition.set(segment.cursor.partition),
        SegmentRow.client_id.set(segment.cursor.id),
        SegmentRow.chosen.set(segment.chosen),
        SegmentRow.done.set(segment.done),
    ]
